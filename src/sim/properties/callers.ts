/**
 * What callers get: properties 8, 36 to 38, 45, 48, 49, and that every end is the right one.
 *
 * @since 0.1.0
 */
import { failureOf, isRoomy, payloadsIn, resultBegins, resultOf } from "../scenario/functions.ts"
import { says } from "../scenario/operators.ts"
import { foreignResult } from "../scenario/peers.ts"
import type { Scenario, ServerPlan } from "../scenario/Scenario.ts"
import { type Asked, type Event } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

type Answered = Extract<Event, { readonly _tag: "Answered" }>

/** Failures that a worker's own words explain. */
const told = new Set(["JobFailed", "Described"])

/** Which item of a map has failed, and why. */
const itemFailed = (text: string): { readonly index: number; readonly reason: string } | undefined => {
  const [word, index, reason = ""] = text.split(" ")
  return word === "ItemFailed" ? { index: Number(index), reason } : undefined
}

/** A client has found out about a dead connection, and waited for another, within this time. */
const recoveryMillis = 20_000

/**
 * Watches callers, and says which of them has waited longest.
 *
 * @since 0.1.0
 * @category models
 */
export interface Callers extends Property {
  /** Those who wait now, the first one first. */
  readonly waiting: () => Iterable<Asked>
  readonly answered: () => number
  readonly succeeded: () => number
}

const isLimited = ({ maxJobs = 0, maxJobsPerFunction = 0 }: ServerPlan): boolean => maxJobs + maxJobsPerFunction > 0

/**
 * Of the scenario it matters whether anything goes wrong, so that something may fail, and
 * whether attempts may be spent.
 *
 * @since 0.1.0
 * @category properties
 */
export const callers = (scenario: Pick<Scenario, "faults" | "operators" | "peers" | "servers" | "world">): Callers => {
  const hasForeigners = scenario.peers.length > 0
  const isFaultless = scenario.faults.length === 0 && !hasForeigners
  const mayBeCancelled = says(scenario, "cancel job $")
  const mayBeRefused = says(scenario, "maxqueue") || scenario.servers.some(isLimited)
  const mayBeSpent = scenario.servers.some((server) => server.jobRetries >= 0)
  // Where time hurries on, a server may be so late with a time limit that the worker speaks first.
  const mayBeLate = scenario.world.kernel.hurryOneIn > 0
  // And a worker so late with its answers that it is given up, as it may where a packet takes many round trips.
  const { delayBelowMillis, windowBytes } = scenario.world.network
  const mayBeLost = mayBeLate || (windowBytes < 1024 && delayBelowMillis > 10)
  const mayCross = mayBeLate || delayBelowMillis > 0
  const roomy = isRoomy(scenario.world.network)
  const open = new Map<number, Asked>()
  const executions = new Map<
    number,
    { readonly workload: string; readonly function: string; node: string; how: string }
  >()
  /** Connections that each node has. */
  const connected = new Map<string, number>()
  /** Faults that are on now, and when that changed last. */
  let troubles = 0
  let calmSince = 0
  const stopping = new Set<string>()
  const sent = new Map<string, number>()
  const askedOnce = new Map<string, number>()
  let answered = 0
  let successes = 0
  let moved = 0

  const judgeResult = (asked: Asked, workload: string, text: string) => {
    const begins = `${resultBegins(asked.function, workload)} by `
    if (hasForeigners && text === foreignResult) return
    if (!text.startsWith(begins)) {
      throw new Violation(8, `caller ${asked.caller} asked ${asked.function} of ${workload} and got "${text}"`)
    }
    const execution = Number.parseInt(text.slice(begins.length))
    if (executions.get(execution)?.how !== "success" || text !== resultOf(asked.function, workload, execution, roomy)) {
      throw new Violation(8, `caller ${asked.caller} got "${text}", which no execution has made`)
    }
  }

  /** What stands in an item's place, and may be why it failed. */
  const judgePlace = (asked: Asked, place: string, index: number, now: number) => {
    const payload = payloadsIn(asked)[index]!
    const failed = itemFailed(place)
    if (failed === undefined) return judgeResult(asked, payload, place)
    judgeFailure({ ...asked, kind: "run", workload: payload }, failed.reason, now)
  }

  const judgeMap = (asked: Asked, text: string) => {
    const payloads = payloadsIn(asked)
    const places = text === "" ? [] : text.split(",")
    if (places.length !== payloads.length)
      throw new Violation(49, `caller ${asked.caller} mapped ${payloads.length} items and got ${places.length} results`)
    const left = new Set(payloads.keys())
    // A failure names its place; a result of an equal item may not take it.
    const failing = new Set(places.map((place) => itemFailed(place)?.index))
    // What a stranger made may be of any item, and takes what the others leave.
    const isForeign = (place: string) => hasForeigners && place === foreignResult
    const inTurn = [...places.entries()].sort(([, one], [, other]) => Number(isForeign(one)) - Number(isForeign(other)))
    for (const [position, place] of inTurn) {
      const failed = itemFailed(place)
      const isOf = (index: number) =>
        failed === undefined
          ? !failing.has(index) &&
            (place.startsWith(`${resultBegins(asked.function, payloads[index]!)} by `) || isForeign(place))
          : index === failed.index
      // As they come, results may be of any item; else each has its own place.
      const index = asked.map?.order === "completion" ? [...left].find(isOf) : position
      if (index === undefined || !left.delete(index) || !isOf(index))
        throw new Violation(48, `caller ${asked.caller} got "${place}" as result ${position} of its map`)
      // A failure may be told long after it has happened.
      judgePlace(asked, place, index, -Infinity)
    }
  }

  const judgeFailure = (asked: Asked, text: string, now: number): void => {
    const failed = itemFailed(text)
    if (failed !== undefined) {
      if (asked.map?.collects === true || payloadsIn(asked)[failed.index] === undefined)
        throw new Violation(49, `caller ${asked.caller} of a map was told ${text}`)
      return judgePlace(asked, text, failed.index, now)
    }
    if (text === "ClientClosed" && stopping.has(asked.node)) return
    if (text === "Timeout" && asked.limitMillis !== undefined) return
    if (text.startsWith("died")) throw new Violation(36, `caller ${asked.caller} ${text}`)
    if (asked.kind === "run" && asked.function === "failing" && told.has(text)) {
      const promised = failureOf(asked.workload)
      if (text === promised || (text === "JobFailed" && (mayBeSpent || mayBeCancelled))) return
      throw new Violation(
        8,
        `caller ${asked.caller} of failing ${asked.workload} was told ${text}, not ${promised ?? "a result"}`
      )
    }
    if (hasForeigners && (text === "JobFailed" || text === "JobException")) return
    if (mayBeCancelled && text === "JobFailed") return
    if (mayBeRefused && text === "Refused") return
    if (text === "Refused")
      throw new Violation(37, `caller ${asked.caller} of ${asked.function} was refused, and there is no limit`)
    if (mayBeSpent && text === "JobFailed" && (!isFaultless || asked.function === "limited")) return
    if (mayBeSpent && mayBeLost && text === "JobFailed") return
    // What a worker says of an overdue attempt may cross the same job on its way to it again;
    // 19 judges that it does not say so later.
    if (mayCross && text === "JobFailed" && asked.function === "limited") return
    // And a connection be given up between two steps of a server, with what was sent over it, or before it is dialled.
    if (mayBeLate && (text === "NoServer" || text === "Ambiguous" || text === "Timeout")) return
    if (isFaultless)
      throw new Violation(
        37,
        `caller ${asked.caller} of ${asked.function} failed with ${text} although nothing went wrong`
      )
    // With a server at hand, a loss is either hidden, or it is an ambiguous one of a job that must not run twice.
    const isHonest = text === "Ambiguous" && !(asked.idempotent && asked.kind === "run")
    const isCalm = troubles === 0 && now - calmSince > recoveryMillis && (connected.get(asked.node) ?? 0) > 0
    if (!isHonest && (text === "Ambiguous" || text === "NoServer") && isCalm) {
      throw new Violation(
        37,
        `caller ${asked.caller} of ${asked.function} failed with ${text} while ${asked.node} had a server`
      )
    }
  }

  const judge = (asked: Asked, { how, text }: Answered, now: number) => {
    if (how === "interrupted") {
      if (!asked.interrupts && !stopping.has(asked.node))
        throw new Violation(40, `caller ${asked.caller} was interrupted, but nobody interrupted it`)
      return
    }
    if (how === "failure") return judgeFailure(asked, text, now)
    successes++
    if (asked.kind === "run") judgeResult(asked, asked.workload, text)
    if (asked.kind === "map") judgeMap(asked, text)
  }

  return {
    name: "callers",
    packets: "clients",
    waiting: () => open.values(),
    answered: () => answered,
    succeeded: () => successes,
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Asked":
          open.set(event.caller, event)
          if (!event.idempotent)
            for (const payload of payloadsIn(event)) askedOnce.set(payload, (askedOnce.get(payload) ?? 0) + 1)
          return
        case "Answered": {
          const asked = open.get(event.caller)
          if (asked === undefined) throw new Violation(36, `caller ${event.caller} ended twice`)
          open.delete(event.caller)
          answered++
          return judge(asked, event, at)
        }
        case "Began":
          executions.set(event.execution, {
            workload: event.workload,
            function: event.function,
            node: event.node,
            how: ""
          })
          return
        case "Finished": {
          const execution = executions.get(event.execution)
          if (execution !== undefined) execution.how = event.how
          return
        }
        case "Fault":
          troubles += event.begins ? 1 : -1
          calmSince = at
          return
        case "Opened":
        case "Closed":
          if (!event.atServer) {
            connected.set(event.node, (connected.get(event.node) ?? 0) + (event._tag === "Opened" ? 1 : -1))
          }
          return
        case "Started":
          connected.delete(event.node)
          stopping.delete(event.node)
          return
        case "Stopping":
          stopping.add(event.node)
          return
        case "Ended":
          // Callers of a program that is no more wait for nothing.
          for (const asked of open.values()) if (asked.node === event.node) open.delete(asked.caller)
          return
        case "Packet": {
          // What a server that drains has not taken goes to another one.
          if (event.got && event.name === "ERROR" && event.fields[0] === "SHUTTING_DOWN") moved++
          if (event.got || event.fields[0] !== "once" || !event.name.startsWith("SUBMIT_")) return
          const workload = event.fields.at(-1)!
          const count = (sent.get(workload) ?? 0) + 1
          sent.set(workload, count)
          if (count > (askedOnce.get(workload) ?? 0) + moved) {
            throw new Violation(38, `${event.node} submitted once ${workload} again, though it is not idempotent`)
          }
        }
      }
    },
    atEnd: () => {
      for (const asked of open.values()) throw new Violation(36, `caller ${asked.caller} never ended`)
    }
  }
}
