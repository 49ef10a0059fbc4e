/**
 * What machines are doing, in words: for whoever wants to know why something never happens.
 *
 * @since 0.1.0
 */
import type { Endpoint } from "../network/Endpoint.ts"
import type { ServerModel } from "../properties/ServerModel.ts"
import type { World } from "../World.ts"
import type { Scenario } from "./Scenario.ts"

/**
 * What else has to be known of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface View {
  readonly world: World
  readonly scenario: Scenario
  /** What servers must be thinking. */
  readonly servers: ReadonlyMap<string, ServerModel>
  /** How many handlers a worker runs. */
  readonly runs: (node: string) => number
  /** How many callers of a client wait. */
  readonly waits: (node: string) => number
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`

const stateOf = ({ broken, incoming, outgoing }: Endpoint): string => {
  if (broken !== undefined) return `broken by ${broken.code}`
  if (incoming.ended) return "ended by its peer"
  return outgoing.waiting > 0 ? `with ${outgoing.waiting} bytes unsent` : "open"
}

/** The connections that a machine has dialled. */
const dialled = (view: View, name: string): ReadonlyArray<Endpoint> =>
  view.world.network.host(name).endpoints.filter((endpoint) => endpoint.dialled && endpoint.isOpen)

const connectionsOf = (view: View, name: string): string => {
  const list = dialled(view, name).map((one) => `#${one.connection} to ${one.peer.host} ${stateOf(one)}`)
  return list.length === 0 ? "no connection" : list.join(", ")
}

const ofServer = (view: View, name: string): string => {
  const model = view.servers.get(name)
  if (model === undefined) return ""
  const jobs = [...model.unfinished]
  const open = [...model.connections.values()].filter((connection) => connection.open)
  const workers = open.filter(({ abilities }) => abilities.size > 0)
  const asleep = workers.filter((connection) => connection.asleep)
  const woken = asleep.filter((connection) => connection.woken)
  const queued = jobs.filter(({ state }) => state === "queued").length
  const running = jobs.filter(({ state }) => state === "running").length
  return `: ${count(queued, "job", "jobs")} queued, ${running} running, ${count(open.length, "connection", "connections")}, ${count(workers.length, "worker", "workers")}, ${asleep.length} asleep, ${woken.length} of them woken`
}

const ofWorker = (view: View, name: string): string => {
  const plan = view.scenario.workers[Number(name.slice("worker".length)) - 1]
  const asleepAt = dialled(view, name).flatMap(({ connection, peer }) =>
    view.servers.get(peer.host)?.connections.get(connection)?.asleep === true ? [peer.host] : []
  )
  const sleep = asleepAt.length === 0 ? "" : `, asleep at ${asleepAt.join(" and ")}`
  return `: ${view.runs(name)} of ${count(plan?.slots ?? 0, "slot", "slots")} busy${sleep}, ${connectionsOf(view, name)}`
}

const ofClient = (view: View, name: string): string =>
  `: ${count(view.waits(name), "caller waits", "callers wait")}, ${connectionsOf(view, name)}`

/**
 * One machine, what it is doing, and for whom.
 *
 * @since 0.1.0
 * @category conversions
 */
export const stateOfMachine = (view: View, name: string): string => {
  const { incarnation, isUp, state } = view.world.node(name)
  if (!isUp) return `${name} ${state}`
  if (incarnation.paused) return `${name} paused`
  const detail = name.startsWith("server")
    ? ofServer(view, name)
    : name.startsWith("worker")
      ? ofWorker(view, name)
      : name.startsWith("client")
        ? ofClient(view, name)
        : ""
  return `${name} ${state}${detail}`
}

/**
 * Jobs that a machine holds which does not answer and is not gone: their callers wait as
 * long as it stands still, and no protocol can tell it from one that is busy.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isHeldByPaused = (view: View, server: ServerModel, connection: number): boolean => {
  const endpoint = view.world.network.host(server.node).endpoints.find((one) => one.connection === connection)
  return endpoint !== undefined && view.world.node(endpoint.peer.host).incarnation.paused
}
