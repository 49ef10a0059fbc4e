/**
 * Compares runs of one seed: in one process and in another that lives in another time zone,
 * perhaps under another Node, and in one of them twice.
 *
 * @since 0.1.0
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
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
  /** The program that runs the other process; this one's own if undefined. */
  readonly node: string | undefined
  readonly json: boolean
  readonly write: boolean
}

const program = new URL("hashes.ts", import.meta.url).pathname

const timeZones = ["UTC", "Australia/Lord_Howe"] as const

const start = (share: Share, zone: string, node: string) => {
  const child = spawn(node, [...process.execArgv, program, JSON.stringify(share)], {
    env: { ...process.env, TZ: zone },
    stdio: ["ignore", "pipe", "inherit"]
  })
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

const exitOf = (child: ChildProcess): Promise<number> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((done) => child.on("close", (code) => done(code ?? 1)))
    : Promise.resolve(child.exitCode ?? 1)

/**
 * Compares until so many seeds are done, the time is up, or two runs differ; gives the
 * exit code.
 *
 * @since 0.1.0
 * @category running
 */
export const comparePairs = async (options: PairsOptions): Promise<number> => {
  const { from, json, node = process.execPath, pairs, seconds, write } = options
  const [one, other] = timeZones.map((zone, index) =>
    start({ from, seeds: pairs, seconds, again: index === 0 ? 0 : 1 }, zone, index === 0 ? process.execPath : node)
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
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()
  const text = `${compared} seeds from ${from} on, each run in two processes, of Node ${process.version} and ${version} and in two time zones, and once more in one of them: ${difference === undefined ? "no difference" : "one difference"}`
  print(json ? JSON.stringify({ compared, from, difference }) : (difference ?? text))
  if (difference !== undefined) return 3
  if (compared === 0) return 1
  if (write) writeRow("determinism, `--pairs`", text)
  return 0
}
