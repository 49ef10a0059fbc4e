/**
 * How clients and workers treat their callers and servers: who waits first is served first,
 * a second server is another one, and a server that failed is not forgotten. Properties 30,
 * 35 and 43.
 *
 * @since 0.1.0
 */
import { type Asked, isAwaited, submits } from "./History.ts"
import { Peers, Submissions } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

/** What a client asks a server for, where nobody else's question is the same one. */
const keyOf = (fn: string, workload: string): string => `${fn} ${workload}`

/** Callers who ask so soon after one another may be begun in another order. */
const togetherMillis = 50

/**
 * A client that may have one submission under way begins them in the order in which its
 * callers have asked. `isSingle` tells which clients those are, `workloadsOf` gives what a
 * caller's jobs carry on the wire.
 *
 * @since 0.1.0
 * @category properties
 */
export const queueing = (
  workloadsOf: (asked: Asked) => ReadonlyArray<string>,
  isSingle: (client: string) => boolean
): Property => {
  interface Waiting {
    readonly asked: Asked
    readonly key: string
    readonly at: number
  }
  /** By client, the oldest first. */
  const unsent = new Map<string, Array<Waiting>>()
  const judge = (node: string, key: string): void => {
    const waiting = unsent.get(node) ?? []
    const mine = waiting.find((one) => one.key === key)
    if (mine === undefined) return
    const [oldest] = waiting
    if (oldest !== undefined && oldest.key !== key && mine.at - oldest.at >= togetherMillis)
      throw new Violation(
        30,
        `${node} submits for caller ${mine.asked.caller}, and caller ${oldest.asked.caller} waits since ${oldest.at} ms`
      )
    unsent.set(
      node,
      waiting.filter((one) => one !== mine)
    )
  }
  return {
    name: "queueing",
    packets: "clients",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Asked": {
          // Whoever has a unique may join one that is under way, and is answered after the next has been sent.
          if (event.unique !== "" || !submits.has(event.kind) || !isSingle(event.node)) return
          const key = keyOf(event.function, workloadsOf(event)[0] ?? "")
          unsent.set(event.node, [...(unsent.get(event.node) ?? []), { asked: event, key, at }])
          return
        }
        case "Answered": {
          const waiting = unsent.get(event.node)
          if (waiting === undefined) return
          unsent.set(
            event.node,
            waiting.filter((one) => one.asked.caller !== event.caller)
          )
          return
        }
        case "Ended":
          unsent.delete(event.node)
          return
        case "Packet": {
          if (event.got || !event.name.startsWith("SUBMIT_")) return
          const [fn = "", unique = ""] = event.fields
          if (unique === "" && isSingle(event.node)) judge(event.node, keyOf(fn, event.fields.at(-1)!))
        }
      }
    }
  }
}

/** Longer than it takes to reach a server that is there. */
const reachMillis = 1500

/**
 * A client that asks a second server when the first is slow does not ask the first one
 * twice, nor the second before its caller wants that, nor, where `mayHedge`, long after it.
 * Only for worlds in which every server is there.
 *
 * @since 0.1.0
 * @category properties
 */
export const hedging = (mayHedge: (client: string) => boolean): Property => {
  /** What a submission asks for, or "" where that does not matter. */
  interface Hedged {
    readonly packet: string
    key: string
  }
  const peers = new Peers(() => ({ jobs: new Submissions<Hedged>() }))
  /** Whoever wanted it may have left it, and others ask anew. */
  const forget = (node: string, end: string): void => {
    for (const one of peers.connections.values()) {
      if (one.node === node) for (const job of one.jobs) if (job.key.endsWith(end)) job.key = ""
    }
  }
  /** Those who wait: how the keys end that are of what they want, and from when on a second server is asked. */
  const open = new Map<number, { readonly node: string; readonly end: string; readonly hedgesAt: number }>()
  /** What was refused, or answered for one of several: where it is under way is not known. */
  const unclear: Array<{ readonly node: string; readonly key: string }> = []
  const isWanted = (node: string, key: string, at: number): boolean =>
    [...open.values()].some((one) => one.node === node && one.hedgesAt <= at && key.endsWith(one.end))
  const judgeSecond = (node: string, key: string, at: number): void => {
    if (isWanted(node, key, at)) return
    for (const other of peers.connections.values())
      if (other.node === node && [...other.jobs].some((job) => job.key === key))
        throw new Violation(35, `${node} asks a second server at ${at} ms, before anybody wants it to: ${key}`)
  }
  return {
    name: "hedging",
    packets: "clients",
    observe: (moment) => {
      const { at, event } = moment
      peers.follow(moment)
      if (event._tag === "Asked") {
        // The workload on the wire may be another text: all of one function and unique are forgotten together.
        const { caller, function: fn, hedgeMillis = Infinity, node, unique } = event
        open.set(caller, { node, end: ` ${fn} ${unique}`, hedgesAt: at + hedgeMillis })
      } else if (event._tag === "Answered") {
        const mine = open.get(event.caller)
        open.delete(event.caller)
        if (mine === undefined) return
        forget(event.node, mine.end)
        if ([...open.values()].some(({ end, node }) => node === mine.node && end === mine.end))
          unclear.push({ node: mine.node, key: mine.end })
      }
      if (event._tag !== "Packet") return
      const { connection, fields, got, name, node } = event
      const { jobs } = peers.of(event)
      const [oldest] = jobs
      if (name === "ERROR" && oldest !== undefined) unclear.push({ node, key: oldest.key })
      if (got) return jobs.hear(event)
      if (!name.startsWith("SUBMIT_")) return
      const [first = "", unique = ""] = fields
      const key = unique !== "" && isAwaited(name) ? `${name} ${fields.at(-1)} ${first} ${unique}` : ""
      if (key !== "" && [...jobs].some((job) => job.key === key))
        throw new Violation(35, `${node} asks over connection ${connection} twice for ${first} ${unique}`)
      if (key !== "") judgeSecond(node, key, at)
      jobs.submit({ packet: name, key })
    },
    atRest: (_servers, until) => {
      for (const { end, hedgesAt, node } of open.values()) {
        // Those of one text only: others are told apart by more than they say here.
        if (until - hedgesAt < reachMillis || end.endsWith(" ") || end.endsWith(" -") || !mayHedge(node)) continue
        const own = [...peers.connections.values()].filter((one) => one.node === node)
        const mine = own.flatMap(({ jobs }) => [...jobs]).filter(({ key }) => key.endsWith(end))
        if (mine.length !== 1 || unclear.some((one) => one.node === node && one.key.endsWith(end))) continue
        throw new Violation(
          37,
          `${node} has asked one server only, and since ${hedgesAt} ms a second one is wanted: ${end}`
        )
      }
    }
  }
}

/** The longest wait and the longest dial, by a clock that runs a tenth slower, and a little. */
const redialMillis = (5000 * 1.25 + 5000) * 1.1 + 200

/** A connection over which a server has answered for so long was a good one, by any clock. */
const stableMillis = 1500

/** The wait after a good connection, as above. */
const soonMillis = 100 * 1.25 * 1.1 + 200

/**
 * Whoever has dialled a server and has no connection to it dials it again before long, and
 * soon if the one it had was good. `isSteady` tells which machines nothing keeps from it,
 * `isSingle` which have no more than one connection to each server.
 *
 * @since 0.1.0
 * @category properties
 */
export const redialling = (
  isSteady: (node: string) => boolean,
  isSingle: (node: string) => boolean = () => true
): Property => {
  /** By node, and by server: since when it neither dials nor is connected. */
  const idle = new Map<string, Map<string, number>>()
  const serverOf = new Map<number, string>()
  const used = new Map<number, string>()
  /** By connection: since when the server has answered. */
  const goodSince = new Map<number, number>()
  /** Those whose last connection to that server was a good one. */
  const wasGood = new Set<string>()
  const judge = (node: string, server: string, at: number): void => {
    const since = idle.get(node)?.get(server)
    if (since !== undefined && at - since > (wasGood.has(`${node} ${server}`) ? soonMillis : redialMillis))
      throw new Violation(43, `${node} does not dial ${server} from ${since} ms to ${at} ms`, "liveness")
  }
  const isMine = (node: string) => !node.startsWith("server") && isSteady(node)
  /** A worker may have several connections to a server, and give up one that it needs no more. */
  const isConnected = (node: string, server: string): boolean =>
    [...used].some(([connection, owner]) => owner === node && (serverOf.get(connection) ?? server) === server)
  return {
    name: "redialling",
    packets: "peers",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Dialled": {
          if (!isMine(event.node)) return
          const [server = ""] = event.to.split(":")
          judge(event.node, server, at)
          wasGood.delete(`${event.node} ${server}`)
          if (isConnected(event.node, server)) return
          idle.set(event.node, (idle.get(event.node) ?? new Map<string, number>()).set(server, at))
          return
        }
        case "Opened":
          if (event.atServer) serverOf.set(event.connection, event.node)
          else {
            used.set(event.connection, event.node)
            // A server that has not accepted it yet: it is not known which.
            if (serverOf.has(event.connection)) idle.get(event.node)?.delete(serverOf.get(event.connection)!)
            else idle.delete(event.node)
          }
          return
        case "Closed": {
          // Of dials that were given up, some come to be connections and are closed at once.
          if (event.atServer || !used.delete(event.connection)) return
          const server = serverOf.get(event.connection)
          if (server === undefined || isConnected(event.node, server)) return
          idle.get(event.node)?.set(server, at)
          const lasted = at - (goodSince.get(event.connection) ?? at)
          if (lasted >= stableMillis && isSingle(event.node)) wasGood.add(`${event.node} ${server}`)
          return
        }
        case "Packet":
          if (event.got && !goodSince.has(event.connection)) goodSince.set(event.connection, at)
          return
        case "Stopping":
        case "Started":
        case "Ended":
          idle.delete(event.node)
          for (const [connection, node] of used) if (node === event.node) used.delete(connection)
      }
    },
    atRest: (_servers, until) => {
      for (const [node, servers] of idle) for (const server of servers.keys()) judge(node, server, until)
    }
  }
}
