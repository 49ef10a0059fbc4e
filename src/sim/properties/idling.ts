/**
 * A worker that has room asks for jobs, or sleeps, at each of its servers: property 24.
 *
 * @since 0.1.0
 */
import * as Network from "../../protocol/Network.ts"
import { type Property, Violation } from "./Property.ts"
import type { Scene } from "./Scene.ts"

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
