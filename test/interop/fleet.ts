/**
 * Clients and workers of every make behind one face, so that each client can be tried
 * with each worker. Every worker serves the same functions: `upper`, `progress`, `fail`,
 * `raise`, `zero`, `empty` (the `gearman` tool: `upper` and `fail`).
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Wire } from "../parity/Wire.ts"
import * as ourPeer from "./ourPeer.ts"
import type { PeerName } from "./peers.ts"
import { run, start } from "./processes.ts"

/** Who can be a client or a worker. */
export type Member = "ours" | "gearman" | "libgearman" | "perl" | "php"

export const members: ReadonlyArray<Member> = ["ours", "gearman", "libgearman", "perl", "php"]

/** The peer whose programs a member is made of; ours is always there. */
export const peersOf = (...members: ReadonlyArray<Member>): ReadonlyArray<PeerName> => [
  ...new Set(members.filter((member) => member !== "ours"))
]

export interface Call {
  /** `events` prints what arrives line by line; `exceptions` asks for exceptions too. */
  readonly mode: "do" | "high" | "low" | "background" | "events" | "exceptions"
  readonly function: string
  readonly workload: string | Uint8Array
  readonly unique?: string
}

export interface CallResult {
  readonly code: number | string
  readonly output: Buffer
  readonly errors: string
}

export interface RunningWorker {
  readonly stop: () => Promise<void>
  /** What the worker's process printed. */
  readonly output?: () => string
}

const program = (name: string): string => new URL(`programs/${name}`, import.meta.url).pathname

const compiled = new Map<string, Promise<string>>()
let folder: string | undefined

/** A C program, compiled when it is first needed and removed with the test process. */
export const compile = (name: string): Promise<string> => {
  let binary = compiled.get(name)
  if (binary === undefined) {
    if (folder === undefined) {
      const made = mkdtempSync(join(tmpdir(), "gearman-interop-"))
      folder = made
      process.once("exit", () => rmSync(made, { recursive: true, force: true }))
    }
    const target = join(folder, name)
    binary = run("cc", ["-Wall", "-Wextra", "-o", target, program(`${name}.c`), "-lgearman"]).then((result) => {
      if (result.code !== 0) throw new Error(`${name}.c does not compile: ${result.stderr}`)
      return target
    })
    compiled.set(name, binary)
  }
  return binary
}

const commandOf = async (member: Exclude<Member, "ours" | "gearman">, role: "client" | "worker") => {
  switch (member) {
    case "libgearman":
      return [await compile(role)]
    case "perl":
      return ["perl", program(`${role}.pl`)]
    case "php":
      return ["php", program(`${role}.php`)]
  }
}

/** Starts a worker and waits until the server knows its functions. */
export const startWorker = async (member: Member, port: number, clients = 1): Promise<RunningWorker> => {
  const worker = await launch(member, port)
  const admin = await Wire.open(port)
  try {
    const deadline = Date.now() + 30_000
    for (;;) {
      admin.send(Buffer.from("status\n"))
      const status = (await admin.takeThrough(Buffer.from(".\n"), 10_000))?.toString() ?? ""
      if (new RegExp(`^fail\\t\\d+\\t\\d+\\t${clients}$`, "m").test(status)) return worker
      if (Date.now() > deadline) {
        await worker.stop()
        throw new Error(
          `the worker of ${member} did not register; the server says: ${status}${worker.output?.() ?? ""}`
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    await admin.close()
  }
}

const launch = async (member: Member, port: number): Promise<RunningWorker> => {
  if (member === "ours") return ourPeer.startWorker(port)
  if (member === "gearman") {
    const common = ["-w", "-h", "127.0.0.1", "-p", String(port)]
    const upper = start("gearman", [...common, "-f", "upper", "--", "tr", "a-z", "A-Z"])
    const fail = start("gearman", [...common, "-f", "fail", "--", "false"])
    return {
      stop: async () => void (await Promise.all([upper.stop(), fail.stop()])),
      output: () => upper.output() + upper.errors() + fail.errors()
    }
  }
  const [command, ...args] = await commandOf(member, "worker")
  const started = start(command!, [...args, String(port)])
  return { stop: async () => void (await started.stop()), output: () => started.output() + started.errors() }
}

const gearmanFlags = { do: [], high: ["-I"], low: ["-L"], background: ["-b"], events: [], exceptions: [] } as const

/** Makes a call with the member's client, bounded in time. */
export const call = async (member: Member, port: number, what: Call): Promise<CallResult> => {
  if (member === "ours") return ourPeer.call(port, what)
  const unique = what.unique === undefined ? [] : [what.unique]
  let result
  if (member === "gearman") {
    const args = ["-h", "127.0.0.1", "-p", String(port), "-f", what.function, ...gearmanFlags[what.mode]]
    result = await run("gearman", [...args, ...unique.flatMap((unique) => ["-u", unique])], { input: what.workload })
  } else {
    const [command, ...args] = await commandOf(member, "client")
    result = await run(command!, [...args, String(port), what.mode, what.function, ...unique], { input: what.workload })
  }
  return { code: result.timedOut ? "timed out" : result.code, output: result.stdoutBytes, errors: result.stderr }
}
