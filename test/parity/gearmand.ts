/**
 * Servers that are started as gearmand is: Debian's, what the parity tests measure
 * against, and ours, in its place and with the same flags.
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

const startedAs =
  (command: string): StartServer =>
  async (args) => {
    const port = await freePort()
    const folder = await mkdtemp(join(tmpdir(), "gearmand-"))
    const started = start(command, [
      "--listen=127.0.0.1",
      `--port=${port}`,
      "--log-file=none",
      `--pid-file=${join(folder, "pid")}`,
      ...(process.getuid?.() === 0 ? ["--user=root"] : []),
      ...args
    ])
    try {
      await listening(started, port)
    } catch (cause) {
      await started.stop("SIGKILL")
      throw cause
    }
    return {
      port,
      pid: started.pid,
      stop: async () => {
        await started.stop("SIGTERM")
        await rm(folder, { recursive: true, force: true })
      }
    }
  }

/** Debian's. */
export const gearmand = startedAs("gearmand")

/** Our executable that stands in for it. */
export const standIn = startedAs(new URL("../../bin/gearmand", import.meta.url).pathname)
