/**
 * How a line of the job server's log looks: gearmand's way, for people, or for machines.
 */
import { visible } from "../Visible.ts"
import type { Level, LogFormat } from "./LogLevel.ts"

/** What a line is about, apart from its text: a job, a function, a peer. */
export type Fields = Readonly<Record<string, string | number>>

/** Makes a line, with its end. */
export type Formatter = (level: Level, message: string, fields: Fields, now: Date) => string

const digits = (value: number, width = 2) => String(value).padStart(width, "0")

const timeOf = (now: Date) => `${digits(now.getHours())}:${digits(now.getMinutes())}:${digits(now.getSeconds())}`

const isPlain = (text: string): boolean => /^[^\s"=\\\p{Cc}]+$/u.test(text)

const value = (field: string | number): string => {
  const text = String(field)
  return isPlain(text) ? text : visible(JSON.stringify(text))
}

const pairs = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, field]) => ` ${name}=${value(field)}`)
    .join("")

const inOneLine = (message: string): string => visible(message.replaceAll("\n", " | "))

/** ` NOTICE 2024-02-03 04:05:06.000700 [  main ] message`, in local time. */
const gearmand: Formatter = (level, message, fields, now) => {
  const day = `${now.getFullYear()}-${digits(now.getMonth() + 1)}-${digits(now.getDate())}`
  const time = `${timeOf(now)}.${digits(now.getMilliseconds(), 3)}000`
  return `${level.padStart(7)} ${day} ${time} [  main ] ${inOneLine(message)}${pairs(fields)}\n`
}

const red = 31
const colours: Record<Level, number> = {
  FATAL: red,
  ALERT: red,
  CRITICAL: red,
  ERROR: red,
  WARNING: 33,
  NOTICE: 32,
  INFO: 36,
  DEBUG: 90
}

const pretty =
  (isColoured: boolean): Formatter =>
  (level, message, fields, now) => {
    const paint = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
    const about = pairs(fields)
    const time = `${timeOf(now)}.${digits(now.getMilliseconds(), 3)}`
    return `${paint(90, time)} ${paint(colours[level], level.padEnd(8))} ${inOneLine(message)}${about && paint(90, about)}\n`
  }

const json: Formatter = (level, message, fields, now) =>
  `${JSON.stringify({ time: now.toISOString(), level, message, ...fields })}\n`

const logfmt: Formatter = (level, message, fields, now) =>
  `time=${now.toISOString()} level=${level} message=${value(message)}${pairs(fields)}\n`

/** The way to write lines in a format. */
export const formatter = (format: LogFormat, isColoured: boolean): Formatter =>
  format === "pretty" ? pretty(isColoured) : { gearmand, json, logfmt }[format]
