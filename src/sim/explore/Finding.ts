/**
 * A failing run, kept: the scenario, the choices that were not the dull ones, and what
 * failed. It does not depend on how seeds are drawn, so it outlives changes of the code.
 *
 * @since 0.1.0
 */
import { Choices, type Record } from "../Choice.ts"
import { Violation } from "../properties/Property.ts"
import { type Compact, compact, complete } from "../scenario/plain.ts"
import { type Outcome, type RunOptions, simulate } from "../scenario/run.ts"
import type { Scenario } from "../scenario/Scenario.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Finding {
  /** What failed: the violated property's number, or the error's name. */
  readonly failure: string
  readonly text: string
  /** The planted bug that it shows, if it is known. */
  readonly bug?: string | undefined
  readonly scenario: Scenario
  readonly choices: Record
}

/**
 * What tells one failure from another.
 *
 * @since 0.1.0
 * @category getters
 */
export const failureOf = (error: Error | undefined): string =>
  error === undefined ? "" : error instanceof Violation ? `property ${error.property}` : error.name

/**
 * @since 0.1.0
 * @category constructors
 */
export const fromOutcome = (outcome: Outcome): Finding => ({
  failure: failureOf(outcome.failure),
  text: outcome.failure?.message ?? "",
  scenario: outcome.scenario,
  choices: outcome.record
})

/**
 * Runs it again.
 *
 * @since 0.1.0
 * @category running
 */
export const replay = (finding: Pick<Finding, "scenario" | "choices">, options?: RunOptions): Outcome =>
  simulate(finding.scenario, Choices.replayed(finding.choices), options)

/**
 * How many choices were not the dull ones.
 *
 * @since 0.1.0
 * @category getters
 */
export const choiceCount = (choices: Record): number =>
  Object.values(choices).reduce((sum, pairs) => sum + pairs.length / 2, 0)

/**
 * A finding as the text of a file, without what is dull about its scenario.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toFile = ({ bug, choices, failure, scenario, text }: Finding): string =>
  `${JSON.stringify({ bug, failure, text, scenario: compact(scenario), choices })}\n`

/**
 * A finding from the text of a file. What the file does not know of is dull, and what is
 * known no more counts for nothing; so files live longer than the code that wrote them.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromFile = (text: string): Finding => {
  const file = JSON.parse(text) as Partial<Omit<Finding, "scenario">> & { readonly scenario: Compact }
  return { failure: "", text: "", choices: {}, ...file, scenario: complete(file.scenario) }
}
