/** Long work in pieces: what else there is to do has its turns in between, and so has the next such work. */
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

/** Takes several turns of the event loop. */
const work = (name: string, told: Array<string>) =>
  inSlices(function* () {
    told.push(`${name} begins`)
    for (let endMillis = performance.now() + 10; performance.now() < endMillis;) yield
    told.push(`${name} ends`)
    return name
  })

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

  it("is done one after the other, however many ask", async () => {
    const told: Array<string> = []
    setImmediate(() => told.push("somebody else"))
    const all = Effect.all([work("one", told), work("two", told)], { concurrency: "unbounded" })
    assert.deepStrictEqual(await Effect.runPromise(all), ["one", "two"])
    assert.deepStrictEqual(
      told.filter((line) => line !== "somebody else"),
      ["one begins", "one ends", "two begins", "two ends"]
    )
    assert.isBelow(told.indexOf("somebody else"), told.indexOf("one ends"))
  })

  it("goes on with the next when one is given up", async () => {
    const told: Array<string> = []
    const first = Effect.runFork(work("one", told))
    const second = Effect.runPromise(work("two", told))
    first.interruptUnsafe()
    assert.strictEqual(await second, "two")
    assert.notInclude(told, "one ends")
  })
})
