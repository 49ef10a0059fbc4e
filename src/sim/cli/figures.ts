/**
 * Figures that people compare: how fast simulations are, how far ahead of the world, and
 * how often two runs of one seed were compared. Each is a row of the table in
 * `docs/simulation.md`, put there by the command that measured it.
 *
 * @since 0.1.0
 */
import { readFileSync, writeFileSync } from "node:fs"
import { Choices } from "../Choice.ts"
import { cpuSeconds } from "../explore/campaign.ts"
import { day } from "../scenario/day.ts"
import { simulate } from "../scenario/run.ts"
import { draw } from "../scenario/Scenario.ts"
import { exitCodeOf, print, textOf } from "./show.ts"

const page = new URL("../../../docs/simulation.md", import.meta.url)

/** Puts a row into the table, in place of the one that begins alike. */
export const writeRow = (name: string, value: string): void => {
  const text = readFileSync(page, "utf8")
  const row = `| ${name} | ${value} |`
  const known = text.split("\n").find((line) => line.startsWith(`| ${name} |`))
  const last = /(\| figure \| measured \|\n(?:\|.*\n)+)/
  writeFileSync(
    page,
    known === undefined ? text.replace(last, (table) => `${table}${row}\n`) : text.replace(known, row)
  )
}

export interface FiguresOptions {
  readonly from: number
  /** CPU seconds to measure for, after as many seeds as the compiler needs to settle. */
  readonly cpuSeconds: number
  readonly json: boolean
  readonly write: boolean
}

const settlingSeeds = 300

// Asking for the CPU time costs a fiftieth of a run.
const seedsAtOnce = 20

/**
 * Runs the reference mix once per seed in this one process, all properties on, and tells
 * how many runs, steps and decisions fit into a second of CPU time.
 */
export const showThroughput = (options: FiguresOptions): number => {
  let seed = options.from
  for (const end = seed + settlingSeeds; seed < end; seed++) simulate(draw(seed), Choices.seeded(seed))
  const sums = { simulations: 0, steps: 0, decisions: 0, packets: 0 }
  const begun = cpuSeconds()
  let spent = 0
  for (; spent < options.cpuSeconds; spent = cpuSeconds() - begun) {
    for (const end = seed + seedsAtOnce; seed < end; seed++) {
      const { decisions, packets, steps } = simulate(draw(seed), Choices.seeded(seed))
      sums.simulations++
      sums.steps += steps
      sums.decisions += decisions
      sums.packets += packets
    }
  }
  const perSecond = (sum: number) => Math.round(sum / spent)
  const each = (sum: number) => Math.round(sum / sums.simulations)
  const figures = {
    cpuSeconds: Number(spent.toFixed(1)),
    simulations: sums.simulations,
    simulationsPerSecond: perSecond(sums.simulations),
    stepsPerSecond: perSecond(sums.steps),
    decisionsPerSecond: perSecond(sums.decisions),
    stepsEach: each(sums.steps),
    decisionsEach: each(sums.decisions),
    packetsEach: each(sums.packets)
  }
  const text = `${figures.simulationsPerSecond} simulations, ${figures.stepsPerSecond} steps of the kernel, ${figures.decisionsPerSecond} decisions a CPU second; each ${figures.stepsEach} steps, ${figures.decisionsEach} decisions, ${figures.packetsEach} packets (${figures.simulations} runs)`
  print(options.json ? JSON.stringify(figures) : text)
  if (options.write) writeRow("reference mix, `--figures`", text)
  return 0
}

/** Runs a day, or so many hours of it, and tells how many of its seconds fit into one of CPU time. */
export const showDay = (
  hours: number,
  { json, write }: { readonly json: boolean; readonly write: boolean }
): number => {
  const begun = cpuSeconds()
  const outcome = simulate(day(hours), Choices.seeded(1), { stepsMax: Number.MAX_SAFE_INTEGER })
  const spent = cpuSeconds() - begun
  const { answered, failure, packets, simulatedMillis, steps, succeeded } = outcome
  const figures = {
    simulatedHours: Number((simulatedMillis / 3_600_000).toFixed(2)),
    cpuSeconds: Number(spent.toFixed(1)),
    timeCompression: Math.round(simulatedMillis / 1000 / spent),
    callers: answered,
    succeeded,
    packets,
    steps
  }
  const text = `${figures.timeCompression}: ${figures.simulatedHours} simulated hours in ${figures.cpuSeconds} CPU seconds; ${answered} callers, ${succeeded} of them with success, ${packets} packets at the servers`
  print(json ? JSON.stringify({ ...figures, failure: failure === undefined ? undefined : textOf(failure) }) : text)
  if (failure !== undefined && !json) print(`FAILS: ${textOf(failure)}`)
  if (failure === undefined && write && hours === 24) writeRow("time compression, `--day`", text)
  return exitCodeOf(failure)
}
