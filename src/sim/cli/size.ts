/**
 * How much there is to read: lines of code, without comments and empty ones.
 *
 * @since 0.1.0
 */
import { readdirSync, readFileSync } from "node:fs"
import { writeRow } from "./figures.ts"
import { print } from "./show.ts"

const sources = new URL("../", import.meta.url)

/** Lines that say something to the machine. */
export const codeLines = (source: string): number =>
  source.split("\n").filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length

const filesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(new URL(folder, sources), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map(({ name }) => folder + name)

const linesOf = (files: ReadonlyArray<string>): number =>
  files.reduce((sum, file) => sum + codeLines(readFileSync(new URL(file, sources), "utf8")), 0)

/** Prints the size of the kernel with its network, and of the properties with the model that they judge by. */
export const showSize = ({ json, write }: { readonly json: boolean; readonly write: boolean }): number => {
  const isWorld = (file: string) => !/(main|index|Simulation)\.ts$/.test(file)
  const marks = ["properties/marks.ts", "properties/names.ts"]
  const figures = {
    kernelAndNetwork: linesOf([...filesOf("./").filter(isWorld), ...filesOf("network/")]),
    properties: linesOf(filesOf("properties/").filter((file) => !marks.includes(file))),
    namesAndSituations: linesOf(marks)
  }
  const text = `kernel and network ${figures.kernelAndNetwork} (aim 1500), properties ${figures.properties} (aim 1200), their names and the situations ${figures.namesAndSituations}`
  print(json ? JSON.stringify(figures) : text)
  if (write) writeRow("lines of code, `--size`", text)
  return 0
}
