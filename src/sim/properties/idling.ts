/**
 * A worker that has room asks for jobs, or sleeps, at each of its servers, and for those of a
 * function with a limit of its own in its turn: properties 24 and 31.
 *
 * @since 0.1.0
 */
import * as Network from "../../protocol/Network.ts"
import { noted } from "./following.ts"
import { type Property, Violation } from "./Property.ts"
import type { Connection, Scene } from "./Scene.ts"

/** A worker may have the same job again while an attempt that is overdue still runs, or waits to say so. */
const busy = (scene: Scene, node: string): number => {
  const running = [...scene.running].filter((execution) => execution.node === node)
  // Two servers may have handles alike.
  const underWay = new Set(running.map(({ handle, server }) => `${server} ${handle}`))
  let [asked, held, idle] = [0, 0, 0]
  for (const connection of scene.connectionsOf(node)) {
    asked += connection.asked
    held += connection.held.size
    for (const handle of connection.held.keys())
      if (!underWay.has(`${connection.server}:${Network.defaultPort} ${handle}`)) idle++
  }
  return asked + Math.max(held, running.length + idle)
}

/**
 * Whoever was woken and neither asks nor falls asleep again waits for ever, and is waited
 * for. `roomOf` gives how many jobs a worker asks for in all, undefined where it may have
 * its reasons; `isBlocked` tells connections for which something waits to be sent.
 *
 * @since 0.1.0
 * @category properties
 */
export const idling = (
  roomOf: (worker: string) => number | undefined,
  isBlocked: (worker: string, connection: number) => boolean
): Property => ({
  name: "idling",
  atRest: (scene, until) => {
    for (const { abilities, asked, goodSince, id, isAsleep, node, side } of scene.connections.values()) {
      if (asked > 0 || isAsleep || side !== "workers") continue
      if (abilities.size === 0 || goodSince === undefined || scene.stopping.has(node)) continue
      const room = roomOf(node)
      if (room === undefined || busy(scene, node) >= room || isBlocked(node, id)) continue
      throw new Violation(24, `${node} has room, and neither asks nor sleeps at connection ${id} until ${until} ms`)
    }
  }
})

/**
 * A function with a limit of its own has its turn, however many jobs of others wait at the
 * worker. `limitOf` gives the limit of a worker's function; `mostOf` how many other jobs may
 * begin before it is asked for, undefined for workers that have no such function.
 *
 * @since 0.1.0
 * @category properties
 */
export const ownTurns = (
  limitOf: (worker: string, fn: string) => number | undefined,
  mostOf: (worker: string) => number | undefined
): Property => {
  /** How many others have begun while it could have been asked for. */
  const passed = noted<Connection, { over: number }>(() => ({ over: 0 }))
  return {
    name: "ownTurns",
    of: "workers",
    said: (_, connection, { name }) => {
      if (name.startsWith("GRAB_JOB")) passed(connection).over = 0
    },
    began: (scene, { function: begun, node }) => {
      const most = mostOf(node)
      if (most === undefined || scene.stopping.has(node)) return
      for (const connection of scene.connectionsOf(node)) {
        const { abilities, asked, held, isAsleep } = connection
        const own = [...abilities.keys()].find((fn) => limitOf(node, fn) !== undefined)
        const isWanting = own !== undefined && asked === 0 && !isAsleep && held.size < limitOf(node, own)!
        const mine = passed(connection)
        mine.over = isWanting && own !== begun ? mine.over + 1 : 0
        if (mine.over > most)
          throw new Violation(31, `${node} began ${mine.over} other jobs, and has not asked for one of ${own}`)
      }
    }
  }
}
