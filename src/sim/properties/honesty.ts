/**
 * What callers are told when something was lost: properties 36 and 38.
 *
 * @since 0.1.0
 */
import type { IsPrompt } from "./following.ts"
import { type Asked, isAwaited, submits } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import { packetOf } from "./requests.ts"
import type { Call } from "./Scene.ts"

/**
 * Nobody is told that there was no server whose job has been sent to one: it may run, and
 * whoever hears that it cannot will ask again. And a question whose connection is lost is
 * over, not kept until its time has passed. `wireWorkloadsOf` gives what a caller's jobs
 * carry on the wire. Not for calls that are asked of a second server too.
 *
 * @since 0.1.0
 * @category properties
 */
export const honesty = (wireWorkloadsOf: (asked: Asked) => ReadonlyArray<string>, isPrompt: IsPrompt): Property => {
  const sent = new WeakSet<Call>()
  return {
    name: "honesty",
    of: "clients",
    submitted: (scene, { function: fn, node, packet, unique, workload }) => {
      const isByWorkload = unique === "" || unique === "-"
      const same = scene.callsOf(node).filter((call) => {
        const isAlike = call.function === fn && (submits.has(call.kind) || call.kind === "map")
        if (!isAlike || packetOf(call) !== packet) return false
        return isByWorkload ? wireWorkloadsOf(call).includes(workload) : call.unique === unique
      })
      // Of equal ones that share nothing it is not known whose it was.
      if ((unique !== "" && isAwaited(packet)) || same.length === 1) for (const call of same) sent.add(call)
    },
    failed: (_, call, reason) => {
      const { caller, kind, node } = call
      if (reason === "NoServer" && sent.has(call))
        throw new Violation(38, `caller ${caller} was told that there was no server, and its job was sent`)
      if (reason === "Timeout" && (kind === "status" || kind === "echo") && isPrompt(node))
        throw new Violation(36, `caller ${caller} waited for an answer until its time was over`)
    }
  }
}
