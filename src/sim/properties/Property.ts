/**
 * What a property is: it watches, and says when something is not as it must be. The
 * numbers are those of the project's list of properties, in `docs/simulation.md`.
 *
 * @since 0.1.0
 */
import type { Moment } from "./History.ts"
import type { Hears } from "./Hooks.ts"
import type { Scene, SceneWatcherOf } from "./Scene.ts"
import type { ServerWatcher } from "./ServerModel.ts"

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
 * A family of properties over one run: it is told what job servers do and what happens
 * besides them, and of the latter, with `of`, only what clients or workers do.
 *
 * @since 0.1.0
 * @category models
 */
export interface Property extends ServerWatcher, SceneWatcherOf {
  readonly name: string
  /** Each thing that happened, in the order it did, but for what others than job servers got and gave. */
  readonly observe?: Hears<[moment: Moment]>
  /** A step of the world is over and something has happened in it. */
  readonly afterStep?: Hears<[scene: Scene]>
  /** Nobody has anything to do at this moment, and nothing happens until after `until`. */
  readonly atRest?: Hears<[scene: Scene, until: number]>
  /** The run is over: every fault healed, every caller answered, every program stopped. */
  readonly atEnd?: Hears<[scene: Scene]>
}
