/**
 * Campaigns over several processes: each takes every n-th seed, and the results are told
 * as they come.
 *
 * @since 0.1.0
 */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { figures, type Tally, total } from "../explore/campaign.ts"
import { checkSeed } from "../explore/check.ts"
import { allMarks } from "../properties/marks.ts"
import { writeRow } from "./figures.ts"
import type { Message, Share } from "./part.ts"
import { print } from "./show.ts"
import { saveSmall, showSmall } from "./showSmall.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface CampaignsOptions {
  readonly from: number
  readonly seeds: number
  readonly seconds: number
  readonly times: 1 | 2
  readonly processes: number
  readonly json: boolean
  /** Situations that were never met make the campaign fail. */
  readonly needsMarks: boolean
  /** Puts what was run into `docs/simulation.md`, if nothing failed. */
  readonly write: boolean
  /** Where to write the first failure, if not to a temporary folder. */
  readonly save: string | undefined
}

const part = new URL("part.ts", import.meta.url).pathname

const run = (share: Share, onMessage: (message: Message) => void): Promise<number> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [...process.execArgv, part, JSON.stringify(share)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    createInterface({ input: child.stdout }).on("line", (line) => onMessage(JSON.parse(line) as Message))
    child.on("error", fail)
    child.on("close", (code) => done(code ?? 1))
  })

const again = (seed: number) => `npm run sim -- --seed ${seed}`

const describe = (tally: Tally): string =>
  Object.entries(figures(tally))
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")

/** One line that is written over and over. */
const progress = ({ failed, marks, seeds, simulatedMillis }: Tally, begun: number): string => {
  const perSecond = (1000 * seeds) / (performance.now() - begun)
  const hours = (simulatedMillis / 3_600_000).toFixed(1)
  return `${seeds} seeds, ${perSecond.toFixed(0)} a second, ${hours} simulated hours, ${marks.length} of ${allMarks.length} situations, ${failed} failed`
}

/**
 * Runs seeds and gives the exit code. The first that fails is shrunk and shown, so that
 * whoever reads the log of another machine can begin at once.
 *
 * @since 0.1.0
 * @category running
 */
export const campaigns = async (options: CampaignsOptions): Promise<number> => {
  const { from, json, needsMarks, processes, save, seconds, seeds, times, write } = options
  const tallies: Array<Tally> = []
  let code = 0
  let failedSeed: number | undefined
  const isWatched = process.stderr.isTTY && !json
  const begun = performance.now()
  const hear = (index: number) => (message: Message) => {
    if ("failure" in message) {
      const { failure, seed } = message.failure
      if (code === 0) code = message.failure.code
      failedSeed ??= seed
      print(json ? JSON.stringify(message.failure) : `seed ${seed} fails: ${failure}\n  again: ${again(seed)}`)
      return
    }
    tallies[index] = "done" in message ? message.done : message.progress
    if (isWatched) process.stderr.write(`\r\u001b[K${progress(total(tallies.filter(Boolean)), begun)}`)
  }
  const shares = Array.from({ length: processes }, (_, index): Share => {
    const seedsMax = Math.ceil((seeds - index) / processes)
    return { from: from + index, step: processes, seedsMax, secondsMax: seconds, times }
  })
  const codes = await Promise.all(shares.map((share, index) => run(share, hear(index))))
  if (isWatched) process.stderr.write("\r\u001b[K")
  const sum = total(tallies)
  const missing = allMarks.filter((mark) => !sum.marks.includes(mark))
  const failed = failedSeed === undefined ? undefined : checkSeed(failedSeed, 2, { keepHistory: true })
  if (json) {
    if (failed !== undefined && save !== undefined) saveSmall(failed, save)
    print(JSON.stringify({ ...figures(sum), marksMax: allMarks.length, missing }))
  } else {
    if (failed !== undefined) showSmall(failed, `${again(failed.scenario.seed)} --trace`, save)
    print(describe(sum))
    if (needsMarks && missing.length > 0) print(`never met, of ${allMarks.length} situations: ${missing.join("; ")}`)
  }
  if (codes.some((one) => one !== 0)) return 1
  if (write && sum.failed === 0) {
    const { cpuSeconds, seeds: ran, simulatedHours } = figures(sum)
    const text = `${ran} seeds from ${from} on, ${times === 2 ? "each twice" : "each once"}: none failed, ${sum.marks.length} of ${allMarks.length} situations; ${simulatedHours} simulated hours in ${Math.round(cpuSeconds)} CPU seconds`
    writeRow("campaign, `--seconds`", text)
  }
  return code === 0 && needsMarks && missing.length > 0 ? 1 : code
}
