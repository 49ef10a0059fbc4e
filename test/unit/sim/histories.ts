/** Hand-written histories: a few lines of packets at one job server, judged by one property. */
import type * as Packet from "../../../src/protocol/Packet.ts"
import type { Event, LineEvent, PacketEvent } from "../../../src/sim/properties/History.ts"
import { Hooks } from "../../../src/sim/properties/Hooks.ts"
import { type Property, Violation } from "../../../src/sim/properties/Property.ts"
import { Scene } from "../../../src/sim/properties/Scene.ts"
import { ServerModel, type ServerWatcher } from "../../../src/sim/properties/ServerModel.ts"

const words = (line: string): ReadonlyArray<string> => line.trim().split(/\s+/)

/**
 * The number of the property that a history violates, or 0. One event a line:
 *
 *     1 < SUBMIT_JOB f u w     connection 1 sent this to the server
 *     1 > JOB_CREATED H:1      the server sent this to connection 1
 *     1 < TEXT cancel job H:1   it sent a line; a tab is written as |
 *     1 closed
 *     wait 1000                milliseconds pass
 *     restart                  the server crashes and starts again
 *     --                       a step of the server is over
 *     rest 2000                and nobody has anything to do until that time; until now where nothing is said
 *
 * `''` is an empty field.
 */
export const judge = (make: () => Property, history: string, attemptsMax: number = Infinity): number => {
  const property = make()
  let now = 0
  const scene = new Scene([property])
  const show = (event: Event) => {
    scene.show(event, now)
    property.observe?.({ at: now, event })
  }
  const start = () => {
    const server = new ServerModel("server1", new Hooks<ServerWatcher>([property]), () => now, attemptsMax)
    scene.servers.set("server1", server)
    return server
  }
  let server = start()
  const stepEnds = () => property.afterStep?.(scene)
  try {
    for (const line of history.split("\n")) {
      const [first, second, name, ...rest] = words(line)
      if (first === undefined || first === "") continue
      if (first === "--") stepEnds()
      else if (first === "rest") {
        stepEnds()
        property.atRest?.(scene, second === undefined ? now : Number(second))
      } else if (first === "wait") now += Number(second)
      else if (first === "restart") server = start()
      else if (second === "closed") server.closed(Number(first))
      else {
        const got = second === "<"
        const fields = rest.map((field) => (field === "''" ? "" : field))
        const place = { node: "server1", connection: Number(first), atServer: true, got }
        if (name === "TEXT") {
          const line: LineEvent = { _tag: "Line", ...place, name, fields: [rest.join(" ").replaceAll("|", "\t")] }
          show(line)
          server.line(line)
          continue
        }
        const packet: PacketEvent = { _tag: "Packet", ...place, name: name as Packet.Name, fields }
        show(packet)
        if (got) server.got(packet)
        else server.gave(packet)
      }
    }
    stepEnds()
    property.atEnd?.(scene)
  } catch (error) {
    if (error instanceof Violation) return error.property
    throw error
  }
  return 0
}

export type Moments = ReadonlyArray<readonly [at: number, event: Event]>

/** The number of the property that does not hold over what clients and workers did by themselves and at rest until then, or 0. */
export const violated = (property: Property, moments: Moments, restsUntil = 0): number => {
  const scene = new Scene([property])
  try {
    for (const [at, event] of moments) {
      scene.show(event, at)
      if (event._tag !== "Packet" || event.atServer) property.observe?.({ at, event })
    }
    property.afterStep?.(scene)
    property.atRest?.(scene, restsUntil)
    return 0
  } catch (error) {
    if (error instanceof Violation) return error.property
    throw error
  }
}
