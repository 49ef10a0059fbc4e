/**
 * A server does not deny the worker that holds a job that there is such a job, nor one that
 * ends it by WORK_EXCEPTION and WORK_FAIL, as Perl's do, and would die of it: property 16.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"
import { isWorkError, type ModelConnection } from "./ServerModel.ts"

/**
 * Counts, for each connection, what it says of jobs that may not be its own, and how often
 * it is told so.
 *
 * @since 0.1.0
 * @category properties
 */
export const refusals = (): Property => {
  const refusable = new Map<string, number>()
  const keyOf = (node: string, connection: number) => `${node} ${connection}`
  const add = (key: string, count: number) => refusable.set(key, (refusable.get(key) ?? 0) + count)
  const judged: Array<string> = []
  /** What ended by WORK_EXCEPTION: one WORK_FAIL may follow. */
  const excepted = new Set<string>()
  return {
    name: "refusals",
    worked: (server, connection: ModelConnection, job, { fields, name }) => {
      const mine = `${keyOf(server.node, connection.id)} ${fields[0]}`
      if (name === "WORK_FAIL" && excepted.delete(mine)) return
      if (name === "WORK_EXCEPTION" && job?.owner === connection && !server.mayBeTimedOut(job)) excepted.add(mine)
      if (job?.owner !== connection || server.mayBeTimedOut(job) || server.mayBeGone(job))
        add(keyOf(server.node, connection.id), 1)
    },
    observe: ({ event }) => {
      if (event._tag !== "Packet" || event.got || !isWorkError(event)) return
      const key = keyOf(event.node, event.connection)
      add(key, -1)
      judged.push(key)
    },
    afterStep: () => {
      if (judged.length === 0) return
      for (const key of judged.splice(0)) {
        if (refusable.get(key)! >= 0) continue
        throw new Violation(16, `${key.replace(" ", " told connection ")} that a job is not its own, which it is`)
      }
    }
  }
}
