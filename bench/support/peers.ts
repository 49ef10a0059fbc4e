/**
 * Clients and workers as processes: ours, PHP's, Perl's and the `gearman` tool. Each
 * client submits without end and says how far it is; each worker gives back what it gets.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const program = (file: string) => join(import.meta.dirname, "../clients", file)
const works = (command: string, ...parameters: ReadonlyArray<string>) =>
  spawnSync(command, parameters, { stdio: "ignore" }).status === 0

const hasPhp = works("php", "-r", "new GearmanClient;")
const hasPerl = works("perl", "-MGearman::Client", "-MGearman::Worker", "-e", "1")
const hasTool = works("gearman", "-H")

export interface Peer {
  readonly title: string
  readonly isHere: boolean
}

export interface ClientPeer extends Peer {
  readonly command: (port: number, fn: string, count: number) => ReadonlyArray<string>
  /** It has one job under way at a time, and prints results of so many bytes instead of their number. */
  readonly resultBytes?: number
}

export const clientPeers: ReadonlyArray<ClientPeer> = [
  {
    title: "effect-gearman",
    isHere: true,
    command: (port, fn, count) => [process.execPath, program("client.ts"), String(port), fn, String(count)]
  },
  {
    title: "effect-gearman/promise",
    isHere: true,
    command: (port, fn, count) => [process.execPath, program("client-promise.ts"), String(port), fn, String(count)]
  },
  {
    title: "PHP's GearmanClient (libgearman)",
    isHere: hasPhp,
    command: (port, fn, count) => ["php", program("client.php"), String(port), fn, String(count)]
  },
  {
    title: "Perl's Gearman::Client",
    isHere: hasPerl,
    command: (port, fn, count) => ["perl", program("client.pl"), String(port), fn, String(count)]
  },
  {
    title: "the gearman tool (libgearman)",
    isHere: hasTool,
    command: (port, fn) => ["gearman", "-h", "127.0.0.1", "-p", String(port), "-f", fn, "-n"],
    resultBytes: 10
  }
]

export interface WorkerPeer extends Peer {
  readonly command: (port: number, fn: string) => ReadonlyArray<string>
}

const ourWorker = (title: string, options: object): WorkerPeer => ({
  title,
  isHere: true,
  command: (port, fn) => [process.execPath, program("worker.ts"), String(port), fn, JSON.stringify(options)]
})

export const workerPeers: ReadonlyArray<WorkerPeer> = [
  ourWorker("effect-gearman", {}),
  ourWorker("effect-gearman, prefetch 100", { prefetch: 100 }),
  ourWorker("effect-gearman, concurrency 100", { concurrency: 100 }),
  {
    title: "PHP's GearmanWorker (libgearman)",
    isHere: hasPhp,
    command: (port, fn) => ["php", program("worker.php"), String(port), fn]
  },
  {
    title: "Perl's Gearman::Worker",
    isHere: hasPerl,
    command: (port, fn) => ["perl", program("worker.pl"), String(port), fn]
  },
  {
    title: "the gearman tool (libgearman)",
    isHere: hasTool,
    command: (port, fn) => ["gearman", "-w", "-h", "127.0.0.1", "-p", String(port), "-f", fn]
  }
]

const children = new Set<ChildProcess>()
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")))

const ticksPerSecond = 100

/** User and system, of all threads. */
const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
  return (Number(user) + Number(system)) / ticksPerSecond
}

/** Runs the command while `use` does. */
export const withProcess = async <A>(
  command: ReadonlyArray<string>,
  stdin: "ignore" | number,
  use: (child: ChildProcess & { readonly pid: number }) => Promise<A>
): Promise<A> => {
  const child = spawn(command[0]!, command.slice(1), { stdio: [stdin, "pipe", "inherit"] })
  children.add(child)
  const ended = once(child, "close")
  try {
    return await use(child as ChildProcess & { readonly pid: number })
  } finally {
    child.kill("SIGKILL")
    await ended
    children.delete(child)
  }
}

/** How long a client may take for its first jobs, and for more of them. */
const patienceMillis = 20_000

export interface Pace {
  readonly jobs: number
  readonly seconds: number
  readonly cpuSeconds: number
}

/** What the tool submits: a line per job, more than it gets through. */
const lines = () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-gearman-bench-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, "lines"), "123456789\n".repeat(3_000_000))
  return join(folder, "lines")
}
let linesFile: string | undefined

/** A client's pace once it is warm. */
export const pace = (
  peer: ClientPeer,
  port: number,
  fn: string,
  count: number,
  time: { readonly warmup: number; readonly seconds: number }
): Promise<Pace> =>
  withProcess(
    peer.command(port, fn, count),
    peer.resultBytes === undefined ? "ignore" : openSync((linesFile ??= lines()), "r"),
    async (child) => {
      let jobs = 0
      child.stdout!.on("data", (chunk: Buffer) => {
        if (peer.resultBytes === undefined) jobs = Number(chunk.toString("latin1").trimEnd().split("\n").at(-1))
        else jobs += chunk.length / peer.resultBytes
      })
      // On a machine that others keep busy it takes seconds to start, and a window may hold nothing.
      const progress = async (since: number) => {
        for (let left = patienceMillis; jobs === since; left -= 20) {
          if (child.exitCode !== null || left <= 0) throw new Error(`${peer.title} makes no progress`)
          await sleep(20)
        }
      }
      const read = () => ({ jobs, at: performance.now(), cpu: cpuSeconds(child.pid) })
      await progress(0)
      await sleep(time.warmup * 1000)
      const before = read()
      await sleep(time.seconds * 1000)
      await progress(before.jobs)
      const after = read()
      return {
        jobs: after.jobs - before.jobs,
        seconds: (after.at - before.at) / 1000,
        cpuSeconds: after.cpu - before.cpu
      }
    }
  )
