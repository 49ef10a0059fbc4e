/**
 * What becomes of what callers ask for: it is sent as soon as there is a server to send it
 * to, no more of it at once than may be, and its end is the caller's. Properties 36, 37 and 57.
 *
 * @since 0.1.0
 */
import { forgetNode, noticeMillis, Peers, Submissions } from "./following.ts"
import { type Asked, isAwaited, type PacketEvent, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import { packetOf } from "./requests.ts"

/** What one caller or several equal ones wait for. */
interface Wish {
  readonly node: string
  /** All its callers share one submission. */
  readonly isShared: boolean
  readonly callers: Map<number, Asked>
  /** How many callers there were. */
  total: number
  /** How often it was sent. */
  sends: number
  /** Since when it waits to be sent; undefined once it is. */
  since: number | undefined
}

/** A submission over a connection. */
interface Sent {
  readonly key: string
  readonly wish: Wish | undefined
  readonly at: number
  readonly packet: string
}

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
  const peers = new Peers(() => ({ jobs: new Submissions<Sent>() }))
  const wishes = new Map<string, Wish>()
  const open = new Map<number, { readonly asked: Asked; readonly at: number; readonly key: string }>()
  /** What was sent for others than those callers: an item of a map, which one of them may share. */
  const unclaimed = new Set<string>()
  /** By client and server: a dial of which nothing is known yet. */
  const dials = new Set<string>()
  let lastAt = 0

  const keyOf = (node: string, packet: string, fn: string, unique: string, workload: string): string => {
    const isShared = unique !== "" && unique !== "-" && isAwaited(packet)
    return `${node} ${packet} ${fn} ${unique} ${isShared ? "" : workload}`
  }
  const isShared = ({ kind, unique }: Asked): boolean => kind === "run" && unique !== ""

  const forget = (node: string): void => {
    forgetNode(wishes, node)
    for (const [caller, { asked }] of open) if (asked.node === node) open.delete(caller)
    for (const dial of dials) if (dial.startsWith(`${node} `)) dials.delete(dial)
  }

  const isUnderWay = (is: (one: Sent) => boolean): boolean =>
    [...peers.connections.values()].some(({ jobs }) => [...jobs].some(is))

  const ask = (asked: Asked, at: number): void => {
    const key = keyOf(asked.node, packetOf(asked), asked.function, asked.unique, wireWorkloadOf(asked))
    const known = wishes.get(key)
    const wish = known ?? {
      node: asked.node,
      isShared: isShared(asked),
      callers: new Map(),
      total: 0,
      sends: 0,
      // Who asks for what an item of a map has been sent for shares it.
      since: isShared(asked) && isUnderWay((one) => one.key === key) ? undefined : at
    }
    wish.callers.set(asked.caller, asked)
    wish.total++
    wishes.set(key, wish)
    open.set(asked.caller, { asked, at, key })
  }

  const answer = (caller: number, text: string): void => {
    const one = open.get(caller)
    if (one === undefined) return
    const { asked, at, key } = one
    open.delete(caller)
    const wish = wishes.get(key)!
    wish.callers.delete(caller)
    if (wish.callers.size === 0) wishes.delete(key)
    const isTrouble = text === "Refused" || text === "NoServer" || text === "Ambiguous"
    if (!isTrouble || peers.stopping.has(asked.node)) return
    // What has been handed over when the connection breaks may not be seen to go out where time
    // hurries on, or when it breaks in the same instant.
    const wasNeverSent = wish.sends === 0 && !unclaimed.has(key) && at < lastAt
    if (text === "Ambiguous" && wasNeverSent && mostOf(asked.node) !== undefined)
      throw new Violation(37, `caller ${caller} was told Ambiguous, and its job was never sent`)
    // Of equal ones it is not known who waits for which.
    if (wish.total > 1) return
    for (const [connection, { jobs }] of peers.connections) {
      for (const sent of jobs.accepted()) {
        if (sent.wish !== wish || sent.at < at) continue
        throw new Violation(
          37,
          `caller ${caller} was told ${text}, and its job is under way at connection ${connection} since ${sent.at} ms`
        )
      }
    }
  }

  const say = (mine: Submissions<Sent>, { fields, name, node }: PacketEvent, at: number): void => {
    if (!name.startsWith("SUBMIT_")) return
    const [fn = "", unique = ""] = fields
    const key = keyOf(node, name, fn, unique, fields.at(-1)!)
    const wish = wishes.get(key)
    if (wish === undefined) unclaimed.add(key)
    else {
      wish.since = undefined
      wish.sends++
    }
    mine.submit({ key, wish, at, packet: name })
  }

  /** What an idempotent job's callers share is sent anew. */
  const lose = (connection: number, at: number): void => {
    const lost = peers.connections.get(connection)
    if (lost === undefined) return
    peers.connections.delete(connection)
    for (const { wish } of lost.jobs) {
      if (wish === undefined || !wish.isShared || wish.callers.size === 0) continue
      if (isUnderWay((one) => one.wish === wish)) continue
      if ([...wish.callers.values()].every(({ idempotent }) => idempotent)) wish.since ??= at
    }
  }

  const isReady = (node: string, until: number): boolean => {
    for (const dial of dials) if (dial.startsWith(`${node} `)) return false
    let isGood = false
    for (const [connection, one] of peers.connections) {
      if (one.node !== node) continue
      if (one.goodSince === undefined || until - one.goodSince < noticeMillis || isBlocked(node, connection))
        return false
      isGood = true
    }
    return isGood
  }

  return {
    name: "dispatching",
    packets: "clients",
    observe: (moment) => {
      const { at, event } = moment
      lastAt = at
      if (event._tag === "Closed" && !event.atServer) lose(event.connection, at)
      peers.follow(moment)
      switch (event._tag) {
        case "Asked":
          if (submits.has(event.kind)) ask(event, at)
          return
        case "Answered":
          return answer(event.caller, event.how === "failure" ? event.text : "")
        case "Dialled":
          if (event.node.startsWith("client")) dials.add(`${event.node} ${event.to.split(":")[0]}`)
          return
        case "Started":
        case "Ended":
          return forget(event.node)
        case "Packet": {
          const { jobs } = peers.of(event)
          if (!event.got) return say(jobs, event, at)
          dials.delete(`${event.node} ${peers.serverOf.get(event.connection)}`)
          jobs.hear(event)
        }
      }
    },
    atRest: (_servers, until) => {
      if (wishes.size === 0) return
      const underWay = new Map<string, number>()
      for (const { callers, isShared, node, since, total } of wishes.values()) {
        const most = mostOf(node)
        if (most === undefined || peers.stopping.has(node)) continue
        const [caller, asked] = callers.entries().next().value!
        if (since === undefined) {
          if (isShared || total > 1 || asked.kind !== "run") continue
          const count = (underWay.get(node) ?? 0) + 1
          underWay.set(node, count)
          // Of several that end at once, some callers hear of it a little later.
          if (count > most && until - lastAt >= noticeMillis)
            throw new Violation(57, `${node} has ${count} submissions under way, ${most} are allowed`)
        } else if (most === Infinity && until - since >= noticeMillis && isReady(node, until))
          throw new Violation(
            36,
            `caller ${caller} of ${node} waits to be sent since ${since} ms, until ${until} ms at least`
          )
      }
    }
  }
}
