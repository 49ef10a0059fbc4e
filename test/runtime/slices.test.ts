/** Long work in pieces: what else there is to do has its turns in between. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { assert, describe, it } from "vitest"
import { atOnce, inSlices } from "../../src/runtime/server/Slices.ts"

const stepMillis = 1

/** Counts to so many, and takes its time for each. */
const counting = (steps: number) =>
  function* (): Generator<void, number> {
    let count = 0
    while (count < steps) {
      const endMillis = performance.now() + stepMillis
      while (performance.now() < endMillis);
      count++
      yield
    }
    return count
  }

/** How often others have had a turn while `work` was done. */
const turnsDuring = async (work: () => Promise<unknown>): Promise<number> => {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isOver = true
  return turns
}

describe("work in slices", () => {
  it("is the same as at once, but others have their turns", async () => {
    const sliced = await turnsDuring(async () =>
      assert.strictEqual(await Effect.runPromise(inSlices(counting(40))), 40)
    )
    assert.isAbove(sliced, 5)
    const whole = await turnsDuring(async () => assert.strictEqual(atOnce(counting(40)), 40))
    assert.isBelow(whole, 3)
  })

  it("can be given up in between", async () => {
    let isOver = false
    const fiber = Effect.runFork(
      inSlices(function* () {
        yield* counting(10_000)()
        isOver = true
      })
    )
    await Effect.runPromise(Effect.sleep(20))
    await Effect.runPromise(Fiber.interrupt(fiber))
    assert.isFalse(isOver)
  })
})
