/**
 * Limits and rules refuse what is over or against them and nothing else: property 60.
 *
 * @since 0.1.0
 */
import { count, isThere, type Range } from "./counts.ts"
import { type Property, Violation } from "./Property.ts"
import type { ServerModel, Submission } from "./ServerModel.ts"

/**
 * What a server was started with; 0 is no limit.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  readonly maxJobs?: number | undefined
  readonly maxJobsPerFunction?: number | undefined
  /** The functions of which jobs may be submitted; all where nothing is said. */
  readonly submits?: ReadonlyArray<string> | undefined
}

/** Who waits for jobs, once for each submission; who has left may still be counted. */
const countWaiting = (server: ServerModel): Range => {
  let least = 0
  let all = 0
  for (const job of server.unfinished) {
    if (!server.mayBeGone(job)) least += job.listeners.length
    all += job.listeners.length
  }
  const hasLeft = [...server.connections.values()].some(({ open }) => !open)
  return [least, hasLeft ? Infinity : all]
}

/**
 * A submission is refused when there are too many jobs, or too many who wait for one, and
 * then only, or when rules do not allow it. Who joins a job makes none. A server that drains takes none that it would have
 * to do for that, and says why.
 *
 * @since 0.1.0
 * @category properties
 */
export const limits = (limitsOf: (node: string) => Limits): Property => {
  const draining = new Set<string>()
  /** By how much a limit is exceeded, for sure and possibly; 0 is when there is no room for one more. */
  const over = (server: ServerModel, { background, function: fn, priority }: Submission, isNew: boolean): Range => {
    const { maxJobs = 0, maxJobsPerFunction = 0 } = limitsOf(server.node)
    const most = server.functions.get(fn)?.[priority] ?? maxJobsPerFunction
    const ranges = [
      [isNew ? most : 0, () => count(server, isThere, fn)],
      [isNew ? maxJobs : 0, () => count(server, isThere)],
      [isNew || !background ? maxJobs : 0, () => countWaiting(server)]
    ] as const
    const ends = ranges.flatMap(([limit, range]) => (limit === 0 ? [] : [range().map((end) => end - limit)]))
    return [Math.max(...ends.map(([least]) => least!)), Math.max(...ends.map(([, most]) => most!))]
  }
  const isAllowed = (server: ServerModel, { function: fn }: Submission): boolean =>
    limitsOf(server.node).submits?.includes(fn) !== false
  const tell = (server: ServerModel, { function: fn }: Submission, what: string): never => {
    throw new Violation(60, `${server.node} ${what} a job of ${fn}, of which it has ${count(server, isThere, fn)[0]}`)
  }
  return {
    name: "limits",
    observe: ({ event }) => {
      if (event._tag === "Draining") draining.add(event.node)
      else if (event._tag === "Ended") draining.delete(event.node)
    },
    created: (server, submission, _job, isNew) => {
      if (!isAllowed(server, submission)) tell(server, submission, "accepted, against its rules,")
      if (draining.has(server.node) && (isNew || submission.background))
        tell(server, submission, "drains, and accepted")
      if (over(server, submission, isNew)[0] >= 0) tell(server, submission, "accepted, over a limit,")
    },
    refused: (server, submission, code) => {
      const { background, matches } = submission
      if (code === "ACCESS_DENIED" && !isAllowed(server, submission)) return
      const isNew = matches === undefined || matches.cancelled || server.mayBeGone(matches)
      if (code === "SHUTTING_DOWN" && draining.has(server.node) && (isNew || background)) return
      if (over(server, submission, isNew)[1] < 0) tell(server, submission, "refused, under every limit,")
    }
  }
}
