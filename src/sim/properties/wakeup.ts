/**
 * No lost wake-up: properties 23, 25, 26, and 28.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"
import { isFreshlyQueued, type ModelConnection, type ServerModel } from "./ServerModel.ts"

const judge = (server: ServerModel): void => {
  let waiting: Set<string> | undefined
  for (const job of server.unfinished) if (isFreshlyQueued(job)) (waiting ??= new Set()).add(job.function)
  if (waiting === undefined) return
  for (const fn of waiting) {
    let sleeper: ModelConnection | undefined
    let isCared = false
    for (const connection of server.connections.values()) {
      if (!connection.abilities.has(fn)) continue
      // Whose NOOP finds nobody is not missed before the server has noticed.
      if (connection.woken) isCared = true
      else if (!connection.open || !connection.asleep) continue
      else sleeper = connection
    }
    if (sleeper === undefined || isCared) continue
    throw new Violation(
      23,
      `a job of ${fn} waits at ${server.node} and connection ${sleeper.id} sleeps, but nobody was woken`
    )
  }
}

/**
 * @since 0.1.0
 * @category properties
 */
export const wakeup = (): Property => ({
  name: "wakeup",
  noop: (server, connection) => {
    if (!connection.asleep)
      throw new Violation(25, `${server.node} sent NOOP to connection ${connection.id}, which does not sleep`)
    if (connection.noops === 0) throw new Violation(25, `${server.node} woke connection ${connection.id} twice`)
  },
  afterStep: ({ servers }) => {
    for (const server of servers.values()) judge(server)
  }
})
