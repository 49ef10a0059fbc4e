/**
 * How workers stop: they take nothing more, finish what they have, and are gone soon. Properties 20 and 58.
 *
 * @since 0.1.0
 */
import { type IsPrompt, noted } from "./following.ts"
import { type Property, Violation } from "./Property.ts"
import type { Connection } from "./Scene.ts"

/** Workers wait for their handlers for five seconds, by a clock that may run a tenth faster. */
const drainMillis = 4500

/** For the servers' confirmation they wait two seconds, and a handler that is interrupted needs a moment. */
const confirmMillis = 3000

/** What a worker has said before it knew that it is to stop is on its way after so long. */
const farewellMillis = 500

/**
 * `isServed` tells whose servers are all there all the time, `isHeard` which workers stop at
 * once, whatever they are about, and are not kept from saying things.
 *
 * @since 0.1.0
 * @category properties
 */
export const leaving = (
  isPrompt: IsPrompt,
  isServed: (worker: string) => boolean,
  isHeard: (worker: string) => boolean = () => true
): Property => {
  /** Handles of those that go back with the connection, since a handler of the function was interrupted. */
  const givenUp = noted<Connection, Set<string>>(() => new Set())
  const finishedAt = new Map<string, number>()
  const isJudged = (node: string) => isPrompt(node) && isServed(node)
  return {
    name: "leaving",
    of: "workers",
    heard: (_, connection, { fields: [handle = ""], name }) => {
      if (name.startsWith("JOB_ASSIGN")) givenUp(connection).delete(handle)
    },
    said: ({ now, stopping }, connection, { fields: [fn = ""], name, node }) => {
      const late = now - (stopping.get(node) ?? now)
      if (name.startsWith("GRAB_JOB") && late >= farewellMillis && isHeard(node) && isPrompt(node))
        throw new Violation(20, `${node} asks for another job ${late} ms after it was told to stop`)
      if (name !== "CANT_DO" || !isJudged(node)) return
      const mine = [...connection.held].filter(
        ([handle, job]) => job.function === fn && !givenUp(connection).has(handle)
      )
      if (connection.asked > 0 || mine.length > 0)
        throw new Violation(20, `${node} takes ${fn} back, and may have a job of it`)
    },
    lost: ({ now, stopping }, { held, id, node }) => {
      const since = stopping.get(node) ?? -Infinity
      if (held.size === 0 || now - since >= drainMillis || !isJudged(node)) return
      const [handle] = held.keys()
      throw new Violation(20, `${node}, told to stop at ${since} ms, leaves ${handle} behind at connection ${id}`)
    },
    finished: (scene, { handle, how, node }) => {
      finishedAt.set(node, scene.now)
      if (how !== "interrupted") return
      // When the time of one is up, so is that of those taken ahead, wherever from: they go back, too.
      const own = scene.connectionsOf(node)
      const fn = own.find(({ held }) => held.has(handle))?.held.get(handle)?.function
      for (const connection of own)
        for (const [other, job] of connection.held) if (job.function === fn) givenUp(connection).add(other)
    },
    started: (_, node) => void finishedAt.delete(node),
    ended: ({ now, stopping }, node, how) => {
      const since = stopping.get(node)
      const last = Math.max(since ?? now, finishedAt.get(node) ?? 0)
      if (how !== "ended" || now - last <= confirmMillis || !isJudged(node)) return
      throw new Violation(58, `${node} is gone only at ${now} ms, and had nothing to do since ${last} ms`)
    }
  }
}
