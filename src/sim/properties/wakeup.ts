/**
 * No lost wake-up: properties 23, 25, 26, and 28.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"
import { isFreshlyQueued, type ModelConnection, type ModelJob, type ServerModel } from "./ServerModel.ts"

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

/** What a server did in this step. */
interface Step {
  readonly created: Array<ModelJob>
  /** Of each NOOP, to whom. */
  readonly woken: Array<ModelConnection>
}

/** Each job that came in this step, and is still there, has woken somebody of its own, as long as there were sleepers. */
const judgeEach = (server: ServerModel, { created, woken }: Step): void => {
  for (const fn of new Set(created.map((job) => job.function))) {
    const waiting = created.filter((job) => job.function === fn && isFreshlyQueued(job)).length
    const isAble = ({ abilities }: ModelConnection) => abilities.has(fn)
    if (woken.filter(isAble).length >= waiting) continue
    for (const { abilities, asleep, id, open, woken: isWoken } of server.connections.values()) {
      if (!open || !asleep || isWoken || !abilities.has(fn)) continue
      throw new Violation(23, `${waiting} jobs of ${fn} came to ${server.node}, and connection ${id} sleeps on`)
    }
  }
}

/**
 * @since 0.1.0
 * @category properties
 */
export const wakeup = (): Property => {
  const steps = new Map<ServerModel, Step>()
  const stepOf = (server: ServerModel): Step => {
    const known = steps.get(server) ?? { created: [], woken: [] }
    steps.set(server, known)
    return known
  }
  return {
    name: "wakeup",
    created: (server, _submission, job, isNew) => {
      if (isNew) stepOf(server).created.push(job)
    },
    noop: (server, connection) => {
      if (!connection.asleep)
        throw new Violation(25, `${server.node} sent NOOP to connection ${connection.id}, which does not sleep`)
      if (connection.noops === 0) throw new Violation(25, `${server.node} woke connection ${connection.id} twice`)
      stepOf(server).woken.push(connection)
    },
    afterStep: ({ servers }) => {
      for (const server of servers.values()) judge(server)
      if (steps.size === 0) return
      for (const [server, step] of steps) if (step.created.length > 1) judgeEach(server, step)
      steps.clear()
    }
  }
}
