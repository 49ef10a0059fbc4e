/**
 * Processes that tests start: each is bounded in time, its output is kept, and it is
 * ended by its own process id, at the latest when the test process ends.
 */
import { spawn, type ChildProcess } from "node:child_process"
import * as Net from "node:net"

const running = new Set<ChildProcess>()

const killAll = (): void => {
  for (const child of running) child.kill("SIGKILL")
}

// Whoever runs the tests may end this process by a signal, and then there is no "exit".
process.once("exit", killAll)
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.once(signal, () => {
    killAll()
    process.kill(process.pid, signal)
  })
}

export interface Options {
  readonly input?: string | Uint8Array
  readonly timeoutMillis?: number
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

export interface Result {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stdoutBytes: Buffer
  readonly stderr: string
  readonly timedOut: boolean
}

export interface Started {
  readonly pid: number
  readonly ended: Promise<Result>
  /** Everything written to standard output so far. */
  readonly output: () => string
  readonly errors: () => string
  /** Waits until the text was written to either output. */
  readonly says: (text: string | RegExp, withinMillis?: number) => Promise<void>
  /** Sends the signal, then SIGKILL when the process is still there after two seconds. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Result>
}

export const start = (command: string, args: ReadonlyArray<string>, options: Options = {}): Started => {
  const child = spawn(command, [...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  running.add(child)
  const stdout: Array<Buffer> = []
  const stderr: Array<Buffer> = []
  const listeners = new Set<() => void>()
  let timedOut = false
  const timer =
    options.timeoutMillis === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          child.kill("SIGKILL")
        }, options.timeoutMillis)
  const collect = (into: Array<Buffer>) => (chunk: Buffer) => {
    into.push(chunk)
    for (const listener of listeners) listener()
  }
  child.stdout.on("data", collect(stdout))
  child.stderr.on("data", collect(stderr))
  // A process that ends before it has read its input is no failure of the test's.
  child.stdin.on("error", () => {})
  child.stdin.end(options.input)
  const ended = new Promise<Result>((resolve, reject) => {
    child.once("error", (cause) => {
      running.delete(child)
      clearTimeout(timer)
      reject(cause)
    })
    child.once("close", (code, signal) => {
      running.delete(child)
      clearTimeout(timer)
      const stdoutBytes = Buffer.concat(stdout)
      resolve({
        code: code ?? signal ?? "unknown",
        stdout: stdoutBytes.toString(),
        stdoutBytes,
        stderr: Buffer.concat(stderr).toString(),
        timedOut
      })
    })
  })
  ended.catch(() => {})
  const output = () => Buffer.concat(stdout).toString()
  const errors = () => Buffer.concat(stderr).toString()
  return {
    pid: child.pid ?? -1,
    ended,
    output,
    errors,
    says: (text, withinMillis = 30_000) =>
      new Promise((resolve, reject) => {
        const done = (finish: () => void) => {
          clearTimeout(limit)
          listeners.delete(look)
          finish()
        }
        const look = () => {
          const written = output() + errors()
          if (typeof text === "string" ? written.includes(text) : text.test(written)) done(resolve)
        }
        const limit = setTimeout(
          () => done(() => reject(new Error(`${command} did not say ${text} but: ${output()}${errors()}`))),
          withinMillis
        )
        listeners.add(look)
        child.once("close", () =>
          done(() => reject(new Error(`${command} ended before it said ${text}: ${output()}${errors()}`)))
        )
        look()
      }),
    stop: async (signal = "SIGTERM") => {
      child.kill(signal)
      const kill = setTimeout(() => child.kill("SIGKILL"), 2000)
      try {
        return await ended
      } finally {
        clearTimeout(kill)
      }
    }
  }
}

/** Runs a command to its end, for half a minute unless told otherwise. */
export const run = (command: string, args: ReadonlyArray<string>, options: Options = {}): Promise<Result> =>
  start(command, args, { timeoutMillis: 30_000, ...options }).ended

/** A port that was free a moment ago, for programs that cannot listen on port 0. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = Net.createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as Net.AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Waits until the process accepts connections on the port; fails when it ends before. */
export const listening = async (started: Started, port: number, withinMillis = 30_000): Promise<void> => {
  const deadline = Date.now() + withinMillis
  let hasEnded = false
  const end = () => {
    hasEnded = true
  }
  started.ended.then(end, end)
  while (Date.now() < deadline && !hasEnded) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = Net.connect(port, "127.0.0.1")
      socket.once("connect", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const said = started.output() + started.errors()
  throw new Error(`nothing listens on port ${port}; the process ${hasEnded ? "has ended and" : ""} said: ${said}`)
}
