/**
 * What must be so when nobody has anything to do: all that a server owes has been said, and
 * nothing will happen until the next timer. Properties 19, 24 and 27, and that nothing runs
 * for nobody (38).
 *
 * @since 0.1.0
 */
import { defaults } from "../../protocol/server/Options.ts"
import { type Property, Violation } from "./Property.ts"
import { isLive, type ModelConnection, type ModelJob, type ServerModel } from "./ServerModel.ts"

// The servers' own limit for an answer to NOOP.
const wakeupMillis = defaults.wakeupTimeoutMillis

/**
 * What else has to be known of a server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerClock {
  /** Its program runs and is not paused. */
  readonly isAwake: (node: string) => boolean
  /** What it thinks the time is, when the world has counted so many milliseconds. */
  readonly wallMillis: (node: string, at: number) => number
  /** How late it may notice that a time has come, in milliseconds. */
  readonly timerSlackMillis: number
  /** How much later it may notice that a wall time has come. */
  readonly wallSlackMillis: (node: string) => number
}

/**
 * An able connection sleeps at that time, and none is under way to take a job of the function:
 * whoever was woken before `wokenSince` and has not come does not count.
 */
const strandedSleeper = (server: ServerModel, fn: string, wokenSince: number): ModelConnection | undefined => {
  let sleeper: ModelConnection | undefined
  for (const connection of server.connections.values()) {
    if (!connection.open || !connection.asleep || !connection.abilities.has(fn)) continue
    if (!connection.woken) sleeper = connection
    else if (connection.wokenAt >= wokenSince) return undefined
  }
  return sleeper
}

/**
 * @since 0.1.0
 * @category properties
 */
export const rest = (clock: ServerClock): Property => {
  const abandoned = new WeakSet<ModelJob>()

  /** The property by which the job must be on offer before `until`, or 0. */
  const isOffered = (server: ServerModel, job: ModelJob, until: number): number => {
    if (job.state === "queued") {
      if (job.epoch === 0) return 24
      return lateMillis(server, job, until) > clock.wallSlackMillis(server.node) + clock.timerSlackMillis ? 27 : 0
    }
    if (job.owner === undefined || !job.owner.open) return 24
    const overMillis = until - job.assignedAt - job.timeLimit * 1.25
    return job.timeLimit > 0 && overMillis > clock.timerSlackMillis ? 19 : 0
  }

  const dueSince = new WeakMap<ModelJob, number>()

  /** Milliseconds of the world since the job's time has come, also by a clock that was set. */
  const lateMillis = (server: ServerModel, job: ModelJob, until: number): number => {
    const lateByClock = clock.wallMillis(server.node, until) - job.epoch * 1000
    if (lateByClock < 0) return 0
    if (clock.wallSlackMillis(server.node) === 0) return lateByClock
    // It was not late before the clock was set, which may be just now.
    const since = dueSince.get(job) ?? Math.max(server.now(), until - lateByClock)
    dueSince.set(job, since)
    return until - since
  }

  const judge = (server: ServerModel, until: number): void => {
    for (const job of server.unfinished) {
      const waitsForNobody = !job.background && job.listeners.length === 0 && job.state === "queued"
      if (waitsForNobody && !job.doubtful) abandoned.add(job)
      if (server.mayBeGone(job)) continue
      const property = isOffered(server, job, until)
      if (property === 0) continue
      const sleeper = strandedSleeper(server, job.function, until - wakeupMillis * 1.25 - clock.timerSlackMillis)
      if (sleeper === undefined) continue
      const text = `${job.handle}, a job of ${job.function}, waits at ${server.node}`
      throw new Violation(property, `${text}, and connection ${sleeper.id} sleeps until ${until} at least`)
    }
  }

  return {
    name: "rest",
    atRest: ({ servers }, until) => {
      for (const server of servers.values()) {
        if (!clock.isAwake(server.node)) continue
        server.noticed()
        if (server.unfinished.size > 0) judge(server, until)
      }
    },
    assigned: (server, connection, job) => {
      if (!abandoned.has(job) || job.background || job.listeners.length > 0 || !isLive(job)) return
      const text = `${server.node} assigned ${job.handle} to connection ${connection.id}`
      throw new Violation(38, `${text} long after everybody had left it`)
    }
  }
}
