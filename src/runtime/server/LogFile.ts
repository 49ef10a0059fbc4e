/**
 * The file that a log goes to. It can be opened again after a rotation, and it never fails:
 * a full disk costs lines, which are counted and told of when there is room again.
 */
import * as Fs from "node:fs"

/** An open log file. */
export interface LogFile {
  /** Why the file could not be opened, until it is reopened. */
  readonly problem: () => string | undefined
  readonly write: (line: string) => void
  /** Opens the path anew; what is wrong with it, if the old file stays in use. */
  readonly reopen: () => string | undefined
  readonly close: () => void
  /** Lines that could not be written since the start. */
  readonly lost: () => number
}

const problemOf = (cause: unknown): string => (cause as Error).message

/** Opens a log file for appending. `onFailing` is told when lines begin to be lost, and why. */
export const open = (path: string, onFailing: (problem: string) => void): LogFile => {
  let descriptor: number | undefined
  let lost = 0
  let lostOfLate = 0
  let isTorn = false

  const openAgain = (): string | undefined => {
    try {
      const next = Fs.openSync(path, "a", 0o644)
      if (descriptor !== undefined) Fs.closeSync(descriptor)
      descriptor = next
      isTorn = false
      return undefined
    } catch (cause) {
      return problemOf(cause)
    }
  }

  /** Whether all of it was written; a disk may fill up in the middle of a line. */
  const put = (text: string): boolean => {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text)
    const written = Fs.writeSync(descriptor!, bytes)
    isTorn = written > 0 ? written < bytes.length : isTorn
    return written === bytes.length
  }

  const lose = (problem: string): void => {
    lost++
    if (lostOfLate++ === 0) onFailing(problem)
  }

  const problem = openAgain()
  return {
    problem: () => (descriptor === undefined ? problem : undefined),
    write: (line) => {
      if (descriptor === undefined) return
      try {
        if (lostOfLate > 0 && put(`${lostOfLate} lines could not be written here\n`)) lostOfLate = 0
        if (!put(line)) lose("it is full")
      } catch (cause) {
        lose(problemOf(cause))
      }
    },
    reopen: openAgain,
    close: () => {
      if (descriptor !== undefined) Fs.closeSync(descriptor)
      descriptor = undefined
    },
    lost: () => lost
  }
}
