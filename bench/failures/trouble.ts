/**
 * The troubles that `node bench/failures.ts` makes, and what it notes of each run.
 */
import * as JobFunction from "../../src/protocol/JobFunction.ts"

// So that every run ends: whoever still waits then has lost its job.
const timeout = "5 minutes"

export const functions = {
  safe: JobFunction.utf8("safe", { idempotent: true, timeout, unique: "payload" }),
  risky: JobFunction.utf8("risky", { timeout, unique: "payload" })
}

export const troubles = [
  "crash of a server",
  "crash of a worker",
  "partition",
  "half-open connection",
  "slow server",
  "all servers down and back"
] as const

export type Trouble = (typeof troubles)[number]

/** Jobs of each kind in a run, how far apart they are submitted, and how long one takes. */
export const plan = { jobs: 20, everyMillis: 150, takesMillis: 200, troubleAtMillis: 1000 }

/** How one call ended: with its result, or the tag of its error. */
export interface Ended {
  readonly isIdempotent: boolean
  readonly outcome: string
  readonly tookMillis: number
}

export interface Run {
  readonly trouble: Trouble
  readonly ended: ReadonlyArray<Ended>
  readonly executions: number
}

/** What a table shows of all runs of a trouble. */
export const summarize = (trouble: Trouble, runs: ReadonlyArray<Run>): ReadonlyArray<string> => {
  const ended = runs.flatMap((run) => run.ended)
  const safe = ended.filter(({ isIdempotent }) => isIdempotent)
  const risky = ended.filter(({ isIdempotent }) => !isIdempotent)
  const count = (of: ReadonlyArray<Ended>, outcome: string) => of.filter((each) => each.outcome === outcome).length
  const expected = runs.length * plan.jobs
  const executions = runs.reduce((sum, run) => sum + run.executions, 0)
  // How long the unluckiest call of a run took beyond its work: that is how long recovery took.
  const recovery = runs
    .map((run) => Math.max(...run.ended.map(({ tookMillis }) => tookMillis)) - plan.takesMillis)
    .toSorted((one, other) => one - other)
  const seconds = (milliseconds: number) => (Math.max(0, milliseconds) / 1000).toFixed(2)
  const done = count(risky, "done")
  const ambiguous = count(risky, "Ambiguous")
  return [
    trouble,
    String(runs.length),
    `${expected - count(safe, "done")} of ${expected}`,
    `${done} done, ${ambiguous} Ambiguous, ${expected - done - ambiguous} other`,
    (executions / (2 * expected)).toFixed(3),
    `${seconds(recovery[Math.floor(recovery.length / 2)]!)} (${seconds(recovery.at(-1)!)})`
  ]
}

export const columns = [
  "",
  "runs",
  "idempotent jobs lost",
  "other jobs",
  "executions per job",
  "seconds to recover, median (worst)"
]
