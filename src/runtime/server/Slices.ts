/**
 * Long work in short pieces, so that whoever waits for the process to do something else
 * does not wait for all of it.
 */
import * as Effect from "effect/Effect"

/** How long one piece takes at most, unless a step of the work takes longer by itself. */
const pieceMillis = 2

/** All that waited has had its turn. */
const nextTurn = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})

/** Does the work, which pauses wherever it may be left alone for a while. */
export const inSlices = <A>(work: () => Generator<void, A>): Effect.Effect<A> =>
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

/** Does it at once. */
export const atOnce = <A>(work: () => Generator<void, A>): A => {
  const steps = work()
  while (true) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
