/**
 * Runs a seed, twice, and says whether both runs did the same.
 *
 * @since 0.1.0
 */
import { Choices } from "../Choice.ts"
import { Violation } from "../properties/Property.ts"
import { format } from "./format.ts"
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

/** All that was decided in a run, and all that happened, in lines. */
const protocolOf = (scenario: Scenario): { readonly decisions: Array<string>; readonly events: Array<string> } => {
  const decisions: Array<string> = []
  const { moments } = simulate(scenario, Choices.seeded(scenario.seed), {
    keepHistory: true,
    onChoice: (label, n, value) => decisions.push(`${label} of ${n} gave ${value}`)
  })
  return { decisions, events: moments.map(({ at, event }) => `${at} ms ${format(event)}`) }
}

const firstUnlike = (what: string, one: ReadonlyArray<string>, other: ReadonlyArray<string>): string | undefined => {
  const length = Math.max(one.length, other.length)
  for (let index = 0; index < length; index++) {
    const [first = "nothing more", second = "nothing more"] = [one[index], other[index]]
    if (first !== second) return `${what} ${index} differs: once ${first}, once ${second}`
  }
  return undefined
}

/** Where two runs of a scenario part. */
const firstDifference = (scenario: Scenario): string => {
  const one = protocolOf(scenario)
  const other = protocolOf(scenario)
  const decision = firstUnlike("decision", one.decisions, other.decisions)
  if (decision !== undefined) return decision
  const event = firstUnlike("event", one.events, other.events)
  return event === undefined
    ? "two more runs, both watched, were alike: it depends on what ran before, on being watched, or on bytes in no packet"
    : `all decisions are equal, and ${event}`
}

/**
 * Runs a scenario with a seed's decisions once, or twice to compare.
 *
 * @since 0.1.0
 * @category running
 */
export const check = (scenario: Scenario, times: 1 | 2, options: RunOptions = {}): Outcome => {
  const outcome = simulate(scenario, Choices.seeded(scenario.seed), options)
  // Where a loop without an end was ended is up to the machine.
  const isEndless = outcome.failure instanceof Violation && outcome.failure.kind === "endless"
  if (times === 1 || isEndless) return outcome
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
