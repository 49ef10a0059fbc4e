/**
 * Runs a seed, twice, and says whether both runs did the same.
 *
 * @since 0.1.0
 */
import { Choices } from "../Choice.ts"
import { drawCampaign } from "../scenario/focused.ts"
import type { Scenario } from "../scenario/Scenario.ts"
import { type Outcome, type RunOptions, simulate } from "../scenario/run.ts"

/**
 * Two runs with the same decisions did different things.
 *
 * @since 0.1.0
 * @category errors
 */
export class Nondeterminism extends Error {
  override readonly name = "Nondeterminism"
}

interface Decision {
  readonly label: string
  readonly n: number
  readonly value: number
}

const decisionsOf = (scenario: Scenario): ReadonlyArray<Decision> => {
  const decisions: Array<Decision> = []
  simulate(scenario, Choices.seeded(scenario.seed), {
    onChoice: (label, n, value) => decisions.push({ label, n, value })
  })
  return decisions
}

const show = (decision: Decision | undefined): string =>
  decision === undefined ? "nothing more" : `${decision.label} of ${decision.n} gave ${decision.value}`

/** Where two runs of a scenario part. */
const firstDifference = (scenario: Scenario): string => {
  const one = decisionsOf(scenario)
  const other = decisionsOf(scenario)
  const length = Math.max(one.length, other.length)
  for (let index = 0; index < length; index++) {
    const first = show(one[index])
    const second = show(other[index])
    if (first !== second) return `decision ${index} differs: once ${first}, once ${second}`
  }
  return "all decisions are equal; the bytes differ"
}

/**
 * Runs a scenario with a seed's decisions once, or twice to compare.
 *
 * @since 0.1.0
 * @category running
 */
export const check = (scenario: Scenario, times: 1 | 2, options: RunOptions = {}): Outcome => {
  const outcome = simulate(scenario, Choices.seeded(scenario.seed), options)
  if (times === 1) return outcome
  // A run that failed may have ended anywhere.
  const reached = outcome.failure === undefined ? outcome.reached : undefined
  const again = simulate(scenario, Choices.seeded(scenario.seed), { again: reached })
  if (again.hash === outcome.hash) return outcome
  const text = `seed ${scenario.seed}: ${outcome.hash} and then ${again.hash}; ${firstDifference(scenario)}`
  return { ...outcome, failure: new Nondeterminism(text) }
}

/**
 * `check` for a seed's own scenario.
 *
 * @since 0.1.0
 * @category running
 */
export const checkSeed = (seed: number, times: 1 | 2, options: RunOptions = {}): Outcome =>
  check(drawCampaign(seed), times, options)
