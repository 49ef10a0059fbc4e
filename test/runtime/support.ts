/** What the process tests share: our commands, and a line of the text protocol. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { type Options, type Started, run, start } from "../interop/processes.ts"

const root = Path.join(import.meta.dirname, "../..")

export const gearmandPath = Path.join(root, "bin/gearmand")
export const mainPath = Path.join(root, "src/runtime/main.ts")

/** Loading the sources takes its time on a busy machine. */
export const patienceMillis = 20_000

/** Without the variables that would change what commands do. */
const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const { GEARMAN_SERVER: _one, GEARMAN_SERVERS: _all, GEARMAND_PORT: _port, ...rest } = process.env
  // Loading the sources costs most of a command; the cache halves it.
  return { NODE_COMPILE_CACHE: Path.join(root, "node_modules/.cache/effect-gearman"), ...rest, ...more }
}

export const gearman = (args: ReadonlyArray<string>, options: Options = {}) =>
  run(process.execPath, [mainPath, ...args], { timeoutMillis: patienceMillis, ...options, env: env(options.env) })

export const startGearman = (args: ReadonlyArray<string>, options: Options = {}) =>
  start(process.execPath, [mainPath, ...args], { timeoutMillis: 900_000, ...options, env: env(options.env) })

export const gearmand = (args: ReadonlyArray<string>, options: Options = {}) =>
  run(gearmandPath, args, { timeoutMillis: patienceMillis, ...options })

export const startGearmand = (args: ReadonlyArray<string>, options: Options = {}) =>
  start(gearmandPath, args, { timeoutMillis: 900_000, ...options })

/** A job server as a process, on a port of its own. */
export const startServer = async (
  args: ReadonlyArray<string> = [],
  options: Options = {}
): Promise<Started & { readonly port: number; readonly address: string }> => {
  const server = startGearman(
    ["server", ...(args.some((word) => word.startsWith("--port=")) ? [] : ["--port=0"]), ...args],
    options
  )
  await server.says(/listening on .*:\d+\n/, patienceMillis)
  const address = /listening on (\S+)/.exec(server.output())![1]!
  return { ...server, address, port: Number(address.split(":").at(-1)) }
}

/** Sends a text command and gives the first bytes of the answer, or nothing. */
export const ask = (port: number, command: string, host = "127.0.0.1"): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = Net.connect({ port, host })
    socket.setTimeout(5_000, () => socket.destroy())
    socket.once("connect", () => socket.write(`${command}\r\n`))
    socket.once("data", (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once("error", () => resolve(undefined))
    socket.once("close", () => resolve(undefined))
  })

/** What a supervisor does: connect and ask until the server answers. */
export const ready = async (port: number, host?: string): Promise<void> => {
  const deadline = Date.now() + patienceMillis
  while (Date.now() < deadline) {
    if ((await ask(port, "version", host)) !== undefined) return
    await sleep(20)
  }
  throw new Error(`no server answers on port ${port}`)
}

/** Asks a process to end and waits until it has, however busy the machine is. */
export const end = (started: Started, signal: NodeJS.Signals = "SIGTERM") => {
  process.kill(started.pid, signal)
  return started.ended
}

/** Waits until a condition holds. */
export const until = async (condition: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + patienceMillis
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
    await sleep(20)
  }
}

export const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** Whether a process with this id exists. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A directory that is gone afterwards. */
export const inDirectory = async (use: (path: string) => Promise<void>): Promise<void> => {
  const path = Fs.mkdtempSync(Path.join(Os.tmpdir(), "gearman-"))
  try {
    await use(path)
  } finally {
    Fs.rmSync(path, { recursive: true, force: true })
  }
}
