/**
 * What a map's caller gets on the way, and when: properties 49 to 51.
 *
 * @since 0.1.0
 */
import { type IsPrompt, noted } from "./following.ts"
import type { Asked } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call } from "./Scene.ts"

/** Longer than a client takes to let go of a map's other items. */
const letGoMillis = 1000

/**
 * Each item that ends is counted once, in its turn, and all are when a map has succeeded.
 * A failure ends a map that does not collect. A stream has no more items under way or
 * unread than its window, in the order of its input; as they come, whoever reads gets what
 * is done at once. `workloadsOf` gives what a map's items carry.
 *
 * @since 0.1.0
 * @category properties
 */
export const mapResults = (workloadsOf: (asked: Asked) => ReadonlyArray<string>, isPrompt: IsPrompt): Property => {
  const itemsOf = noted((call: Call) => ({
    ...{ workloads: workloadsOf(call), done: 0, failed: 0, failedAt: Infinity },
    /** Results that its caller has been given. */
    given: 0
  }))
  /** How many callers of a client have ever wanted this. */
  const wanted = new Map<string, number>()
  const keyOf = (node: string, fn: string, workload: string) => `${node} ${fn} ${workload}`
  return {
    name: "map results",
    of: "clients",
    asked: (_, call) => {
      for (const workload of workloadsOf(call)) {
        const key = keyOf(call.node, call.function, workload)
        wanted.set(key, (wanted.get(key) ?? 0) + 1)
      }
    },
    strayed: (_, { _tag, caller, text }) => {
      if (_tag === "Mapped") throw new Violation(49, `caller ${caller} gets ${text} after its end`)
    },
    mapped: ({ now }, call, { kind, text }) => {
      const items = itemsOf(call)
      if (kind === "result") {
        items.given++
        return
      }
      const [done = 0, failed = 0, total = 0] = text.split(" ").map(Number)
      const isFailure = failed === items.failed + 1
      const isTotal = call.map?.order === undefined ? total === items.workloads.length : Number.isNaN(total)
      if (done !== items.done + 1 || (!isFailure && failed !== items.failed) || !isTotal)
        throw new Violation(49, `caller ${call.caller} was told of ${text} items, after ${items.done} ${items.failed}`)
      items.done = done
      items.failed = failed
      if (isFailure) items.failedAt = Math.min(items.failedAt, now)
    },
    answered: (_, call, { how, text }) => {
      if (call.map === undefined || how !== "success") return
      const { done, failed, given, workloads } = itemsOf(call)
      const failures = text.split(",").filter((place) => place.startsWith("ItemFailed ")).length
      if (done === workloads.length && failed === failures && (call.map.order === undefined || given === done)) return
      const has = `caller ${call.caller} has results of ${workloads.length} items, of which ${failures} failed`
      throw new Violation(49, `${has}, and was told of ${done} ${failed}`)
    },
    submitted: (scene, { function: fn, node, workload }) => {
      if (wanted.get(keyOf(node, fn, workload)) !== 1) return
      for (const call of scene.callsOf(node)) {
        if (call.map?.order !== "input" || call.function !== fn) continue
        const { given, workloads } = itemsOf(call)
        const { window } = call.map
        const index = workloads.indexOf(workload)
        // One may be on its way to its reader: it does not wait any more.
        if (index <= given + window) continue
        const has = `who has ${given} results and a window of ${window}`
        throw new Violation(50, `${node} submits item ${index} of caller ${call.caller}, ${has}`)
      }
    },
    atRest: ({ calls }, until) => {
      for (const call of calls.values()) {
        const { caller, map, node } = call
        // Who reads slowly may be at the result before.
        if (map === undefined || map.isReadSlowly || !isPrompt(node)) continue
        const { done, failed, failedAt, given } = itemsOf(call)
        const isFailing = failed > 0 && !map.collects
        if (isFailing && until - failedAt > letGoMillis)
          throw new Violation(49, `caller ${caller} waits for its map, of which an item failed at ${failedAt} ms`)
        if (map.order === "completion" && !isFailing && given !== done)
          throw new Violation(51, `caller ${caller} has ${given} results of its map, and ${done} are there`)
      }
    }
  }
}
