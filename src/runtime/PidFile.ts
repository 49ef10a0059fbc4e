/**
 * The file that holds a process's id while it runs, by which scripts and supervisors find
 * it. One of a live process is never overwritten; what a crash has left behind is.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"

/** A pid file that cannot be had, and why. */
export class PidFileError extends Schema.TaggedError<PidFileError>("effect-gearman/PidFileError")("PidFileError", {
  problem: Schema.String,
  /** The live process that holds it. */
  holder: Schema.optional(Schema.Number),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message() {
    return this.problem
  }
}

/** What Linux counts the starts of processes in, for programs. */
const tickMillis = 10

/** When a process was started, in ticks since the machine was. */
const startTicks = (pid: number | "self"): number => {
  const stat = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
  // The program's name stands in brackets and may hold anything.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19])
}

/** Reckoned from our own start: containers show an uptime that is not the machine's. */
const startedMillis = (pid: number): number =>
  Date.now() - process.uptime() * 1_000 + (startTicks(pid) - startTicks("self")) * tickMillis

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Ids are given again: who was started after the file was written is somebody else. */
const hasWritten = (pid: number, path: string): boolean => {
  try {
    return startedMillis(pid) <= Fs.statSync(path).mtimeMs
  } catch {
    // Only Linux tells.
    return true
  }
}

const pidIn = (path: string): number | undefined => {
  try {
    const [digits] = /^[1-9]\d*$/.exec(Fs.readFileSync(path, "utf8").trim()) ?? []
    return digits === undefined ? undefined : Number(digits)
  } catch {
    return undefined
  }
}

/** Fails where a live process holds the file. Our own id is what an earlier life has left, as in a container. */
export const mustBeFree = (path: string): Effect.Effect<void, PidFileError> =>
  Effect.suspend(() => {
    const holder = pidIn(path)
    if (holder === undefined || holder === process.pid || !isAlive(holder) || !hasWritten(holder, path))
      return Effect.void
    const problem = `process ${holder} holds the pid file ${path} and runs; stop it, choose another file, or remove this one where that process is another program`
    return Effect.fail(new PidFileError({ problem, holder }))
  })

const remove = (path: string): void => {
  try {
    if (pidIn(path) === process.pid) Fs.unlinkSync(path)
  } catch {
    // No longer ours to remove.
  }
}

/**
 * Writes the file and removes it with the process, however that ends: a signal while it
 * starts, or a second one, does not wait for scopes.
 */
export const write = (path: string): Effect.Effect<void, PidFileError> =>
  Effect.andThen(
    mustBeFree(path),
    Effect.try({
      try: () => {
        Fs.writeFileSync(path, `${process.pid}\n`)
        process.once("exit", () => remove(path))
      },
      catch: (cause) =>
        new PidFileError({ problem: `cannot write the pid file ${path}: ${(cause as Error).message}`, cause })
    })
  )
