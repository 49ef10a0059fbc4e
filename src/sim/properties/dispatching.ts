/**
 * What becomes of what callers ask for: it is sent as soon as there is a server to send it
 * to, no more of it at once than may be, and its end is the caller's. Properties 36, 37 and 57.
 *
 * @since 0.1.0
 */
import { noticeMillis } from "./following.ts"
import { type Asked, isAwaited, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import { packetOf } from "./requests.ts"
import type { Call, Scene } from "./Scene.ts"
import type { Submitted } from "./Submissions.ts"

/** What one caller or several equal ones wait for. */
interface Wish {
  readonly node: string
  /** All its callers share one submission. */
  readonly isShared: boolean
  readonly callers: Set<Call>
  /** How many callers there were. */
  total: number
  /** How often it was sent. */
  sends: number
  /** Since when it waits to be sent; undefined once it is. */
  since: number | undefined
}

const troubles = new Set(["Refused", "NoServer", "Ambiguous"])

const keyOf = (node: string, packet: string, fn: string, unique: string, workload: string): string => {
  const isShared = unique !== "" && unique !== "-" && isAwaited(packet)
  return `${node} ${packet} ${fn} ${unique} ${isShared ? "" : workload}`
}

const isUnderWay = ({ connections }: Scene, is: (job: Submitted) => boolean): boolean =>
  [...connections.values()].some(({ jobs }) => jobs.all().some(is))

/**
 * `mostOf` gives how many submissions a client may have under way, undefined for a client
 * that something may hold up; `isBlocked` tells that something of a client waits to be sent
 * over a connection.
 *
 * @since 0.1.0
 * @category properties
 */
export const dispatching = (
  wireWorkloadOf: (asked: Asked) => string,
  mostOf: (client: string) => number | undefined,
  isBlocked: (client: string, connection: number) => boolean
): Property => {
  const wishes = new Map<string, Wish>()
  const wishOf = new WeakMap<Call | Submitted, Wish>()
  /** What was sent for others than those callers: an item of a map, which one of them may share. */
  const unclaimed = new Set<string>()
  /** By client and server: a dial of which nothing is known yet. */
  const dials = new Set<string>()
  const keyOfCall = (call: Call) => keyOf(call.node, packetOf(call), call.function, call.unique, wireWorkloadOf(call))
  const keyOfJob = ({ function: fn, node, packet, unique, workload }: Submitted) =>
    keyOf(node, packet, fn, unique, workload)

  const forget = (_: Scene, node: string): void => {
    for (const [key, wish] of wishes) if (wish.node === node) wishes.delete(key)
    for (const dial of dials) if (dial.startsWith(`${node} `)) dials.delete(dial)
  }

  const isReady = (scene: Scene, node: string, until: number): boolean => {
    for (const dial of dials) if (dial.startsWith(`${node} `)) return false
    const own = scene.connectionsOf(node)
    const isGood = (since: number | undefined) => since !== undefined && until - since >= noticeMillis
    return own.length > 0 && own.every(({ goodSince, id }) => isGood(goodSince) && !isBlocked(node, id))
  }

  return {
    name: "dispatching",
    of: "clients",
    asked: (scene, call) => {
      if (!submits.has(call.kind)) return
      const key = keyOfCall(call)
      const isShared = call.kind === "run" && call.unique !== ""
      // Who asks for what an item of a map has been sent for shares it.
      const isSent = () => isShared && isUnderWay(scene, (job) => keyOfJob(job) === key)
      const wish = wishes.get(key) ?? {
        ...{ node: call.node, isShared, callers: new Set(), total: 0, sends: 0 },
        since: isSent() ? undefined : call.at
      }
      wish.callers.add(call)
      wish.total++
      wishes.set(key, wish)
      wishOf.set(call, wish)
    },
    answered: (_, call) => {
      const callers = wishOf.get(call)?.callers
      if (callers?.delete(call) === true && callers.size === 0) wishes.delete(keyOfCall(call))
    },
    failed: (scene, call, reason) => {
      const wish = wishOf.get(call)
      if (wish === undefined || !troubles.has(reason) || scene.stopping.has(call.node)) return
      const told = `caller ${call.caller} was told ${reason}, and its job`
      // What has been handed over when the connection breaks may not be seen to go out where time
      // hurries on, or when it breaks in the same instant.
      const wasNeverSent = wish.sends === 0 && !unclaimed.has(keyOfCall(call)) && call.at < scene.now
      if (reason === "Ambiguous" && wasNeverSent && mostOf(call.node) !== undefined)
        throw new Violation(37, `${told} was never sent`)
      // Of equal ones it is not known who waits for which.
      if (wish.total > 1) return
      for (const { id, jobs } of scene.connections.values()) {
        const mine = jobs.accepted().find((job) => wishOf.get(job) === wish && job.at >= call.at)
        if (mine !== undefined) throw new Violation(37, `${told} is under way at connection ${id} since ${mine.at} ms`)
      }
    },
    submitted: (_, job) => {
      const key = keyOfJob(job)
      const wish = wishes.get(key)
      if (wish === undefined) return void unclaimed.add(key)
      wishOf.set(job, wish)
      wish.since = undefined
      wish.sends++
    },
    // What an idempotent job's callers share is sent anew.
    lost: (scene, { jobs }) => {
      for (const job of jobs.all()) {
        const wish = wishOf.get(job)
        if (wish === undefined || !wish.isShared || wish.callers.size === 0) continue
        if (isUnderWay(scene, (other) => wishOf.get(other) === wish)) continue
        if ([...wish.callers].every(({ idempotent }) => idempotent)) wish.since ??= scene.now
      }
    },
    dialled: (_, node, server) => void dials.add(`${node} ${server}`),
    heard: (_, { node, server }) => {
      if (dials.size > 0) dials.delete(`${node} ${server}`)
    },
    started: forget,
    ended: forget,
    atRest: (scene, until) => {
      const underWay = new Map<string, number>()
      for (const { callers, isShared, node, since, total } of wishes.values()) {
        const most = mostOf(node)
        if (most === undefined || scene.stopping.has(node)) continue
        const [call] = callers
        if (since === undefined) {
          if (isShared || total > 1 || call!.kind !== "run") continue
          const count = (underWay.get(node) ?? 0) + 1
          underWay.set(node, count)
          // Of several that end at once, some callers hear of it a little later.
          if (count > most && until - scene.now >= noticeMillis)
            throw new Violation(57, `${node} has ${count} submissions under way, ${most} are allowed`)
        } else if (most === Infinity && until - since >= noticeMillis && isReady(scene, node, until))
          throw new Violation(36, `caller ${call!.caller} of ${node} waits to be sent from ${since} ms to ${until} ms`)
      }
    }
  }
}
