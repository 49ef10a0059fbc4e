/**
 * What a property is: it watches, and says when something is not as it must be. The
 * numbers are those of the project's list of properties, in `docs/simulation.md`.
 *
 * @since 0.1.0
 */
import { type Event, type Moment, type Side, sideOf } from "./History.ts"
import type { ServerModel, ServerWatcher } from "./ServerModel.ts"

/**
 * A property does not hold: at a step, or in the end, or since a step has no end.
 *
 * @since 0.1.0
 * @category errors
 */
export class Violation extends Error {
  override readonly name = "Violation"
  readonly property: number
  readonly kind: "safety" | "liveness" | "endless"

  constructor(property: number, text: string, kind: Violation["kind"] = "safety") {
    super(`property ${property}: ${text}`)
    this.property = property
    this.kind = kind
  }
}

/**
 * A family of properties over one run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Property extends ServerWatcher {
  readonly name: string
  /** At whose side `observe` is shown packets; at all if undefined. Peers are all but job servers. */
  readonly packets?: Side | "peers" | "none" | undefined
  /** Each thing that happened, in the order it did. */
  readonly observe?: ((moment: Moment) => void) | undefined
  /** A step of the world is over and something has happened in it. */
  readonly afterStep?: ((servers: ReadonlyMap<string, ServerModel>, now: number) => void) | undefined
  /** Nobody has anything to do at this moment, and nothing happens until after `until`. */
  readonly atRest?: ((servers: ReadonlyMap<string, ServerModel>, until: number) => void) | undefined
  /** The run is over: every fault healed, every caller answered, every program stopped. */
  readonly atEnd?: (() => void) | undefined
}

/**
 * Tells whether a property's `observe` is shown packets that are seen at that side.
 *
 * @since 0.1.0
 * @category predicates
 */
export const sees = ({ packets }: Property, side: Side): boolean =>
  packets === undefined || packets === side || (packets === "peers" && side !== "servers")

/**
 * Tells whether a property's `observe` is shown an event.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isShown = (property: Property, event: Event): boolean =>
  event._tag !== "Packet" || sees(property, sideOf(event))
