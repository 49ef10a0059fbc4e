/**
 * What workers and clients do as machines: how much they run at once, how often they dial,
 * how long they wait, and which server they choose. Properties 22, 26, 33, 37, 41, 42
 * and 50.
 *
 * @since 0.1.0
 */
import { type Asked, endsJob, type PacketEvent } from "./History.ts"
import { forgetNode, noticeMillis, Peers } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

/**
 * A worker runs no more jobs than it has slots, of a function no more than that may have,
 * and a map no more items than its window has room for.
 *
 * @since 0.1.0
 * @category properties
 */
export const slots = (options: {
  /** How many jobs may run there, or how many of one function; undefined where that has no limit of its own. */
  readonly slotsOf: (worker: string, fn?: string) => number | undefined
  /** Only where nothing goes wrong and nobody else submits does all that runs belong to a map. */
  readonly isQuiet: boolean
}): Property => {
  const running = new Map<string, Map<number, string>>()
  const maps = new Map<number, number>()
  const mapped = new Set<number>()
  /** Callers that asked for one item, without a map. */
  let singles = 0
  return {
    name: "slots",
    packets: "none",
    observe: ({ event }) => {
      switch (event._tag) {
        case "Began": {
          const mine = running.get(event.node) ?? new Map<number, string>()
          running.set(event.node, mine.set(event.execution, event.function))
          const slots = options.slotsOf(event.node) ?? Infinity
          if (mine.size > slots) throw new Violation(22, `${event.node} runs ${mine.size} jobs in ${slots} slots`)
          const limit = options.slotsOf(event.node, event.function) ?? Infinity
          const alike = [...mine.values()].filter((name) => name === event.function).length
          if (alike > limit) {
            throw new Violation(22, `${event.node} runs ${alike} jobs of ${event.function}, which may have ${limit}`)
          }
          if (event.function !== "mapped") return
          mapped.add(event.execution)
          if (!options.isQuiet) return
          const most = [...maps.values()].reduce((sum, window) => sum + window, singles)
          if (mapped.size > most)
            throw new Violation(50, `${mapped.size} items run, and all maps may have ${most} at once`)
          return
        }
        case "Finished":
          running.get(event.node)?.delete(event.execution)
          mapped.delete(event.execution)
          return
        case "Started":
        case "Ended":
          running.delete(event.node)
          return
        case "Asked":
          if (event.function !== "mapped") return
          if (event.map !== undefined) maps.set(event.caller, event.map.window)
          else singles++
          return
        case "Answered":
          // Whoever is interrupted, or fails by one item, leaves the others running.
          if (event.how === "success") maps.delete(event.caller)
      }
    }
  }
}

/**
 * A worker asks one server for no more jobs than it can run and keep at once, of those
 * functions that it serves over a connection: questions without an answer and jobs without
 * an end count alike. While it serves a function with a time limit, it keeps none: their
 * time would pass before they begin.
 *
 * @since 0.1.0
 * @category properties
 */
export const claims = (
  mostOf: (worker: string) => {
    readonly slots: number
    readonly prefetch: number
    /** For functions with a limit of their own. */
    readonly ownLimitOf?: (fn: string) => number | undefined
  }
): Property => {
  const none = (): Set<string> => new Set()
  const peers = new Peers(() => ({ asked: 0, held: none(), timed: none(), abilities: none() }))
  return {
    name: "claims",
    packets: "workers",
    observe: (moment) => {
      const { event } = moment
      peers.follow(moment)
      if (event._tag !== "Packet") return
      const { fields, got, name, node } = event
      const mine = peers.of(event)
      if (got) {
        const isJob = name.startsWith("JOB_ASSIGN")
        if (isJob || name === "NO_JOB") mine.asked--
        if (isJob) mine.held.add(fields[0]!)
      } else if (endsJob.has(name)) {
        mine.held.delete(fields[0]!)
      } else if (name.startsWith("CAN_DO")) {
        mine.abilities.add(fields[0]!)
        if (name === "CAN_DO_TIMEOUT") mine.timed.add(fields[0]!)
      } else if (name === "CANT_DO") {
        mine.abilities.delete(fields[0]!)
        mine.timed.delete(fields[0]!)
      } else if (name.startsWith("GRAB_JOB")) {
        mine.asked++
        const claimed = mine.asked + mine.held.size
        const { ownLimitOf, prefetch, slots } = mostOf(node)
        const limits = [...mine.abilities].flatMap((fn) => ownLimitOf?.(fn) ?? [])
        const most = Math.min(mine.timed.size > 0 ? slots : slots + prefetch, ...limits)
        if (claimed > most)
          throw new Violation(22, `${node} claims ${claimed} jobs of one server, with room for ${most}`)
      }
    }
  }
}

/** The shortest wait between two dials, less a tenth that a drifting clock may take. */
const shortestWaitMillis = 90
/** With 100 ms, 200 ms and so on between them, each at most a quarter shorter. */
const dialsInASecond = 5

/** The waits between dials as they would be if nothing stretched or shortened them, but the first, which often is not. */
const evenWaits = [200, 400, 800, 1600, 3200]
/** How much longer than a wait it takes until the dial is seen. */
const evenMillis = 3

/**
 * Nobody dials a server in a hurry, nor in step with all others: that these waits follow one
 * another by chance happens once in a hundred million times. `atOnceOf` tells how many
 * connections a machine has to each server: of one dial more than that within some time, two
 * are of the same.
 *
 * @since 0.1.0
 * @category properties
 */
export const dialling = (atOnceOf: (node: string) => number): Property => {
  const dials = new Map<string, Array<number>>()
  /** How many of the even waits have followed one another. */
  const even = new Map<string, number>()
  const isEven = (waited: number, wait: number | undefined): boolean =>
    wait !== undefined && waited >= wait && waited <= wait + evenMillis
  const judgeJitter = (key: string, waited: number): void => {
    const before = even.get(key) ?? 0
    const count = isEven(waited, evenWaits[before]) ? before + 1 : isEven(waited, evenWaits[0]) ? 1 : 0
    even.set(key, count)
    if (count === evenWaits.length - 1)
      throw new Violation(42, `${key.replace(" ", " dials ")} as regularly as a clock`)
  }
  return {
    name: "dialling",
    packets: "none",
    observe: ({ at, event }) => {
      if (event._tag === "Started")
        for (const key of dials.keys()) if (key.startsWith(`${event.node} `)) dials.delete(key)
      if (event._tag !== "Dialled" || /^(?:peer|operator)/.test(event.node)) return
      const key = `${event.node} ${event.to}`
      const list = dials.get(key) ?? []
      dials.set(key, list)
      const atOnce = atOnceOf(event.node)
      const waited = at - (list.at(-atOnce) ?? -Infinity)
      list.push(at)
      if (atOnce === 1) judgeJitter(key, waited)
      if (waited < shortestWaitMillis)
        throw new Violation(42, `${event.node} dials ${event.to} again after ${waited} ms`)
      if (list.length > dialsInASecond * atOnce && at - list.shift()! < 1000) {
        throw new Violation(42, `${event.node} dials ${event.to} more than ${dialsInASecond * atOnce} times a second`)
      }
    }
  }
}

const isRequest = (name: string): boolean => /^(?:SUBMIT_|GET_STATUS|ECHO_REQ|OPTION_REQ)/.test(name)
const isReply = (name: string): boolean => /^(?:JOB_CREATED|STATUS_RES|ECHO_RES|OPTION_RES|ERROR)/.test(name)

/** Who owes an answer for so long is late, in its clients' eyes, by clocks that may run a tenth slower. */
const lateMillis = 2300

/**
 * A client sends a submission with a unique to the first server of the order that it is
 * connected to, and none to a server that is late with its answers while it has another.
 * `orderOf` gives the servers for a function, unique and workload; who is not prompt may
 * notice late that a server answers again, and is not judged. `heardAt` tells when a machine
 * last got bytes, also of a packet that has not come whole.
 *
 * @since 0.1.0
 * @category properties
 */
export const selection = (
  orderOf: (fn: string, unique: string, workload: string) => ReadonlyArray<string> | undefined,
  isPrompt: (name: string) => boolean,
  heardAt: (name: string, connection: number) => number = () => 0
): Property => {
  /** By client and server: since when the server has answered over the present connection. */
  const upSince = new Map<string, number>()
  /** By client and server: since when the client waits for an answer and hears nothing. */
  const silentSince = new Map<string, number>()
  /** By client and server: requests that are not answered. */
  const owed = new Map<string, number>()
  const serverOf = new Map<number, string>()
  const open = new Map<number, Asked & { readonly at: number }>()

  const judgeLate = (node: string, chosen: string, connection: number, asked: number, at: number): void => {
    const late = Math.max(silentSince.get(`${node} ${chosen}`) ?? at, heardAt(node, connection))
    if (asked === Infinity || asked - late < lateMillis) return
    for (const [key, since] of upSince) {
      const isOther = key.startsWith(`${node} `) && key !== `${node} ${chosen}`
      if (!isOther || since + noticeMillis > asked || at - (silentSince.get(key) ?? at) > noticeMillis) continue
      throw new Violation(
        37,
        `${node} submits to ${chosen}, silent since ${late} ms, though it has ${key.split(" ")[1]}`
      )
    }
  }

  const judge = ({ connection, fields, node }: PacketEvent, chosen: string, at: number) => {
    const [fn = "", unique = ""] = fields
    const workload = fields.at(-1) ?? ""
    let asked = Infinity
    for (const one of open.values()) {
      if (one.node === node && one.function === fn) asked = Math.min(asked, one.at)
    }
    judgeLate(node, chosen, connection, asked, at)
    const order = orderOf(fn, unique, workload)
    if (order === undefined) return
    for (const server of order) {
      if (server === chosen) return
      const since = upSince.get(`${node} ${server}`)
      if (since === undefined || since + noticeMillis > asked) continue
      // Who owes an answer for long may be down, in its client's eyes.
      if (at - (silentSince.get(`${node} ${server}`) ?? at) > noticeMillis) continue
      throw new Violation(
        33,
        `${node} submits ${fn} ${unique} to ${chosen}, though ${server} comes first and has answered since ${since} ms`
      )
    }
  }

  return {
    name: "selection",
    packets: "clients",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Opened":
          if (event.atServer) serverOf.set(event.connection, event.node)
          return
        case "Closed": {
          const server = serverOf.get(event.connection)
          if (event.atServer || server === undefined) return
          upSince.delete(`${event.node} ${server}`)
          silentSince.delete(`${event.node} ${server}`)
          owed.delete(`${event.node} ${server}`)
          return
        }
        case "Started":
        case "Ended":
          for (const map of [upSince, silentSince, owed])
            for (const key of map.keys()) if (key.startsWith(`${event.node} `)) map.delete(key)
          if (event._tag === "Ended")
            for (const one of open.values()) if (one.node === event.node) open.delete(one.caller)
          return
        case "Asked":
          open.set(event.caller, { ...event, at })
          return
        case "Answered":
          open.delete(event.caller)
          return
        case "Packet": {
          const server = serverOf.get(event.connection)
          if (server === undefined) return
          const key = `${event.node} ${server}`
          if (event.got) {
            const silent = at - (silentSince.get(key) ?? at)
            const left = Math.max(0, (owed.get(key) ?? 0) - (isReply(event.name) ? 1 : 0))
            owed.set(key, left)
            if (left === 0) silentSince.delete(key)
            else silentSince.set(key, at)
            if (!upSince.has(key) || silent > noticeMillis) upSince.set(key, at)
            return
          }
          if (event.name.startsWith("SUBMIT_JOB") && isPrompt(event.node)) judge(event, server, at)
          if (!isRequest(event.name)) return
          owed.set(key, (owed.get(key) ?? 0) + 1)
          if (!silentSince.has(key)) silentSince.set(key, at)
        }
      }
    }
  }
}

/** Callers wait five seconds for any server, by a clock that may run a tenth faster. */
const patienceMillis = 4400

/**
 * A caller is not told that there is no server, or that nobody knows what became of an
 * idempotent job, before it has waited for one.
 * Setting a wall clock shortens no wait.
 *
 * @since 0.1.0
 * @category properties
 */
export const patience = (): Property => {
  const open = new Map<number, { readonly asked: Asked; readonly at: number }>()
  const stopping = new Set<string>()
  return {
    name: "patience",
    packets: "none",
    observe: ({ at, event }) => {
      if (event._tag === "Stopping") stopping.add(event.node)
      else if (event._tag === "Started") stopping.delete(event.node)
      else if (event._tag === "Asked" && (event.kind === "run" || event.kind === "background")) {
        open.set(event.caller, { asked: event, at })
      } else if (event._tag === "Answered") {
        const one = open.get(event.caller)
        open.delete(event.caller)
        if (event.how !== "failure" || one === undefined || at - one.at >= patienceMillis) return
        if (event.text !== "NoServer" && !(event.text === "Ambiguous" && one.asked.idempotent)) return
        if (stopping.has(event.node)) return
        throw new Violation(37, `caller ${event.caller} was told ${event.text} after ${at - one.at} ms`)
      }
    }
  }
}

/**
 * A worker does not say that it sleeps while it waits for an answer to GRAB_JOB.
 *
 * @since 0.1.0
 * @category properties
 */
export const sleeping = (): Property => {
  const unanswered = new Map<number, number>()
  return {
    name: "sleeping",
    packets: "workers",
    observe: ({ event }) => {
      if (event._tag !== "Packet") return
      const { connection, got, name } = event
      const count = unanswered.get(connection) ?? 0
      if (!got && name.startsWith("GRAB_JOB")) unanswered.set(connection, count + 1)
      else if (got && (name === "NO_JOB" || name.startsWith("JOB_ASSIGN"))) unanswered.set(connection, count - 1)
      else if (!got && name === "PRE_SLEEP" && count > 0) {
        throw new Violation(26, `${event.node} says that it sleeps, and awaits ${count} answers`)
      }
    }
  }
}

/** A connection is probed after 10 seconds and given up 5 seconds later, by clocks that may run a tenth slower. */
const silenceMillis = 18_000

/**
 * Nobody stays connected to a server that says nothing. `isSteady` tells which machines
 * nothing keeps from noticing, `heardAt` when a machine last got bytes, also of a packet
 * that has not come whole.
 *
 * @since 0.1.0
 * @category properties
 */
export const silence = (
  isSteady: (node: string) => boolean,
  heardAt: (node: string, connection: number) => number = () => 0
): Property => {
  const heard = new Map<number, { readonly node: string; at: number }>()
  /** Nothing can be silent for too long before. */
  let soonest = 0
  return {
    name: "silence",
    packets: "peers",
    observe: ({ at, event }) => {
      switch (event._tag) {
        case "Opened":
          if (!event.atServer && isSteady(event.node)) heard.set(event.connection, { node: event.node, at })
          return
        case "Closed":
          if (!event.atServer) heard.delete(event.connection)
          return
        case "Ended":
          forgetNode(heard, event.node)
          return
        case "Packet": {
          const mine = event.got ? heard.get(event.connection) : undefined
          if (mine !== undefined) mine.at = at
        }
      }
    },
    atRest: (_servers, until) => {
      if (until < soonest) return
      soonest = until + silenceMillis
      for (const [connection, last] of heard) {
        const { node } = last
        if (until - last.at >= silenceMillis) last.at = Math.max(last.at, heardAt(node, connection))
        const { at } = last
        soonest = Math.min(soonest, at + silenceMillis)
        if (until - at < silenceMillis) continue
        throw new Violation(41, `${node} keeps connection ${connection}, over which nothing came since ${at} ms`)
      }
    }
  }
}
