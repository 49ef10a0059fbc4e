/**
 * The differential test as a property: random sequences against two kinds of server, in
 * each of a few settings.
 */
import * as fc from "fast-check"
import type { Server, StartServer } from "../gearmand.ts"
import { run, type Statistics } from "./run.ts"
import { sequence } from "./Sequence.ts"

export interface Options {
  readonly sequences: number
  readonly seed?: number
  readonly path?: string
  /** False ends at the first failure as it was drawn. */
  readonly shrink?: boolean
}

interface Setting {
  readonly flags: ReadonlyArray<string>
  readonly maxAttempts: number
}

const settings: ReadonlyArray<Setting> = [
  { flags: [], maxAttempts: Infinity },
  { flags: ["--job-retries=2"], maxAttempts: 2 },
  { flags: ["--exceptions"], maxAttempts: Infinity }
]

// Functions live for ever in gearmand, and listings grow with them.
const sequencesPerProcess = 200

interface Pair {
  readonly servers: readonly [Server, Server]
  used: number
}

/** Fails with the shrunk sequence and both servers' answers. */
export const check = async (one: StartServer, other: StartServer, options: Options): Promise<Statistics> => {
  const statistics: Statistics = { sequences: 0, steps: 0, leftOut: new Map(), answers: new Map() }
  const pairs = new Map<Setting, Pair>()
  const stop = async (setting: Setting) => {
    const pair = pairs.get(setting)
    pairs.delete(setting)
    await Promise.all((pair?.servers ?? []).map((server) => server.stop()))
  }
  const pairFor = async (setting: Setting): Promise<Pair> => {
    if ((pairs.get(setting)?.used ?? 0) >= sequencesPerProcess) await stop(setting)
    let pair = pairs.get(setting)
    if (pair === undefined) {
      const flags = ["--job-handle-prefix=H:test", ...setting.flags]
      const first = await one(flags)
      const second = await other(flags).catch(async (cause) => {
        await first.stop()
        throw cause
      })
      pair = { servers: [first, second], used: 0 }
      pairs.set(setting, pair)
    }
    pair.used++
    return pair
  }
  try {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...settings), sequence, async (setting, steps) => {
        const { servers } = await pairFor(setting)
        try {
          await run(steps, [servers[0].port, servers[1].port], setting.maxAttempts, statistics)
        } catch (cause) {
          // A server may be in a state of its own now.
          await stop(setting)
          throw cause
        }
      }),
      {
        numRuns: options.sequences,
        includeErrorInReport: true,
        endOnFailure: options.shrink === false,
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        ...(options.path === undefined ? {} : { path: options.path })
      }
    )
  } finally {
    await Promise.all([...pairs.keys()].map(stop))
  }
  return statistics
}
