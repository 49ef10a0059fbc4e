/**
 * Compares two runs of one seed: one in this process's Node, and one in a process that lives in
 * another time zone, perhaps under another Node.
 *
 * @since 0.1.0
 */
import { spawn, spawnSync } from "node:child_process"
import { createInterface } from "node:readline"
import { writeRow } from "./figures.ts"
import type { Message, Share } from "./hashes.ts"
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

const start = (share: Share, zone: string, node: string) =>
  spawn(node, [...process.execArgv, program, JSON.stringify(share)], {
    env: { ...process.env, TZ: zone },
    stdio: ["pipe", "pipe", "inherit"]
  })

type Child = ReturnType<typeof start>

/** Null where it was ended by a signal; an error where it never began. */
const exitOf = (child: Child): Promise<number | null | Error> =>
  new Promise((done) => {
    child.on("error", done)
    child.on("close", done)
  })

/**
 * Compares until so many seeds are done, the time is up, or two runs differ; gives the
 * exit code. Each process runs half of the seeds, and again those of the other.
 *
 * @since 0.1.0
 * @category running
 */
export const comparePairs = async (options: PairsOptions): Promise<number> => {
  const { from, json, node = process.execPath, pairs, seconds, write } = options
  const children = timeZones.map((zone, index) =>
    start({ from: from + index, to: from + pairs, seconds }, zone, index === 0 ? process.execPath : node)
  )
  let compared = 0
  let difference: string | undefined
  const hear = (other: Child) => (line: string) => {
    const message = JSON.parse(line) as Message
    if ("ran" in message) other.stdin.write(`${JSON.stringify(message.ran)}\n`)
    else if ("done" in message) other.stdin.end()
    else if (message.difference === undefined) compared++
    else {
      difference ??= message.difference
      for (const child of children) child.kill()
    }
  }
  children.forEach((child, index) => {
    createInterface({ input: child.stdout }).on("line", hear(children[1 - index]!))
    child.stdin.on("error", () => {})
    // Without it the other one would wait for more.
    const endAll = () => {
      for (const one of children) one.kill()
    }
    child.on("error", endAll)
    child.on("exit", (code) => {
      if (code !== 0) endAll()
    })
    // Whatever it was, it says no more.
    child.on("close", () => children[1 - index]!.stdin.end())
  })
  const codes = await Promise.all(children.map(exitOf))
  const absent = codes.find((code) => code instanceof Error)
  if (absent !== undefined) {
    process.stderr.write(`the other process did not start: ${absent.message}\n`)
    return 64
  }
  // Who was ended by a signal was well.
  if (compared === 0 && difference === undefined && codes[1] !== 0 && codes[1] !== null) {
    process.stderr.write(`the other process broke before it had run a seed: is ${node} Node 22.19 or newer?\n`)
    return 64
  }
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()
  const isWhole = difference === undefined && codes.every((code) => code === 0)
  const how = `each run in two processes, of Node ${process.version} and ${version}, in two time zones, and watched in only one of them`
  const text =
    compared === 0
      ? "no seed was compared: both processes must have run one before the time is up"
      : `${compared} seeds from ${from} on, ${how}: no difference${isWhole ? "" : ", until a process broke"}`
  print(json ? JSON.stringify({ compared, from, difference: difference ?? null }) : (difference ?? text))
  if (difference !== undefined) return 3
  if (compared === 0 || !isWhole) return 1
  if (write) writeRow("determinism, `--pairs`", text)
  return 0
}
