/**
 * The job servers that are compared, each as a process of its own on a free port of
 * loopback, ended when the measuring ends, however it ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const root = join(import.meta.dirname, "../..")

export type ServerName = "ours" | "gearmand" | "gearmand-single" | "floor"

export const titles: Record<ServerName, string> = {
  ours: "effect-gearman",
  gearmand: "gearmand",
  "gearmand-single": "gearmand --threads=0",
  floor: "raw sockets on Node"
}

// Ours takes gearmand's own flags.
const flags = (port: number) => ["--listen=127.0.0.1", `--port=${port}`, "--log-file=stderr"]

const commands: Record<ServerName, (port: number) => ReadonlyArray<string>> = {
  ours: (port) => [process.execPath, join(root, "src/runtime/gearmand.ts"), ...flags(port)],
  gearmand: (port) => ["gearmand", ...flags(port)],
  "gearmand-single": (port) => ["gearmand", "--threads=0", ...flags(port)],
  floor: (port) => [process.execPath, join(root, "bench/support/floor.ts"), String(port)]
}

export interface RunningServer {
  readonly name: ServerName
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** What the unit in `deploy/` sets for those who run it. */
export const deployedEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Array.from(
      readFileSync(join(root, "deploy/effect-gearman.service"), "utf8").matchAll(/^Environment=(\w+)=(.*)$/gm),
      ([, name, value]) => [name!, value!]
    )
  )

export const gearmandVersion = (): string | undefined =>
  spawnSync("gearmand", ["--version"], { encoding: "utf8" }).stdout?.match(/\d[\d.]+/)?.[0]

const children = new Set<ChildProcess>()
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")))
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => process.exit(130))
}

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const address = probe.address()
  probe.close()
  await once(probe, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const answers = async (port: number): Promise<boolean> => {
  const socket = connect(port, "127.0.0.1")
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

export const start = async (
  name: ServerName,
  more: ReadonlyArray<string> = [],
  environment: NodeJS.ProcessEnv = {}
): Promise<RunningServer> => {
  const port = await freePort()
  // Ten thousand connections need more files than shells allow.
  const raised = ["-c", 'ulimit -n 65536 2>/dev/null; exec "$@"', "sh", ...commands[name](port), ...more]
  const child = spawn("sh", raised, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...environment }
  })
  children.add(child)
  const ended = once(child, "exit")
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (child.exitCode !== null || attempt === 200) {
      throw new Error(`${titles[name]} does not start`)
    }
    await sleep(50)
  }
  return {
    name,
    port,
    pid: child.pid!,
    stop: async () => {
      child.kill("SIGTERM")
      const patience = setTimeout(() => child.kill("SIGKILL"), 5_000)
      await ended
      clearTimeout(patience)
      children.delete(child)
    }
  }
}

/** The process's resident memory. */
export const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024
