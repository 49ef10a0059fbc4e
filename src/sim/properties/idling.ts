/**
 * A worker that has room asks for jobs, or sleeps, at each of its servers: property 24.
 *
 * @since 0.1.0
 */
import * as Network from "../../protocol/Network.ts"
import { endsJob } from "./History.ts"
import { Peers } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

interface Spoken {
  /** Its server knows what it can do. */
  isIntroduced: boolean
  asked: number
  isAsleep: boolean
  readonly held: Set<string>
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
): Property => {
  const peers = new Peers((): Spoken => ({ isIntroduced: false, asked: 0, isAsleep: false, held: new Set() }))
  /** By worker and execution, the server and the handle: two servers may have handles alike. */
  const running = new Map<string, Map<number, string>>()
  /** A worker may have the same job again while an attempt that is overdue still runs, or waits to say so. */
  const busy = (node: string): number => {
    const handles = running.get(node) ?? new Map<number, string>()
    const underWay = new Set(handles.values())
    let [asked, held, idle] = [0, 0, 0]
    for (const [connection, one] of peers.connections) {
      if (one.node !== node) continue
      asked += one.asked
      held += one.held.size
      const server = `${peers.serverOf.get(connection)}:${Network.defaultPort}`
      for (const handle of one.held) if (!underWay.has(`${server} ${handle}`)) idle++
    }
    return asked + Math.max(held, handles.size + idle)
  }
  const hear = (mine: Spoken, name: string, handle: string): void => {
    if (name === "NOOP") mine.isAsleep = false
    else if (name === "NO_JOB") mine.asked--
    else if (name.startsWith("JOB_ASSIGN")) {
      mine.asked--
      mine.held.add(handle)
    }
  }
  const say = (mine: Spoken, name: string, handle: string): void => {
    if (name.startsWith("CAN_DO")) mine.isIntroduced = true
    else if (name === "PRE_SLEEP") mine.isAsleep = true
    else if (endsJob.has(name)) mine.held.delete(handle)
    else if (name.startsWith("GRAB_JOB")) {
      mine.isAsleep = false
      mine.asked++
    }
  }
  return {
    name: "idling",
    packets: "workers",
    observe: (moment) => {
      const { event } = moment
      peers.follow(moment)
      switch (event._tag) {
        case "Packet": {
          const { fields, got, name } = event
          const [handle = ""] = fields
          if (got) hear(peers.of(event), name, handle)
          else say(peers.of(event), name, handle)
          return
        }
        case "Began":
          if (!running.has(event.node)) running.set(event.node, new Map())
          running.get(event.node)!.set(event.execution, `${event.server} ${event.handle}`)
          return
        case "Finished":
          running.get(event.node)?.delete(event.execution)
          return
        case "Started":
        case "Ended":
          running.delete(event.node)
      }
    },
    atRest: (_servers, until) => {
      for (const [connection, { asked, goodSince, isAsleep, isIntroduced, node }] of peers.connections) {
        if (asked > 0 || isAsleep || goodSince === undefined || !isIntroduced || peers.stopping.has(node)) continue
        const room = roomOf(node)
        if (room === undefined || busy(node) >= room || isBlocked(node, connection)) continue
        throw new Violation(
          24,
          `${node} has room, and neither asks nor sleeps at connection ${connection} until ${until} ms at least`
        )
      }
    }
  }
}
