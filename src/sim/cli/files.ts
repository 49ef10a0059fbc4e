/**
 * Files that people name on the command line. What is wrong with one is said in a line,
 * and is wrong usage: no property has failed.
 *
 * @since 0.1.0
 */
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { type Finding, fromFile } from "../explore/Finding.ts"

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The object in a JSON file, or what is wrong with the file.
 *
 * @since 0.1.0
 * @category getters
 */
export const readObject = (file: string): { readonly [name: string]: unknown } | Error => {
  let value: unknown
  let text: string
  try {
    text = readFileSync(resolve(file), "utf8")
  } catch (error) {
    return new Error(`${file} cannot be read: ${messageOf(error)}`)
  }
  try {
    value = JSON.parse(text)
  } catch (error) {
    return new Error(`${file} is no JSON: ${messageOf(error)}`)
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
  return isObject ? (value as { readonly [name: string]: unknown }) : new Error(`${file} has no JSON object in it`)
}

/**
 * A run that was saved, or why the file is none.
 *
 * @since 0.1.0
 * @category getters
 */
export const readFinding = (file: string): Finding | Error => {
  const value = readObject(file)
  if (value instanceof Error) return value
  const { choices = {}, scenario } = value
  const isRun = [scenario, choices].every((part) => typeof part === "object" && part !== null)
  return isRun
    ? fromFile(JSON.stringify(value))
    : new Error(`${file} is no saved run: it needs "scenario" and "choices", as --save writes them`)
}

/**
 * Why nothing can be saved there, before a run that may take minutes.
 *
 * @since 0.1.0
 * @category getters
 */
export const whyNotSaved = (file: string): string | undefined => {
  const path = resolve(file)
  if (!existsSync(dirname(path))) return `${file} cannot be written: there is no such folder`
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder ? `"${file}" cannot be written: it is a folder` : undefined
}
