/**
 * How a scenario gets smaller: its parts, and the scenario without some of them.
 *
 * @since 0.1.0
 */
import { largeNumbers, oddities, withValue } from "../scenario/plain.ts"
import type { Call, Scenario } from "../scenario/Scenario.ts"

/**
 * Something that a scenario could do without.
 *
 * @since 0.1.0
 * @category models
 */
export type Cut = (scenario: Scenario) => Scenario

/**
 * A kind of parts: all that a scenario has of them, and it without some, by their places.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parts {
  readonly count: (scenario: Scenario) => number
  readonly without: (scenario: Scenario, isLeftOut: (index: number) => boolean) => Scenario
}

const keep = <A>(list: ReadonlyArray<A>, isLeftOut: (index: number) => boolean): ReadonlyArray<A> =>
  list.filter((_, index) => !isLeftOut(index))

const faults: Parts = {
  count: (scenario) => scenario.faults.length,
  without: (scenario, isLeftOut) => ({ ...scenario, faults: keep(scenario.faults, isLeftOut) })
}

const peers: Parts = {
  count: (scenario) => scenario.peers.length,
  without: (scenario, isLeftOut) => ({ ...scenario, peers: keep(scenario.peers, isLeftOut) })
}

const operators: Parts = {
  count: (scenario) => scenario.operators.length,
  without: (scenario, isLeftOut) => ({ ...scenario, operators: keep(scenario.operators, isLeftOut) })
}

const lines: Parts = {
  count: (scenario) => scenario.operators.reduce((sum, operator) => sum + operator.lines.length, 0),
  without: (scenario, isLeftOut) => {
    let index = 0
    return {
      ...scenario,
      operators: scenario.operators.map((operator) => ({
        ...operator,
        lines: operator.lines.filter(() => !isLeftOut(index++))
      }))
    }
  }
}

const sayings: Parts = {
  count: (scenario) => scenario.peers.reduce((sum, peer) => sum + peer.sayings.length, 0),
  without: (scenario, isLeftOut) => {
    let index = 0
    return {
      ...scenario,
      peers: scenario.peers.map((peer) => ({ ...peer, sayings: peer.sayings.filter(() => !isLeftOut(index++)) }))
    }
  }
}

const calls: Parts = {
  count: (scenario) => scenario.clients.reduce((sum, client) => sum + client.calls.length, 0),
  without: (scenario, isLeftOut) => {
    let index = 0
    return {
      ...scenario,
      clients: scenario.clients.map((client) => ({ ...client, calls: client.calls.filter(() => !isLeftOut(index++)) }))
    }
  }
}

/** Items of maps that say which they have. */
const items: Parts = {
  count: (scenario) =>
    scenario.clients.flatMap((client) => client.calls).reduce((sum, call) => sum + (call.items?.length ?? 0), 0),
  without: (scenario, isLeftOut) => {
    let index = 0
    const fewer = (call: Call): Call =>
      call.items === undefined ? call : { ...call, items: call.items.filter(() => !isLeftOut(index++)) }
    return { ...scenario, clients: scenario.clients.map((client) => ({ ...client, calls: client.calls.map(fewer) })) }
  }
}

const functions: Parts = {
  count: (scenario) => scenario.workers.reduce((sum, worker) => sum + worker.functions.length, 0),
  without: (scenario, isLeftOut) => {
    let index = 0
    return {
      ...scenario,
      workers: scenario.workers.map((worker) => ({
        ...worker,
        functions: worker.functions.filter(() => !isLeftOut(index++))
      }))
    }
  }
}

/** What is odd becomes dull. */
const odd: Parts = {
  count: (scenario) => oddities(scenario).length,
  without: (scenario, isLeftOut) =>
    oddities(scenario).reduce(
      (one, { path, plain }, index) => (isLeftOut(index) ? withValue(one, path, () => plain) : one),
      scenario
    )
}

/**
 * In the order in which to try them: what makes a run short comes first.
 *
 * @since 0.1.0
 * @category constants
 */
export const kindsOfParts: ReadonlyArray<Parts> = [
  peers,
  operators,
  calls,
  items,
  faults,
  functions,
  sayings,
  lines,
  odd
]

type Role = "server" | "worker" | "client"

/** The name a machine has when another of its kind is gone; undefined when it is the one. */
const renamed = (role: Role, gone: number, name: string): string | undefined => {
  if (!name.startsWith(role)) return name
  const number = Number(name.slice(role.length))
  return number === gone ? undefined : number > gone ? `${role}${number - 1}` : name
}

const moved =
  (gone: number) =>
  <A extends { readonly server: number }>(plan: A): A => ({
    ...plan,
    server: plan.server > gone ? plan.server - 1 : plan.server
  })

const withoutMachine =
  (role: Role, gone: number): Cut =>
  (scenario) => {
    const others = <A>(list: ReadonlyArray<A>) => list.filter((_, index) => index !== gone - 1)
    return {
      ...scenario,
      servers: role === "server" ? others(scenario.servers) : scenario.servers,
      workers: role === "worker" ? others(scenario.workers) : scenario.workers,
      clients: role === "client" ? others(scenario.clients) : scenario.clients,
      peers: role === "server" ? scenario.peers.map(moved(gone)) : scenario.peers,
      operators: role === "server" ? scenario.operators.map(moved(gone)) : scenario.operators,
      faults: scenario.faults.flatMap((fault) => {
        const node = renamed(role, gone, fault.node)
        const peer = renamed(role, gone, fault.peer)
        return node === undefined || peer === undefined ? [] : [{ ...fault, node, peer }]
      })
    }
  }

/** A client's calls are made by another, and it is gone. */
const joined =
  (gone: number, to: number): Cut =>
  (scenario) => {
    const calls = [...scenario.clients[to - 1]!.calls, ...scenario.clients[gone - 1]!.calls]
    const inOrder: ReadonlyArray<Call> = calls.sort((one, other) => one.at - other.at)
    const clients = scenario.clients.with(to - 1, { ...scenario.clients[to - 1]!, calls: inOrder })
    return withoutMachine("client", gone)({ ...scenario, clients })
  }

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

/**
 * Ways to do with a machine less.
 *
 * @since 0.1.0
 * @category getters
 */
export const fewerMachines = (scenario: Scenario): ReadonlyArray<Cut> => [
  ...numbers(scenario.servers.length).map((gone) => withoutMachine("server", gone)),
  ...numbers(scenario.clients.length).map((gone) => withoutMachine("client", gone)),
  ...numbers(scenario.workers.length).map((gone) => withoutMachine("worker", gone)),
  ...numbers(scenario.clients.length).flatMap((gone) =>
    numbers(scenario.clients.length)
      .filter((to) => to !== gone)
      .map((to) => joined(gone, to))
  )
]

/** A number that is half as large, and as round as can be. */
const half = (number: number): number => {
  const exact = Math.trunc(number / 2)
  const unit = 10 ** Math.max(0, String(Math.abs(exact)).length - 1)
  return Math.trunc(exact / unit) * unit
}

/**
 * Ways to make a number smaller.
 *
 * @since 0.1.0
 * @category getters
 */
export const smallerNumbers = (scenario: Scenario): ReadonlyArray<Cut> =>
  largeNumbers(scenario).map((path) => (one) => withValue(one, path, (number) => half(Number(number))))

/**
 * Whether everybody could be served in the end: then a run that does not end is a failure,
 * and not what was left out.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isFair = (scenario: Scenario): boolean => {
  const { clients, faults, operators, peers, servers, workers } = scenario
  const lost = new Set(faults.filter(({ lastsMillis }) => lastsMillis === 0).map(({ node }) => node))
  if (servers.every((_, index) => lost.has(`server${index + 1}`))) return false
  if ([...peers, ...operators].some(({ server }) => server > servers.length)) return false
  const steady = new Set(
    workers.flatMap(({ changesAt, functions: names }, index) =>
      changesAt === 0 && !lost.has(`worker${index + 1}`) ? names : []
    )
  )
  const called = clients.flatMap((client) => client.calls.filter((call) => call.kind !== "echo"))
  const submitted = peers.flatMap((peer) =>
    peer.sayings.filter((saying) => saying.packet.startsWith("SUBMIT_JOB")).map((saying) => saying.fields[0])
  )
  return (
    workers.every((worker) => worker.slots > 0) &&
    called.every((call) => steady.has(call.function)) &&
    submitted.every((name) => steady.has(name as Call["function"]))
  )
}

/**
 * The earliest that all faults can be over and all programs have said what they were to say,
 * by clocks that may run a tenth slower.
 *
 * @since 0.1.0
 * @category combinators
 */
export const healedEarly: Cut = (scenario) => {
  const { clients, faults, healsAt, operators, peers } = scenario
  const said = [
    ...clients.flatMap((client) => client.calls),
    ...peers.flatMap((peer) => peer.sayings),
    ...operators.flatMap((operator) => operator.lines)
  ]
  const last = Math.max(0, ...said.map((one) => one.at))
  const needed = Math.ceil(last * 1.2) + Math.max(0, ...faults.map((fault) => fault.at + fault.lastsMillis))
  return needed < healsAt ? { ...scenario, healsAt: needed } : scenario
}
