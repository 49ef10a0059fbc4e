/**
 * Where the sandbox's own scripts are: beside this file, as sources or built; or, from
 * the command that is bundled into one file, in the folder it was bundled from.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/** The path of `guard` or `thread`. */
export const scriptNamed = (name: "guard" | "thread"): string => {
  const beside = fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url))
  return existsSync(beside) ? beside : fileURLToPath(new URL(`../runtime/map/${name}.${extension}`, import.meta.url))
}
