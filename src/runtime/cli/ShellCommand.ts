/**
 * One run of a command for one job.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Worker from "../../protocol/Worker.ts"
import { linesOf } from "./Lines.ts"

const isProgram = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.X_OK)
    return Fs.statSync(path).isFile()
  } catch {
    return false
  }
}

/** Whether the shell would find it: at its path, or by its name in a folder of `PATH`. */
export const isCommand = (file: string): boolean => {
  const { PATH } = process.env
  if (file.includes("/")) return isProgram(file)
  return PATH === undefined || PATH.split(":").some((folder) => isProgram(Path.join(folder, file)))
}

type Ended = { readonly code: number | null; readonly problem: Error | undefined }

/** Starts the command with the workload on its standard input; the finalizer kills what still runs. */
const start = (
  command: ReadonlyArray<string>,
  workload: Uint8Array,
  onOutput: (chunk: Uint8Array) => void,
  onEnd: (ended: Ended) => void
) => {
  let isClosed = false
  return Effect.acquireRelease(
    Effect.sync(() => {
      const [file = "cat", ...args] = command
      // A group of its own, so that what the command started dies with it, and so that
      // Ctrl-C reaches this worker only, which then lets the job finish.
      const child = ChildProcess.spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], detached: true })
      child.stdout.on("data", onOutput)
      // A command need not read its input.
      child.stdin.on("error", () => {})
      child.stdin.end(workload)
      child.once("error", (problem) => onEnd({ code: null, problem }))
      child.once("close", (code) => {
        isClosed = true
        onEnd({ code, problem: undefined })
      })
      return child
    }),
    (child) =>
      Effect.sync(() => {
        try {
          if (child.pid !== undefined && !isClosed) process.kill(-child.pid, "SIGKILL")
        } catch {
          // It has ended by itself.
        }
      })
  )
}

/**
 * Runs the command and gives what it printed; interrupting it kills it. With `onLine`, each
 * line goes there as soon as it is there, and the result is empty.
 */
export const runCommand = Effect.fnUntraced(function* (
  command: ReadonlyArray<string>,
  workload: Uint8Array,
  onLine: ((line: Uint8Array) => Effect.Effect<void>) | undefined,
  withNewlines: boolean,
  onProblem: (text: string) => Effect.Effect<void>
) {
  const events = yield* Queue.unbounded<Uint8Array | Ended>()
  const tell = (event: Uint8Array | Ended) => void Queue.offerUnsafe(events, event)
  yield* start(command, workload, tell, tell)
  let output: Array<Uint8Array> = []
  const sendLines = Effect.fnUntraced(function* (isAll: boolean) {
    if (onLine === undefined) return
    const bytes = Buffer.concat(output)
    const end = isAll ? bytes.length : bytes.lastIndexOf(10) + 1
    output = [bytes.subarray(end)]
    for (const line of linesOf(bytes.subarray(0, end), withNewlines)) yield* onLine(line)
  })
  while (true) {
    const event = yield* Queue.take(events)
    if (event instanceof Uint8Array) {
      output.push(event)
      if (event.includes(10)) yield* sendLines(false)
      continue
    }
    if (event.problem !== undefined) yield* onProblem(`cannot run ${command[0]}: ${event.problem.message}`)
    yield* sendLines(true)
    if (event.code !== 0) return yield* new Worker.JobFail()
    return onLine === undefined ? new Uint8Array(Buffer.concat(output)) : new Uint8Array(0)
  }
}, Effect.scoped)
