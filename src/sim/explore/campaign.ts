/**
 * Many seeds, one after the other: what failed, what was seen, and what it cost.
 *
 * @since 0.1.0
 */
import { Marks } from "../properties/marks.ts"
import type { Outcome } from "../scenario/run.ts"
import { checkSeed } from "./check.ts"

/**
 * Which seeds a campaign runs, and until when.
 *
 * @since 0.1.0
 * @category models
 */
export interface CampaignOptions {
  readonly from: number
  /** The next seed is so much greater; two processes share the seeds by steps of two. */
  readonly step: number
  readonly seedsMax: number
  readonly secondsMax: number
  readonly times: 1 | 2
  readonly onFailure: (outcome: Outcome) => void
  readonly onProgress?: ((tally: Tally) => void) | undefined
}

/**
 * What a campaign has done.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tally {
  readonly seeds: number
  readonly failed: number
  readonly runs: number
  readonly decisions: number
  readonly steps: number
  readonly packets: number
  readonly simulatedMillis: number
  readonly answered: number
  readonly succeeded: number
  readonly cpuSeconds: number
  readonly marks: ReadonlyArray<string>
}

/**
 * CPU time of this process, in seconds.
 *
 * @since 0.1.0
 * @category getters
 */
export const cpuSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

const progressEachMillis = 1000

/**
 * @since 0.1.0
 * @category running
 */
export const campaign = (options: CampaignOptions): Tally => {
  const { from, secondsMax, seedsMax, step, times } = options
  const marks = new Marks()
  const begunCpu = cpuSeconds()
  const endsAt = performance.now() + secondsMax * 1000
  const sums = {
    seeds: 0,
    failed: 0,
    runs: 0,
    decisions: 0,
    steps: 0,
    packets: 0,
    simulatedMillis: 0,
    answered: 0,
    succeeded: 0
  }
  const tally = (): Tally => ({ ...sums, cpuSeconds: cpuSeconds() - begunCpu, marks: [...marks.hit] })
  let toldAt = performance.now()
  for (let seed = from; sums.seeds < seedsMax && performance.now() < endsAt; seed += step) {
    marks.begin()
    const outcome = checkSeed(seed, times, { watchers: [marks] })
    sums.seeds++
    sums.runs += times
    sums.decisions += outcome.decisions * times
    sums.steps += outcome.steps * times
    sums.packets += outcome.packets * times
    sums.simulatedMillis += outcome.simulatedMillis * times
    sums.answered += outcome.answered
    sums.succeeded += outcome.succeeded
    if (outcome.failure !== undefined) {
      sums.failed++
      options.onFailure(outcome)
    }
    if (options.onProgress === undefined || performance.now() - toldAt < progressEachMillis) continue
    toldAt = performance.now()
    options.onProgress(tally())
  }
  return tally()
}

/**
 * What several campaigns have done together.
 *
 * @since 0.1.0
 * @category conversions
 */
export const total = (tallies: ReadonlyArray<Tally>): Tally => {
  const sum = (key: Exclude<keyof Tally, "marks">) => tallies.reduce((before, tally) => before + tally[key], 0)
  return {
    seeds: sum("seeds"),
    failed: sum("failed"),
    runs: sum("runs"),
    decisions: sum("decisions"),
    steps: sum("steps"),
    packets: sum("packets"),
    simulatedMillis: sum("simulatedMillis"),
    answered: sum("answered"),
    succeeded: sum("succeeded"),
    cpuSeconds: sum("cpuSeconds"),
    marks: [...new Set(tallies.flatMap((tally) => tally.marks))]
  }
}

/**
 * A tally as figures that people compare.
 *
 * @since 0.1.0
 * @category conversions
 */
export const figures = (tally: Tally) => ({
  seeds: tally.seeds,
  failed: tally.failed,
  cpuSeconds: Number(tally.cpuSeconds.toFixed(2)),
  simulationsPerSecond: Math.round(tally.runs / tally.cpuSeconds),
  decisionsPerSecond: Math.round(tally.decisions / tally.cpuSeconds),
  simulatedHours: Number((tally.simulatedMillis / 3_600_000).toFixed(1)),
  timeCompression: Math.round(tally.simulatedMillis / 1000 / tally.cpuSeconds),
  callers: tally.answered,
  callersSucceededPercent: Math.round((100 * tally.succeeded) / Math.max(1, tally.answered)),
  marks: tally.marks.length
})
