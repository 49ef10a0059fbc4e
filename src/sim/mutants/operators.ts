/**
 * Bugs of the text commands, of what they set, and of callers' time limits: properties 59 to 61.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

const file = "src/protocol/server/TextCommands.ts"
const lists = "src/protocol/server/Lists.ts"
const jobs = "src/protocol/server/Jobs.ts"
const needs = ["workload"] as const

/**
 * @since 0.1.0
 * @category constants
 */
export const operators: ReadonlyArray<Mutant> = [
  {
    id: "text-status-total",
    title: "status does not count the jobs that run",
    file: lists,
    find: "total: fn.jobCount",
    replace: "total: fn.jobCount - fn.runningCount",
    property: 59,
    needs
  },
  {
    id: "text-status-scheduled",
    title: "prioritystatus leaves out the jobs whose time has not come",
    file: lists,
    find: "normal: fn.queues[1].size + fn.scheduled[1]",
    replace: "normal: fn.queues[1].size",
    property: 59,
    needs
  },
  {
    id: "text-shows-lost-as-new",
    title: "show jobs tells of no lost attempts",
    file: lists,
    find: "retries: job.retries",
    replace: "retries: 0",
    property: 59,
    needs: ["crash"]
  },
  {
    id: "text-mistake-hangs-up",
    title: "A word that is no command ends the connection",
    file,
    find: "    default:\n      return unknownCommand(command)",
    replace: "    default:\n      return undefined",
    property: 59,
    needs
  },
  {
    id: "text-drop-in-use",
    title: "A function is dropped from under its workers",
    file,
    find: "found.some((fn) => !fn.isIdle)",
    replace: "found.some((fn) => fn.jobCount > 0)",
    property: 59,
    needs
  },
  {
    id: "cancel-tells-nobody",
    title: "Who waits for a cancelled job is not told",
    file: jobs,
    find: '"cancelled")\n    failAll(job)\n',
    replace: '"cancelled")\n',
    property: 5,
    needs
  },
  {
    id: "cancel-leaves-queued",
    title: "A job that is cancelled while it is queued runs all the same",
    file: jobs,
    find: '    if (job.state !== "running") return this.end(job)\n    this.attachmentCount -= detachAll(job)',
    replace: "    this.attachmentCount -= detachAll(job)",
    property: 59,
    needs
  },
  {
    id: "cancel-joined",
    title: "Equal submissions join a job that was cancelled, and wait for ever",
    file: jobs,
    find: "    this.merging.remove(job)\n    job.isCancelled = true",
    replace: "    job.isCancelled = true",
    property: 59,
    needs
  },
  {
    id: "cancel-forgotten",
    title: "A cancelled job whose worker is lost runs again",
    file: jobs,
    find: "    if (job.isCancelled) this.free(job)\n    else if (job.isAbandoned)",
    replace: "    if (job.isAbandoned && !job.isCancelled)",
    property: 59,
    needs: ["crash"]
  },
  {
    id: "limit-one-more",
    title: "A function gets one job more than it may have",
    file: jobs,
    find: "fn.jobCount >= most",
    replace: "fn.jobCount > most",
    property: 60,
    needs
  },
  {
    id: "limit-counts-waiting",
    title: "Running jobs do not count for the limit of their function",
    file: jobs,
    find: "fn.jobCount >= most",
    replace: "fn.jobCount - fn.runningCount >= most",
    property: 60,
    needs
  },
  {
    id: "limit-low-for-high",
    title: "maxqueue takes the limit of low priority for that of high",
    file,
    find: "[high, normal, low ?? 0]",
    replace: "[low ?? 0, normal, high]",
    property: 60,
    needs
  },
  {
    id: "limit-joins-refused",
    title: "At the limit, a submission that would join a job is refused too",
    file: "src/protocol/server/Requests.ts",
    find: "    if (found !== undefined) {",
    replace: "    if (found !== undefined && jobs.limitFor(fn, priority, 0) === undefined) {",
    property: 60,
    needs
  },
  {
    id: "time-limit-of-run-ignored",
    title: "The time limit of a call that waits for its result is not kept",
    file: "src/protocol/client/Program.ts",
    find: "withTimeout(timeoutFor(fn, options), fn.name)(effect)",
    replace: "withTimeout(fn.timeout, fn.name)(effect)",
    property: 61,
    needs: ["time"]
  },
  {
    id: "time-limit-of-acceptance",
    title: "The time limit of a submission counts only until it is accepted",
    file: "src/protocol/client/Program.ts",
    find: "Effect.as(FiberSet.run(timers, limit(listened, deadline, timeoutOf(timeout, fn.name))), jobOf(fn, listened))",
    replace: "Effect.succeed(jobOf(fn, listened))",
    property: 61,
    needs: ["time"]
  }
]
