/**
 * How runs and failures look on a terminal.
 *
 * @since 0.1.0
 */
import { Nondeterminism } from "../explore/check.ts"
import { Leak } from "../Hermetic.ts"
import { trace } from "../explore/trace.ts"
import { Violation } from "../properties/Property.ts"
import { compact } from "../scenario/plain.ts"
import type { Outcome } from "../scenario/run.ts"

/**
 * @since 0.1.0
 * @category running
 */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)

/**
 * 0 all holds, 1 safety, 2 liveness, 3 determinism.
 *
 * @since 0.1.0
 * @category conversions
 */
export const exitCodeOf = (failure: Error | undefined): number => {
  if (failure === undefined) return 0
  if (failure instanceof Nondeterminism || failure instanceof Leak) return 3
  return failure instanceof Violation && failure.kind === "liveness" ? 2 : 1
}

/**
 * Properties speak for themselves; of anything else one wants to know where it came from.
 *
 * @since 0.1.0
 * @category conversions
 */
export const textOf = (failure: Error): string =>
  failure instanceof Violation || failure instanceof Nondeterminism
    ? failure.message
    : (failure.stack ?? failure.message)

/** As much of a history as fits a screen. */
const shownLines = 60

/**
 * What failed, on what, after what, and how to see it again.
 *
 * @since 0.1.0
 * @category running
 */
export const showFailure = (outcome: Outcome, again: string, options: { readonly everything: boolean }): void => {
  const { failure, moments, scenario } = outcome
  print(`scenario ${JSON.stringify(compact(scenario))}`)
  const lines = trace(moments, options)
  const left = options.everything ? 0 : lines.length - shownLines
  if (left > 0) print(`… ${left} lines before; --trace shows them`)
  for (const line of lines.slice(Math.max(0, left))) print(line)
  print(`FAILS: ${failure === undefined ? "" : textOf(failure)}`)
  print(`again: ${again}`)
}

/**
 * @since 0.1.0
 * @category running
 */
export const showSuccess = (outcome: Outcome, name: string): void => {
  const { answered, decisions, hash, packets, scenario, simulatedMillis, steps, succeeded } = outcome
  const faults = scenario.faults.map((fault) => fault.kind).join(" ")
  print(`${name}: ${steps} steps, ${decisions} decisions, ${packets} packets, ${simulatedMillis} ms of its own time`)
  print(`${answered} callers ended, ${succeeded} with success; faults: ${faults === "" ? "none" : faults}`)
  print(`all properties hold; trace ${hash}`)
}

/**
 * A run as one object.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toJson = (outcome: Outcome) => {
  const { answered, decisions, failure, hash, packets, scenario, simulatedMillis, steps, succeeded } = outcome
  const problem = failure === undefined ? null : textOf(failure)
  return {
    seed: scenario.seed,
    failure: problem,
    code: exitCodeOf(failure),
    hash,
    steps,
    decisions,
    packets,
    simulatedMillis,
    answered,
    succeeded
  }
}
