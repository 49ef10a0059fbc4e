/**
 * One slot of a map worker: a guard process with a thread that runs one item at a time.
 * The process is started when it is needed, and anew when an item has cost it.
 */
import { type ChildProcess, fork } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import {
  cannotStartExitCode,
  type Ending,
  type Failure,
  type GuardMessage,
  memoryLimitVariable,
  type Task
} from "./messages.ts"
import { scriptNamed } from "./scripts.ts"

/** What a slot's process is given. */
export interface SlotOptions {
  readonly memoryLimitMebibytes: number
  readonly isRestricted: boolean
}

/** How long after an item's time limit its guard may take to say so, before the guard itself is ended. */
const graceMillis = 2000
/** How long a new guard may take until it runs an item, on a machine that is busy. */
const startMillis = 10_000

/**
 * After these the function may still run, and may not be stoppable by its guard, as in a
 * long step of V8 itself; only the end of the process surely ends it.
 */
const endsGuard: ReadonlySet<Failure["kind"]> = new Set(["timeLimit", "memoryLimit"])

/** V8 and Node end a process by one of these when they cannot go on, nearly always for lack of memory. */
const fatalSignals: ReadonlyArray<unknown> = ["SIGABRT", "SIGTRAP", "SIGILL", "SIGSEGV", "SIGBUS"]
const abortExitCode = 134

/** The folder whose package.json says how to load the scripts. */
const packageFolder = (folder: string): string =>
  existsSync(join(folder, "package.json")) || dirname(folder) === folder ? folder : packageFolder(dirname(folder))

const permissionFlags = (guard: string): ReadonlyArray<string> => {
  const code = dirname(dirname(dirname(guard)))
  return [
    "--permission",
    "--allow-worker",
    // Later versions of Node ask for it; what cannot be limited everywhere is limited nowhere.
    ...(process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : []),
    `--allow-fs-read=${join(code, "*")}`,
    `--allow-fs-read=${join(packageFolder(code), "package.json")}`
  ]
}

/** One slot. */
export class Slot {
  private readonly options: SlotOptions
  private guard: ChildProcess | undefined = undefined
  private timer: NodeJS.Timeout | undefined = undefined
  private finish: ((ending: Ending) => void) | undefined = undefined

  constructor(options: SlotOptions) {
    this.options = options
  }

  /** Runs an item; `onEnd` is called once, unless the slot is closed before. */
  run(task: Task, onEnd: (ending: Ending) => void): void {
    const guard = (this.guard ??= this.start())
    this.finish = (ending) => {
      clearTimeout(this.timer)
      this.finish = undefined
      onEnd(ending)
    }
    this.timer = setTimeout(
      () => {
        this.drop()
        this.fail(
          "timeLimit",
          "TimeLimit",
          `the function did not finish within ${task.timeLimitMillis} ms, nor did its guard`
        )
      },
      task.timeLimitMillis + graceMillis + startMillis
    )
    guard.send(task, (problem) => {
      if (problem !== null && this.guard === guard) this.lost(guard, problem.message)
    })
  }

  /** Ends the process, and with it the item that runs. */
  close(): void {
    clearTimeout(this.timer)
    this.finish = undefined
    this.drop()
  }

  private drop(): void {
    this.guard?.kill("SIGKILL")
    this.guard = undefined
  }

  private fail(kind: Failure["kind"], name: string, message: string): void {
    this.finish?.({ failure: { kind, position: 0, error: { name, message } } })
  }

  private lost(guard: ChildProcess, problem: string): void {
    if (this.guard !== guard) return
    this.drop()
    this.fail("unavailable", "Unavailable", `this worker cannot start a process for shipped functions: ${problem}`)
  }

  private start(): ChildProcess {
    const script = scriptNamed("guard")
    const guard = fork(script, [], {
      execArgv: [
        "--disable-warning=SecurityWarning",
        "--disable-warning=ExperimentalWarning",
        ...(this.options.isRestricted ? permissionFlags(script) : [])
      ],
      // Node lets the threads of a restricted process read its working directory.
      cwd: dirname(script),
      // Nothing of the worker's own environment, which may hold secrets.
      env: {
        [memoryLimitVariable]: String(this.options.memoryLimitMebibytes),
        ...(process.env["TZ"] === undefined ? {} : { TZ: process.env["TZ"] })
      },
      serialization: "advanced",
      // What functions print goes to the worker's standard error: its output is its own.
      stdio: ["ignore", 2, 2, "ipc"]
    })
    let isReady = false
    guard.on("message", (message: GuardMessage) => {
      if (message === "ready") {
        isReady = true
        return
      }
      if (this.guard !== guard) return
      if ("failure" in message && endsGuard.has(message.failure.kind)) this.drop()
      this.finish?.(message)
    })
    guard.on("error", (problem) => this.lost(guard, problem.message))
    guard.on("exit", (code, signal) => {
      if (this.guard !== guard) return
      if (!isReady || code === cannotStartExitCode)
        return this.lost(guard, `it ended (${signal ?? `exit code ${code}`})`)
      this.guard = undefined
      if (fatalSignals.includes(signal) || code === abortExitCode) {
        this.fail(
          "memoryLimit",
          "MemoryLimit",
          `the function ended its process (${signal ?? `exit code ${code}`}), most likely by using more than ${this.options.memoryLimitMebibytes} MiB of memory`
        )
      } else {
        this.fail("exited", "Exit", `the function ended its process (${signal ?? `exit code ${code}`})`)
      }
    })
    return guard
  }
}
