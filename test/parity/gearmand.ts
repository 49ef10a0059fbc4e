/**
 * Debian's gearmand as a process: what the parity tests measure against.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, listening, start } from "../interop/processes.ts"

export interface Server {
  readonly port: number
  /** The process, where it is not our own. */
  readonly pid?: number
  readonly stop: () => Promise<void>
}

/** Starts a server that takes gearmand's flags. */
export type StartServer = (args: ReadonlyArray<string>) => Promise<Server>

export const gearmand: StartServer = async (args) => {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), "gearmand-"))
  const started = start("gearmand", [
    "--listen=127.0.0.1",
    `--port=${port}`,
    "--log-file=none",
    `--pid-file=${join(folder, "pid")}`,
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
    ...args
  ])
  await listening(port)
  return {
    port,
    pid: started.pid,
    stop: async () => {
      await started.stop("SIGTERM")
      await rm(folder, { recursive: true, force: true })
    }
  }
}
