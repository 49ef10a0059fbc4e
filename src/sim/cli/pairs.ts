/**
 * Compares runs of one seed: twice within a process, and with a run in another process
 * that lives in another time zone.
 *
 * @since 0.1.0
 */
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { writeRow } from "./figures.ts"
import type { Share } from "./hashes.ts"
import { print } from "./show.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface PairsOptions {
  readonly from: number
  readonly pairs: number
  readonly seconds: number
  readonly json: boolean
  readonly write: boolean
}

const program = new URL("hashes.ts", import.meta.url).pathname

const timeZones = ["UTC", "Australia/Lord_Howe"] as const

const start = (share: Share, zone: string) => {
  const child = spawn(process.execPath, [...process.execArgv, program, JSON.stringify(share)], {
    env: { ...process.env, TZ: zone },
    stdio: ["ignore", "pipe", "inherit"]
  })
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

const exitOf = (child: ChildProcess): Promise<number> =>
  child.exitCode === null
    ? new Promise((done) => child.on("close", (code) => done(code ?? 1)))
    : Promise.resolve(child.exitCode)

/**
 * Compares until so many seeds are done, the time is up, or two runs differ; gives the
 * exit code.
 *
 * @since 0.1.0
 * @category running
 */
export const comparePairs = async (options: PairsOptions): Promise<number> => {
  const { from, json, pairs, seconds, write } = options
  const [one, other] = timeZones.map((zone, index) =>
    start({ from, seeds: pairs, seconds, times: index === 0 ? 2 : 1 }, zone)
  ) as unknown as readonly [ReturnType<typeof start>, ReturnType<typeof start>]
  let compared = 0
  let difference: string | undefined
  while (difference === undefined) {
    const [first, second] = await Promise.all([one.lines.next(), other.lines.next()])
    // The two end at one time, but not at one seed.
    if (first.done === true || second.done === true) break
    if (first.value === second.value) compared++
    else difference = `seed ${from + compared}: ${first.value} in ${timeZones[0]}, ${second.value} in ${timeZones[1]}`
  }
  // The quicker one may be far ahead.
  for (const { child } of [one, other]) if (difference !== undefined || compared > 0) child.kill()
  await Promise.all([exitOf(one.child), exitOf(other.child)])
  const text = `${compared} seeds from ${from} on, each run twice in one process and once in another with another time zone: ${difference === undefined ? "no difference" : "one difference"}`
  print(json ? JSON.stringify({ compared, from, difference }) : (difference ?? text))
  if (difference !== undefined) return 3
  if (compared === 0) return 1
  if (write) writeRow("determinism, `--pairs`", text)
  return 0
}
