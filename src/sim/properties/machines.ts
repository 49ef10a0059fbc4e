/**
 * What workers and clients do as machines: how much they run at once, how often they dial,
 * how long they keep what is silent. Properties 22, 41, 42, 43 and 50.
 *
 * @since 0.1.0
 */
import { sideOf } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call, Scene } from "./Scene.ts"

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
  /** Those who asked for items: whoever is interrupted, or fails by one item, leaves the others running. */
  const mapped = new Set<Call>()
  return {
    name: "slots",
    asked: (_, call) => {
      if (call.function === "mapped") mapped.add(call)
    },
    answered: (_, call, { how }) => {
      if (call.map !== undefined && how === "success") mapped.delete(call)
    },
    began: ({ running }, { function: fn, node }) => {
      const mine = [...running].filter((execution) => execution.node === node)
      const most = options.slotsOf(node) ?? Infinity
      if (mine.length > most) throw new Violation(22, `${node} runs ${mine.length} jobs in ${most} slots`)
      const limit = options.slotsOf(node, fn) ?? Infinity
      const alike = mine.filter((execution) => execution.function === fn).length
      if (alike > limit) throw new Violation(22, `${node} runs ${alike} jobs of ${fn}, which may have ${limit}`)
      if (fn !== "mapped" || !options.isQuiet) return
      const items = [...running].filter((execution) => execution.function === fn).length
      const window = [...mapped].reduce((sum, { map }) => sum + (map?.window ?? 1), 0)
      if (items > window) throw new Violation(50, `${items} items run, and all maps may have ${window} at once`)
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
): Property => ({
  name: "claims",
  of: "workers",
  said: (_, { abilities, asked, held }, { name, node }) => {
    if (!name.startsWith("GRAB_JOB")) return
    const { ownLimitOf, prefetch, slots } = mostOf(node)
    const limits = [...abilities.keys()].map((fn) => ownLimitOf?.(fn) ?? Infinity)
    const isTimed = [...abilities.values()].includes(true)
    const most = Math.min(isTimed ? slots : slots + prefetch, ...limits)
    const claimed = asked + held.size
    if (claimed > most) throw new Violation(22, `${node} claims ${claimed} jobs of one server, with room for ${most}`)
  }
})

/** The shortest wait between two dials, less a tenth that a drifting clock may take. */
const shortestWaitMillis = 90
/** With 100 ms, 200 ms and so on between them, each at most a quarter shorter. */
const dialsInASecond = 5

/** The waits between dials as they would be if nothing stretched or shortened them, but the first, which often is not. */
const evenWaits = [200, 400, 800, 1600, 3200]
/** How much longer than a wait it takes until the dial is seen. */
const evenMillis = 3

const isEven = (waited: number, wait: number | undefined): boolean =>
  wait !== undefined && waited >= wait && waited <= wait + evenMillis

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
  /** By client or worker and server: its last dials, and how many of the even waits have followed one another. */
  const dials = new Map<string, { readonly times: Array<number>; even: number }>()
  return {
    name: "dialling",
    started: (_, node) => {
      for (const [key, { times }] of dials) if (key.startsWith(`${node} `)) times.length = 0
    },
    dialled: ({ now }, node, server) => {
      if (sideOf(node) === "strangers") return
      const key = `${node} ${server}`
      const mine = dials.get(key) ?? { times: [], even: 0 }
      dials.set(key, mine)
      const { even, times } = mine
      const atOnce = atOnceOf(node)
      const waited = now - (times.at(-atOnce) ?? -Infinity)
      times.push(now)
      mine.even = isEven(waited, evenWaits[even]) ? even + 1 : isEven(waited, evenWaits[0]) ? 1 : 0
      const dialsIt = `${node} dials ${server}`
      if (atOnce === 1 && mine.even === evenWaits.length - 1)
        throw new Violation(42, `${dialsIt} as regularly as a clock`)
      if (waited < shortestWaitMillis) throw new Violation(42, `${dialsIt} again after ${waited} ms`)
      if (times.length > dialsInASecond * atOnce && now - times.shift()! < 1000)
        throw new Violation(42, `${dialsIt} more than ${dialsInASecond * atOnce} times a second`)
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
  /** By node, and by server: since when it neither dials nor is connected, and how long that may be. */
  const idle = new Map<string, Map<string, { readonly since: number; readonly most: number }>>()
  const idleOf = (node: string) => idle.get(node) ?? new Map<string, { since: number; most: number }>()
  const judge = (node: string, server: string, at: number): void => {
    const { most = Infinity, since = at } = idle.get(node)?.get(server) ?? {}
    if (at - since > most)
      throw new Violation(43, `${node} does not dial ${server} from ${since} ms to ${at} ms`, "liveness")
  }
  /** A worker may have several connections to a server, and give up one that it needs no more. */
  const isConnected = (scene: Scene, node: string, server: string): boolean =>
    scene.connectionsOf(node).some((connection) => (connection.server ?? server) === server)
  const forget = (_: Scene, node: string) => void idle.delete(node)
  return {
    name: "redialling",
    dialled: (scene, node, server) => {
      if (!isSteady(node)) return
      judge(node, server, scene.now)
      if (!isConnected(scene, node, server))
        idle.set(node, idleOf(node).set(server, { since: scene.now, most: redialMillis }))
    },
    opened: (_, { node, server }) => {
      // A server that has not accepted it yet: it is not known which.
      if (server === undefined) idle.delete(node)
      else idle.get(node)?.delete(server)
    },
    lost: (scene, { goodSince = scene.now, node, server }) => {
      // Of dials that were given up, some come to be connections and are closed at once.
      if (server === undefined || scene.stopping.has(node) || isConnected(scene, node, server)) return
      const wasGood = scene.now - goodSince >= stableMillis && isSingle(node)
      idle.get(node)?.set(server, { since: scene.now, most: wasGood ? soonMillis : redialMillis })
    },
    stops: forget,
    started: forget,
    ended: forget,
    atRest: (_, until) => {
      for (const [node, servers] of idle) for (const server of servers.keys()) judge(node, server, until)
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
  /** Nothing can be silent for too long before. */
  let soonest = 0
  return {
    name: "silence",
    atRest: ({ connections }, until) => {
      if (until < soonest) return
      soonest = until + silenceMillis
      for (const connection of connections.values()) {
        const { id, node } = connection
        if (!isSteady(node)) continue
        if (until - connection.heardAt >= silenceMillis)
          connection.heardAt = Math.max(connection.heardAt, heardAt(node, id))
        const since = connection.heardAt
        soonest = Math.min(soonest, since + silenceMillis)
        if (until - since >= silenceMillis)
          throw new Violation(41, `${node} keeps connection ${id}, over which nothing came since ${since} ms`)
      }
    }
  }
}
