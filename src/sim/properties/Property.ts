/**
 * What a property is: it watches, and says when something is not as it must be. The
 * numbers are those of the project's list of properties, in `docs/simulation.md`.
 *
 * @since 0.1.0
 */
import type { Moment } from "./History.ts"
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
  /** Whose packets `observe` is shown; all if undefined. */
  readonly packets?: "servers" | "peers" | "none" | undefined
  /** Each thing that happened, in the order it did. */
  readonly observe?: ((moment: Moment) => void) | undefined
  /** A step of the world is over and something has happened in it. */
  readonly afterStep?: ((servers: ReadonlyMap<string, ServerModel>, now: number) => void) | undefined
  /** Nobody has anything to do at this moment, and nothing happens until after `until`. */
  readonly atRest?: ((servers: ReadonlyMap<string, ServerModel>, until: number) => void) | undefined
  /** The run is over: every fault healed, every caller answered, every program stopped. */
  readonly atEnd?: (() => void) | undefined
}
