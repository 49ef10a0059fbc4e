/**
 * The differential test as a property: random sequences against two kinds of server.
 */
import * as fc from "fast-check"
import type { Server, StartServer } from "../gearmand.ts"
import { run, type Statistics } from "./run.ts"
import { sequence } from "./Sequence.ts"

export interface Options {
  readonly sequences: number
  readonly seed?: number
  readonly path?: string
}

const args = ["--job-handle-prefix=H:test"]

// Functions live for ever in gearmand, and listings grow with them.
const sequencesPerProcess = 200

/** Fails with the shrunk sequence and both servers' answers. */
export const check = async (one: StartServer, other: StartServer, options: Options): Promise<Statistics> => {
  const statistics: Statistics = { sequences: 0, steps: 0, leftOut: new Map(), answers: new Map() }
  let servers: readonly [Server, Server] | undefined
  let used = 0
  const stop = async () => {
    await Promise.all((servers ?? []).map((server) => server.stop()))
    servers = undefined
    used = 0
  }
  try {
    await fc.assert(
      fc.asyncProperty(sequence, async (steps) => {
        if (used++ >= sequencesPerProcess) await stop()
        servers ??= [await one(args), await other(args)]
        try {
          await run(steps, [servers[0].port, servers[1].port], statistics)
        } catch (cause) {
          // A server may be in a state of its own now.
          await stop()
          throw cause
        }
      }),
      {
        numRuns: options.sequences,
        includeErrorInReport: true,
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        ...(options.path === undefined ? {} : { path: options.path })
      }
    )
  } finally {
    await stop()
  }
  return statistics
}
