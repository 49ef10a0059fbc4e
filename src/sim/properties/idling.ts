/**
 * A worker that has room asks for jobs, or sleeps, at each of its servers: property 24.
 *
 * @since 0.1.0
 */
import * as Network from "../../protocol/Network.ts"
import { endsJob } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

interface Spoken {
  readonly node: string
  /** Its server has answered, and knows what it can do. */
  isHeard: boolean
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
  const connections = new Map<number, Spoken>()
  const serverOf = new Map<number, string>()
  /** By worker and execution, the server and the handle: two servers may have handles alike. */
  const running = new Map<string, Map<number, string>>()
  const stopping = new Set<string>()
  const forget = (node: string): void => {
    running.delete(node)
    for (const [id, one] of connections) if (one.node === node) connections.delete(id)
  }
  /** A worker may have the same job again while an attempt that is overdue still runs, or waits to say so. */
  const busy = (node: string): number => {
    const handles = running.get(node) ?? new Map<number, string>()
    const underWay = new Set(handles.values())
    let [asked, held, idle] = [0, 0, 0]
    for (const [connection, one] of connections) {
      if (one.node !== node) continue
      asked += one.asked
      held += one.held.size
      for (const handle of one.held) if (!underWay.has(`${serverOf.get(connection)} ${handle}`)) idle++
    }
    return asked + Math.max(held, handles.size + idle)
  }
  const hear = (mine: Spoken, name: string, handle: string): void => {
    mine.isHeard = true
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
    observe: ({ event }) => {
      switch (event._tag) {
        case "Packet": {
          const { connection, fields, got, name, node } = event
          let mine = connections.get(connection)
          if (mine === undefined) {
            mine = { node, isHeard: false, isIntroduced: false, asked: 0, isAsleep: false, held: new Set() }
            connections.set(connection, mine)
          }
          const [handle = ""] = fields
          if (got) hear(mine, name, handle)
          else say(mine, name, handle)
          return
        }
        case "Opened":
          if (event.atServer) serverOf.set(event.connection, `${event.node}:${Network.defaultPort}`)
          return
        case "Closed":
          if (!event.atServer) connections.delete(event.connection)
          return
        case "Began":
          if (!running.has(event.node)) running.set(event.node, new Map())
          running.get(event.node)!.set(event.execution, `${event.server} ${event.handle}`)
          return
        case "Finished":
          running.get(event.node)?.delete(event.execution)
          return
        case "Stopping":
          stopping.add(event.node)
          return
        case "Started":
          stopping.delete(event.node)
          forget(event.node)
          return
        case "Ended":
          forget(event.node)
      }
    },
    atRest: (_servers, until) => {
      for (const [connection, { asked, isAsleep, isHeard, isIntroduced, node }] of connections) {
        if (asked > 0 || isAsleep || !isHeard || !isIntroduced || stopping.has(node)) continue
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
