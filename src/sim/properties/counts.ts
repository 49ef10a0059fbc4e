/**
 * How many jobs and workers a server must be thinking that it has. What it knows can be told
 * from its packets but for a moment here and there: so each number lies between the jobs that
 * are so for sure, and those that may be.
 *
 * @since 0.1.0
 */
import type { ModelJob, ServerModel } from "./ServerModel.ts"

/**
 * How many there are for sure, and how many there may be.
 *
 * @since 0.1.0
 * @category models
 */
export type Range = readonly [least: number, most: number]

type Sight = "no" | "maybe" | "yes"
type See = (server: ServerModel, job: ModelJob) => Sight

/**
 * It is on the server.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isThere: See = (server, job) => (server.mayBeGone(job) ? "maybe" : "yes")

/**
 * A worker has it.
 *
 * @since 0.1.0
 * @category predicates
 */
export const runs: See = (server, job) => {
  if (job.doubtful) return "maybe"
  if (job.state !== "running") return "no"
  return job.owner?.open === true && !server.mayBeTimedOut(job) ? "yes" : "maybe"
}

/**
 * It waits for a worker, with that priority.
 *
 * @since 0.1.0
 * @category predicates
 */
export const waits =
  (priority: number): See =>
  (server, job) => {
    const running = runs(server, job)
    if (running === "yes") return "no"
    if (running === "maybe" || job.raisedWhileRunning) return "maybe"
    return job.priority === priority ? isThere(server, job) : "no"
  }

/**
 * Jobs, or those of one function.
 *
 * @since 0.1.0
 * @category getters
 */
export const count = (server: ServerModel, see: See, fn?: string): Range => {
  let least = 0
  let most = 0
  for (const job of server.unfinished) {
    if (fn !== undefined && job.function !== fn) continue
    const seen = see(server, job)
    if (seen === "yes") least++
    if (seen !== "no") most++
  }
  return [least, most]
}

/**
 * Connections that can do a function.
 *
 * @since 0.1.0
 * @category getters
 */
export const workers = (server: ServerModel, fn: string): Range => {
  const able = [...server.connections.values()].filter(({ abilities }) => abilities.has(fn))
  return [able.filter(({ open }) => open).length, able.length]
}
