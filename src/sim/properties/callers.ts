/**
 * What callers get: properties 8, 36 to 38, 45, 48, 49, and that every end is the right one.
 *
 * @since 0.1.0
 */
import { failureOf, isRoomy, payloadsIn, resultBegins, resultOf } from "../scenario/functions.ts"
import { says } from "../scenario/operators.ts"
import { foreignResult } from "../scenario/peers.ts"
import type { Scenario, ServerPlan } from "../scenario/Scenario.ts"
import type { Asked } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Scene } from "./Scene.ts"

/** Failures that a worker's own words explain. */
const told = new Set(["JobFailed", "Described"])

/** Which item of a map has failed, and why. */
const itemFailed = (text: string): { readonly index: number; readonly reason: string } | undefined => {
  const [word, index, reason = ""] = text.split(" ")
  return word === "ItemFailed" ? { index: Number(index), reason } : undefined
}

/** A client has found out about a dead connection, and waited for another, within this time. */
const recoveryMillis = 20_000

const isLimited = ({ maxJobs = 0, maxJobsPerFunction = 0, submits }: ServerPlan): boolean =>
  maxJobs + maxJobsPerFunction > 0 || submits !== undefined

/**
 * Of the scenario it matters whether anything goes wrong, so that something may fail, and
 * whether attempts may be spent.
 *
 * @since 0.1.0
 * @category properties
 */
export const callers = (scenario: Pick<Scenario, "faults" | "operators" | "peers" | "servers" | "world">): Property => {
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
  /** Faults that are on now, and when that changed last. */
  let troubles = 0
  let calmSince = 0
  const sent = new Map<string, number>()
  const askedOnce = new Map<string, number>()
  let moved = 0

  const judgeResult = ({ executions }: Scene, asked: Asked, workload: string, text: string) => {
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
  const judgePlace = (scene: Scene, asked: Asked, place: string, index: number, now: number) => {
    const payload = payloadsIn(asked)[index]!
    const failed = itemFailed(place)
    if (failed === undefined) return judgeResult(scene, asked, payload, place)
    judgeFailure(scene, { ...asked, kind: "run", workload: payload }, failed.reason, now)
  }

  const judgeMap = (scene: Scene, asked: Asked, text: string) => {
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
      judgePlace(scene, asked, place, index, -Infinity)
    }
  }

  /** Something that is nobody's fault may end a call like this. */
  const isExplained = ({ stopping }: Scene, { function: fn, limitMillis, node }: Asked, text: string): boolean => {
    // Where time hurries on, a connection may be given up between two steps of a server, with what was sent
    // over it, or before it is dialled.
    if (text === "NoServer" || text === "Ambiguous") return mayBeLate
    if (text === "Timeout") return mayBeLate || limitMillis !== undefined
    if (text === "ClientClosed") return stopping.has(node)
    if (text === "Refused") return mayBeRefused
    if (text === "JobException") return hasForeigners
    if (text !== "JobFailed") return false
    const hasTimeLimit = fn === "limited"
    const isSpent = mayBeSpent && (mayBeLost || !isFaultless || hasTimeLimit)
    // What a worker says of an overdue attempt may cross the same job on its way to it again;
    // 19 judges that it does not say so later.
    return hasForeigners || mayBeCancelled || isSpent || (mayCross && hasTimeLimit)
  }

  const judgeFailure = (scene: Scene, asked: Asked, text: string, now: number): void => {
    const failed = itemFailed(text)
    if (failed !== undefined) {
      if (asked.map?.collects === true || payloadsIn(asked)[failed.index] === undefined)
        throw new Violation(49, `caller ${asked.caller} of a map was told ${text}`)
      return judgePlace(scene, asked, text, failed.index, now)
    }
    if (text.startsWith("died")) throw new Violation(36, `caller ${asked.caller} ${text}`)
    if (asked.kind === "run" && asked.function === "failing" && told.has(text)) {
      const promised = failureOf(asked.workload)
      if (text === promised || (text === "JobFailed" && (mayBeSpent || mayBeCancelled))) return
      const caller = `caller ${asked.caller} of failing ${asked.workload}`
      throw new Violation(8, `${caller} was told ${text}, not ${promised ?? "a result"}`)
    }
    if (isExplained(scene, asked, text)) return
    const fails = `caller ${asked.caller} of ${asked.function} failed with ${text}`
    if (text === "Refused") throw new Violation(37, `${fails}, and there is no limit`)
    if (isFaultless) throw new Violation(37, `${fails} although nothing went wrong`)
    // With a server at hand, a loss is either hidden, or it is an ambiguous one of a job that must not run twice.
    const isHonest = text === "Ambiguous" && !(asked.idempotent && asked.kind === "run")
    const isCalm = troubles === 0 && now - calmSince > recoveryMillis && scene.connectionsOf(asked.node).length > 0
    if (!isHonest && (text === "Ambiguous" || text === "NoServer") && isCalm)
      throw new Violation(37, `${fails} while ${asked.node} had a server`)
  }

  return {
    name: "callers",
    of: "clients",
    observe: ({ at, event }) => {
      if (event._tag !== "Fault") return
      troubles += event.begins ? 1 : -1
      calmSince = at
    },
    asked: (_, call) => {
      if (call.idempotent) return
      for (const payload of payloadsIn(call)) askedOnce.set(payload, (askedOnce.get(payload) ?? 0) + 1)
    },
    strayed: (_, { _tag, caller }) => {
      if (_tag === "Answered") throw new Violation(36, `caller ${caller} ended twice`)
    },
    answered: (scene, call, { how, text }) => {
      if (how === "interrupted" && !call.interrupts && !scene.stopping.has(call.node))
        throw new Violation(40, `caller ${call.caller} was interrupted, but nobody interrupted it`)
      if (how !== "success") return
      if (call.kind === "run") judgeResult(scene, call, call.workload, text)
      if (call.kind === "map") judgeMap(scene, call, text)
    },
    failed: (scene, call, reason) => judgeFailure(scene, call, reason, scene.now),
    heard: (_, __, { fields: [code], name }) => {
      // What a server that drains has not taken goes to another one.
      if (name === "ERROR" && code === "SHUTTING_DOWN") moved++
    },
    submitted: (_, { function: fn, node, workload }) => {
      if (fn !== "once") return
      const count = (sent.get(workload) ?? 0) + 1
      sent.set(workload, count)
      if (count > (askedOnce.get(workload) ?? 0) + moved)
        throw new Violation(38, `${node} submitted once ${workload} again, though it is not idempotent`)
    },
    atEnd: ({ calls }) => {
      for (const { caller } of calls.values()) throw new Violation(36, `caller ${caller} never ended`)
    }
  }
}
