/**
 * Runs the load generator (`bench/load/load.c`), which is compiled where it is used.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { RunningServer } from "./servers.ts"

export interface Load {
  readonly mode: "foreground" | "background" | "merged" | "fill" | "drain"
  /** Jobs under way at once. */
  readonly outstanding?: number
  readonly clients?: number
  readonly workers?: number
  /** Bytes of each payload and each result. */
  readonly payload?: number
  readonly functions?: number
  /** Callers of one unique. */
  readonly listeners?: number
  /** Jobs to fill or drain. */
  readonly count?: number
  /** Jobs per second; without it, as many as go. */
  readonly rate?: number
  readonly seconds?: number
  readonly warmup?: number
  /** Of the functions' names; by itself each run has its own, so that what one leaves behind does not meet the next. */
  readonly prefix?: string
}

export interface Figures {
  readonly jobs: number
  readonly seconds: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly longestGapMillis: number
}

const folder = mkdtempSync(join(tmpdir(), "effect-gearman-bench-"))
const program = join(folder, "load")
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

/** Whether it could be compiled: else only what does without it can be measured. */
export const compile = (): boolean => {
  const source = join(import.meta.dirname, "../load/load.c")
  const { status, error } = spawnSync("cc", ["-O2", "-o", program, source], { stdio: "inherit" })
  return error === undefined && status === 0
}

let runs = 0

const start = (server: Pick<RunningServer, "port" | "pid">, settings: Record<string, string | number>) => {
  const parameters = Object.entries({ port: server.port, pid: server.pid, prefix: `bench${runs++}-`, ...settings })
  const command = [program, ...parameters.map(([name, value]) => `${name}=${value}`)]
  return spawn("sh", ["-c", 'ulimit -n 65536 2>/dev/null; exec "$@"', "sh", ...command], {
    stdio: ["pipe", "pipe", "inherit"]
  })
}

/** Serves functions `<prefix>0` and so on while `measure` runs. */
export const withWorkers = async <A>(
  server: RunningServer,
  load: Pick<Load, "workers" | "functions"> & { readonly prefix: string },
  measure: () => Promise<A>
): Promise<A> => {
  const child = start(server, { mode: "drain", count: 1_000_000_000, ...load })
  const ended = once(child, "close")
  try {
    return await measure()
  } finally {
    child.kill("SIGKILL")
    await ended
  }
}

export const run = async (
  server: { readonly name: string } & Pick<RunningServer, "port" | "pid">,
  load: Load
): Promise<Figures> => {
  const child = start(server, { ...load })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  const [code] = await once(child, "close")
  if (code !== 0) {
    throw new Error(`the load generator failed against ${server.name}: ${JSON.stringify(load)}`)
  }
  return JSON.parse(output)
}

/** Holds that many idle connections while `measure` runs. */
export const withIdle = async <A>(server: RunningServer, count: number, measure: () => Promise<A>): Promise<A> => {
  const child = start(server, { mode: "idle", count })
  const ended = once(child, "close")
  await Promise.race([once(child.stdout, "data"), ended])
  try {
    return await measure()
  } finally {
    child.stdin.end()
    await ended
  }
}
