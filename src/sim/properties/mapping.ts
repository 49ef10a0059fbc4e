/**
 * A map makes use of its window: property 51.
 *
 * @since 0.1.0
 */
import { noted } from "./following.ts"
import type { Asked } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call } from "./Scene.ts"

/**
 * While one item of a map is under way, so are others, as many as its window has room for:
 * else a slow one would hold up all. `mayUse` tells which clients have one server, which
 * nothing keeps them from; `workloadsOf` gives what a map's items carry.
 *
 * @since 0.1.0
 * @category properties
 */
export const mapping = (
  mayUse: (client: string) => boolean,
  workloadsOf: (asked: Asked) => ReadonlyArray<string>
): Property => {
  const itemsOf = noted((call: Call) => ({ workloads: workloadsOf(call), sent: 0 }))
  return {
    name: "mapping",
    of: "clients",
    submitted: (scene, { node, workload }) => {
      for (const call of scene.callsOf(node)) {
        if (call.map === undefined) continue
        const items = itemsOf(call)
        if (items.workloads.includes(workload)) items.sent++
      }
    },
    atRest: ({ calls, stopping }) => {
      for (const call of calls.values()) {
        const { caller, map, node, unique } = call
        // Equal items of a function that merges are one job, whoever asked first.
        if (map === undefined || unique !== "" || !mayUse(node) || stopping.has(node)) continue
        const { sent, workloads } = itemsOf(call)
        if (sent > 0 && sent < Math.min(map.window, workloads.length))
          throw new Violation(51, `caller ${caller} has ${sent} items of its map under way, and room for ${map.window}`)
      }
    }
  }
}
