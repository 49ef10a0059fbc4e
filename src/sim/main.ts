/**
 * `npm run sim`: simulations from the shell. What it can do, `--help` says.
 *
 * @since 0.1.0
 */
import { parseArgs } from "node:util"
import { Leak } from "./Hermetic.ts"
import { checkSeed, Nondeterminism } from "./explore/check.ts"
import { format } from "./properties/History.ts"
import { Violation } from "./properties/Property.ts"
import type { Outcome } from "./scenario/run.ts"

const help = `Usage: npm run sim -- [options]

  --seed N        run the scenario of one seed, twice, and show what happened
  --seeds N       run N seeds, each twice (from --from, default 1)
  --from N        the first seed
  --once          run each seed only once
  --trace         show every event of the run, not only of one that fails
  --json          one JSON object a line
  --help          this text

Exit codes: 0 all holds, 1 a safety property does not hold, 2 a liveness property
does not hold, 3 two runs of one seed differ or something leaked in, 64 wrong usage.
`

const exitCodeOf = (failure: Error | undefined): number => {
  if (failure === undefined) return 0
  if (failure instanceof Nondeterminism || failure instanceof Leak) return 3
  return failure instanceof Violation && failure.kind === "liveness" ? 2 : 1
}

const print = (text: string) => process.stdout.write(`${text}\n`)

/** Properties speak for themselves; of anything else one wants to know where it came from. */
const textOf = (failure: Error): string =>
  failure instanceof Violation || failure instanceof Nondeterminism
    ? failure.message
    : (failure.stack ?? failure.message)

const showFailure = (outcome: Outcome) => {
  const { failure, moments, scenario } = outcome
  print(`seed ${scenario.seed} fails: ${failure === undefined ? "" : textOf(failure)}`)
  for (const { at, event } of moments.slice(-60)) print(`${String(at).padStart(8)} ms  ${format(event)}`)
  print(`again: npm run sim -- --seed ${scenario.seed}`)
}

const showSeed = (outcome: Outcome, trace: boolean) => {
  const { answered, decisions, hash, moments, packets, scenario, simulatedMillis, steps, succeeded } = outcome
  if (trace) for (const { at, event } of moments) print(`${String(at).padStart(8)} ms  ${format(event)}`)
  print(
    `seed ${scenario.seed}: ${steps} steps, ${decisions} decisions, ${packets} packets, ${simulatedMillis} ms of its time`
  )
  print(
    `${answered} callers ended, ${succeeded} with success; faults: ${scenario.faults.map((fault) => fault.kind).join(" ") || "none"}`
  )
  print(`trace ${hash}, twice the same`)
}

const runSeed = (seed: number, options: { readonly trace: boolean; readonly json: boolean }): number => {
  const outcome = checkSeed(seed, 2, { keepHistory: true })
  const { failure } = outcome
  if (options.json) {
    const { answered, decisions, hash, packets, simulatedMillis, steps, succeeded } = outcome
    print(
      JSON.stringify({
        seed,
        hash,
        failure: failure?.message ?? null,
        decisions,
        steps,
        packets,
        simulatedMillis,
        answered,
        succeeded
      })
    )
  } else if (failure !== undefined) {
    print(JSON.stringify(outcome.scenario))
    showFailure(outcome)
  } else showSeed(outcome, options.trace)
  return exitCodeOf(failure)
}

const runSeeds = (from: number, count: number, times: 1 | 2, json: boolean): number => {
  const begun = process.cpuUsage()
  let code = 0
  let decisions = 0
  let simulatedMillis = 0
  let failed = 0
  for (let seed = from; seed < from + count; seed++) {
    const outcome = checkSeed(seed, times)
    decisions += outcome.decisions
    simulatedMillis += outcome.simulatedMillis
    if (outcome.failure === undefined) continue
    failed++
    if (!json) print(`seed ${seed} fails: ${textOf(outcome.failure)}`)
    else print(JSON.stringify({ seed, failure: outcome.failure.message, code: exitCodeOf(outcome.failure) }))
    if (code === 0) code = exitCodeOf(outcome.failure)
  }
  const { system, user } = process.cpuUsage(begun)
  const cpuSeconds = (system + user) / 1e6
  const figures = {
    seeds: count,
    failed,
    cpuSeconds: Number(cpuSeconds.toFixed(2)),
    simulationsPerSecond: Math.round((count * times) / cpuSeconds),
    decisionsPerSecond: Math.round((decisions * times) / cpuSeconds),
    timeCompression: Math.round((simulatedMillis * times) / 1000 / cpuSeconds)
  }
  print(
    json
      ? JSON.stringify(figures)
      : Object.entries(figures)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")
  )
  return code
}

const main = (): number => {
  let values
  try {
    values = parseArgs({
      options: {
        seed: { type: "string" },
        seeds: { type: "string" },
        from: { type: "string", default: "1" },
        once: { type: "boolean", default: false },
        trace: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${help}`)
    return 64
  }
  const numberOf = (text: string): number => {
    const value = Number(text)
    return Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN
  }
  if (values.help) {
    print(help)
    return 0
  }
  if (values.seed !== undefined && !Number.isNaN(numberOf(values.seed))) return runSeed(numberOf(values.seed), values)
  const count = numberOf(values.seeds ?? "")
  const from = numberOf(values.from)
  if (values.seeds !== undefined && !Number.isNaN(count + from))
    return runSeeds(from, count, values.once ? 1 : 2, values.json)
  process.stderr.write(help)
  return 64
}

process.exitCode = main()
