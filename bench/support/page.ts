/**
 * `docs/performance.md`: each section's figures stand between marks of their own, so that
 * measuring some of them leaves the others as they were found. What people have to say about
 * them stands between the last marks, and is left alone.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { markdown, type Table } from "./report.ts"

const file = join(import.meta.dirname, "../../docs/performance.md")

const remarks = "remarks"

const begin = (name: string) => `<!-- ${name} -->\n`
const end = (name: string) => `<!-- end of ${name} -->\n`

/** What stands there of a section, or nothing. */
const found = (page: string, name: string): string => {
  const from = page.indexOf(begin(name))
  const to = page.indexOf(end(name))
  return from === -1 || to === -1 ? "" : page.slice(from + begin(name).length, to)
}

export interface Figures {
  readonly section: string
  /** How and on what they were measured. */
  readonly circumstances: string
  readonly tables: ReadonlyArray<Table>
}

/** Writes the introduction and the figures anew, and keeps those of the sections that were not measured, and the remarks. */
export const write = (
  introduction: string,
  sections: ReadonlyArray<string>,
  measured: ReadonlyArray<Figures>
): void => {
  const old = readFileSync(file, "utf8")
  const parts = [...sections, remarks].map((name) => {
    const figures = measured.find(({ section }) => section === name)
    const text =
      figures === undefined
        ? found(old, name)
        : `\n${figures.circumstances}\n\n${figures.tables.map(markdown).join("\n")}\n`
    return text === "" ? "" : `${begin(name)}${text}${end(name)}`
  })
  writeFileSync(file, `${introduction}\n${parts.filter((part) => part !== "").join("\n")}`)
}
