/**
 * What commands print: bytes as they are, tables for people, JSON for scripts. A reader
 * that goes away (`… | head -1`) ends the command quietly.
 */
import * as Effect from "effect/Effect"
import * as Process from "node:process"
import { visible } from "../Visible.ts"

/** Writes and waits until the pipe has taken it. */
const write = (stream: NodeJS.WriteStream, bytes: Uint8Array | string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    stream.write(bytes, (error) => {
      // One that goes wrong ends the command; see `endWhenUnwritable`.
      if (error === null || error === undefined || stream === Process.stderr) resume(Effect.void)
    })
  })

/**
 * What is printed and cannot be written ends the command: quietly where the reader has gone,
 * as `head` does, else with the reason and code 1.
 */
export const endWhenUnwritable = (): void => {
  Process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") Process.exit(0)
    Process.stderr.write(`effect-gearman: standard output cannot be written: ${error.message}\n`)
    Process.exit(1)
  })
  // Nobody is left to be told.
  Process.stderr.on("error", () => {})
}

/** Prints on standard output. */
export const print = (bytes: Uint8Array | string): Effect.Effect<void> => write(Process.stdout, bytes)

/** Prints on standard error. */
export const printError = (bytes: Uint8Array | string): Effect.Effect<void> => write(Process.stderr, bytes)

/** Prints one line on standard output. */
export const printLine = (line: string): Effect.Effect<void> => print(`${line}\n`)

/** Prints a value as JSON, readable where a person looks on. */
export const printJson = (value: unknown): Effect.Effect<void> =>
  printLine(JSON.stringify(value, undefined, Process.stdout.isTTY ? 2 : undefined))

/**
 * A table with aligned columns: numbers to the right, texts to the left.
 */
export const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string | number>>): string => {
  const cells = rows.map((row) => row.map((cell) => visible(String(cell))))
  const isNumber = columns.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === "number"))
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((row) => row[at]!.length)))
  const line = (row: ReadonlyArray<string>) =>
    row
      .map((cell, at) => (isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join("  ")
      .trimEnd()
  return [line(columns), ...cells.map(line)].map((text) => `${text}\n`).join("")
}

/** Everything on standard input. */
export const readInput: Effect.Effect<Uint8Array> = Effect.callback((resume) => {
  const chunks: Array<Uint8Array> = []
  Process.stdin.on("data", (chunk: Uint8Array) => chunks.push(chunk))
  const done = () => resume(Effect.succeed(new Uint8Array(Buffer.concat(chunks))))
  Process.stdin.once("end", done)
  // Closed by whoever started us, which is an empty input.
  Process.stdin.once("error", done)
  return Effect.sync(() => Process.stdin.destroy())
})
