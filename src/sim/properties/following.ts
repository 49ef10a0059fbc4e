/**
 * What several properties need to judge by the scene.
 *
 * @since 0.1.0
 */
import type { Connection, Scene } from "./Scene.ts"

/** Longer than a program takes to notice a server's first answer. */
export const noticeMillis = 200

/**
 * Tells whether nothing holds a program up.
 *
 * @since 0.1.0
 * @category models
 */
export type IsPrompt = (node: string) => boolean

/**
 * What a property notes of callers, connections, jobs or handlers, as it is at first.
 *
 * @since 0.1.0
 * @category constructors
 */
export const noted = <K extends object, A>(make: (of: K) => A): ((of: K) => A) => {
  const notes = new WeakMap<K, A>()
  return (of) => {
    const known = notes.get(of)
    if (known !== undefined) return known
    const made = make(of)
    notes.set(of, made)
    return made
  }
}

/**
 * Those of a machine over which a server had answered well before.
 *
 * @since 0.1.0
 * @category getters
 */
export const goodBefore = (scene: Scene, node: string, at: number): ReadonlyArray<Connection> =>
  scene.connectionsOf(node).filter(({ goodSince = Infinity }) => goodSince + noticeMillis < at)
