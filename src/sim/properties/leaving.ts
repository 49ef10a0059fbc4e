/**
 * How workers stop: they finish what they have, and are gone soon. Properties 20 and 58.
 *
 * @since 0.1.0
 */
import { endsJob } from "./History.ts"
import { type Connection, Peers } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

/** Workers wait for their handlers for five seconds, by a clock that may run a tenth faster. */
const drainMillis = 4500

/** For the servers' confirmation they wait two seconds, and a handler that is interrupted needs a moment. */
const confirmMillis = 3000

interface Spoken {
  asked: number
  /** By handle, the function. */
  readonly held: Map<string, string>
  /** Of those, the ones that go back with the connection, since a handler of the function was interrupted. */
  readonly givenUp: Set<string>
}

/**
 * `isPrompt` tells whose programs nothing holds up, `isServed` whose servers are all there
 * all the time.
 *
 * @since 0.1.0
 * @category properties
 */
export const leaving = (isPrompt: (worker: string) => boolean, isServed: (worker: string) => boolean): Property => {
  const peers = new Peers((): Spoken => ({ asked: 0, held: new Map(), givenUp: new Set() }))
  /** By worker, since when it stops. */
  const stopping = new Map<string, number>()
  const finishedAt = new Map<string, number>()
  /** By execution. */
  const handles = new Map<number, string>()
  /** When the time of one is up, so is that of those taken ahead, wherever from: they go back, too. */
  const giveUp = (node: string, handle: string): void => {
    const own = [...peers.connections.values()].filter((one) => one.node === node)
    const fn = own.find(({ held }) => held.has(handle))?.held.get(handle)
    for (const { givenUp, held } of own) for (const [other, its] of held) if (its === fn) givenUp.add(other)
  }
  const forget = (node: string): void => {
    stopping.delete(node)
    finishedAt.delete(node)
  }
  const say = (mine: Spoken & Connection, name: string, first: string): void => {
    const { givenUp, held, node } = mine
    const isHeld = (fn: string) => [...held].some(([handle, its]) => its === fn && !givenUp.has(handle))
    if (endsJob.has(name)) held.delete(first)
    else if (name.startsWith("GRAB_JOB")) mine.asked++
    else if (name === "CANT_DO" && (mine.asked > 0 || isHeld(first)) && isPrompt(node) && isServed(node))
      throw new Violation(20, `${node} takes ${first} back, and may have a job of it`)
  }
  const judgeLoss = ({ held, node }: Spoken & Connection, connection: number, at: number): void => {
    const since = stopping.get(node)
    if (since === undefined || at - since >= drainMillis || !isPrompt(node) || !isServed(node)) return
    const [handle] = held.keys()
    if (handle === undefined) return
    throw new Violation(
      20,
      `${node} leaves ${handle} behind at connection ${connection}, ${at - since} ms after it was told to stop`
    )
  }
  return {
    name: "leaving",
    packets: "workers",
    observe: (moment) => {
      const { at, event } = moment
      if (event._tag === "Closed" && !event.atServer) {
        const lost = peers.connections.get(event.connection)
        if (lost !== undefined) judgeLoss(lost, event.connection, at)
      }
      peers.follow(moment)
      switch (event._tag) {
        case "Packet": {
          const { fields, got, name } = event
          const mine = peers.of(event)
          const [first = "", fn = ""] = fields
          if (!got) return say(mine, name, first)
          const isJob = name.startsWith("JOB_ASSIGN")
          if (isJob || name === "NO_JOB") mine.asked--
          if (!isJob) return
          mine.held.set(first, fn)
          mine.givenUp.delete(first)
          return
        }
        case "Began":
          handles.set(event.execution, event.handle)
          return
        case "Finished":
          finishedAt.set(event.node, at)
          if (event.how === "interrupted") giveUp(event.node, handles.get(event.execution) ?? "")
          handles.delete(event.execution)
          return
        case "Stopping":
          if (event.node.startsWith("worker") && !stopping.has(event.node)) stopping.set(event.node, at)
          return
        case "Started":
          return forget(event.node)
        case "Ended": {
          const since = stopping.get(event.node)
          const last = Math.max(since ?? at, finishedAt.get(event.node) ?? 0)
          forget(event.node)
          if (event.how !== "ended" || at - last <= confirmMillis || !isPrompt(event.node) || !isServed(event.node))
            return
          throw new Violation(58, `${event.node} is gone only at ${at} ms, and had nothing to do since ${last} ms`)
        }
      }
    }
  }
}
