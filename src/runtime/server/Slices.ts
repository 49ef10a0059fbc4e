/**
 * Long work in short pieces, so that whoever waits for the process to do something else
 * does not wait for all of it.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** How long one piece takes at most, unless a step of the work takes longer by itself. */
const pieceMillis = 2

/** All that waited has had its turn. */
const nextTurn = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})

/** Of many who ask at once, each would have its piece of one and the same turn. */
const oneAtATime = Semaphore.makeUnsafe(1)

/** Does the work, which pauses wherever it may be left alone for a while; other such work waits until it is done. */
export const inSlices = <A>(work: () => Generator<void, A>): Effect.Effect<A> =>
  oneAtATime.withPermit(
    Effect.gen(function* () {
      const steps = work()
      while (true) {
        const endMillis = performance.now() + pieceMillis
        do {
          const { done, value } = steps.next()
          if (done === true) return value
        } while (performance.now() < endMillis)
        yield* nextTurn
      }
    })
  )

/** Does it at once. */
export const atOnce = <A>(work: () => Generator<void, A>): A => {
  const steps = work()
  while (true) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
