/**
 * What a function's jobs may be waiting for, as `show functions` tells it: a text command of
 * our own, which lets `doctor` explain what gearmand's `status` cannot.
 *
 * @since 0.1.0
 */
import type * as Admin from "../Admin.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Jobs } from "./Jobs.ts"
import type { Reason } from "./Refusals.ts"

const limits: ReadonlyArray<Reason> = ["maxJobs", "maxJobsPerFunction", "maxWorkloadBytes"]

const refusedOf = ({ refusals }: Jobs, key: string) => {
  const counts = refusals.byFunction.get(key)
  return {
    limited: limits.reduce((total, reason) => total + (counts?.get(reason) ?? 0), 0),
    deniedSubmits: counts?.get("submit") ?? 0,
    deniedWorkers: counts?.get("serve") ?? 0
  }
}

/** The first of a queue has waited longest, unless a submission that joined it has raised it. */
const waitOf = (jobs: Jobs, fn: ServerFunction): number => {
  const waits = fn.queues.map(({ first }) => (first === undefined ? 0 : jobs.nowMillis - first.offeredMillis))
  return Math.round(Math.max(...waits))
}

/**
 * The row of a function. Costs as much as it has workers.
 *
 * @since 0.1.0
 * @category conversions
 */
export const functionRow = (jobs: Jobs, fn: ServerFunction): Admin.FunctionRow => {
  const states = { busy: 0, sleeping: 0, woken: 0 }
  for (const { session } of fn.abilities) {
    if (session.isBusy) states.busy++
    else if (session.sleep === "asleep") states.sleeping++
    else if (session.sleep === "woken") states.woken++
  }
  return {
    function: fn.key,
    waiting: fn.runnableCount,
    delayed: fn.scheduled[0] + fn.scheduled[1] + fn.scheduled[2],
    running: fn.runningCount,
    workers: fn.abilities.size,
    ...states,
    ...refusedOf(jobs, fn.key),
    waitMillis: waitOf(jobs, fn)
  }
}

const none = { waiting: 0, delayed: 0, running: 0, workers: 0, busy: 0, sleeping: 0, woken: 0, waitMillis: 0 }

/**
 * The row of one that only ever was refused; nothing when it is known, or was never refused.
 *
 * @since 0.1.0
 * @category conversions
 */
export const refusedRow = (jobs: Jobs, key: string): Admin.FunctionRow | undefined =>
  jobs.functions.find(key) === undefined && jobs.refusals.byFunction.has(key)
    ? { function: key, ...none, ...refusedOf(jobs, key) }
    : undefined
