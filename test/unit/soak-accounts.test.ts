/** What a soak concludes from what it saw: the accounts, and the line through its samples. */
import { assert, describe, it } from "vitest"
import { Ledger } from "../../bench/soak/Ledger.ts"
import { type Sample, slopeOf } from "../../bench/soak/samples.ts"

describe("the accounts of a soak", () => {
  it("count a background job once, whichever is heard first, and know of those done again", () => {
    const ledger = new Ledger()
    const [early, late, twice] = [ledger.enter("background"), ledger.enter("background"), ledger.enter("delayed")]
    ledger.noted(early)
    assert.strictEqual(ledger.open, 3)
    ledger.accepted(early)
    ledger.accepted(late)
    ledger.noted(late)
    ledger.accepted(twice)
    ledger.noted(twice)
    ledger.noted(twice)
    assert.deepStrictEqual([ledger.open, ledger.repeated], [0, 1])
    assert.deepStrictEqual([ledger.ended("background", "done"), ledger.ended("delayed", "done")], [2, 1])
  })

  it("call a job lost that was accepted and never done, and not one whose submitter left before", () => {
    const ledger = new Ledger()
    ledger.accepted(ledger.enter("background"))
    ledger.givenUp(ledger.enter("background"))
    const done = ledger.enter("background")
    ledger.noted(done)
    ledger.givenUp(done)
    ledger.closeAll()
    const endings = (["done", "given up", "lost"] as const).map((ending) => ledger.ended("background", ending))
    assert.deepStrictEqual(endings, [1, 1, 1])
    assert.deepStrictEqual([...ledger.problems], [["accepted, and never done", 1]])
    assert.throws(() => ledger.noted(99), "nobody submitted")
  })
})

describe("the slope of a soak", () => {
  const line = (perHour: number, noise: (index: number) => number) =>
    Array.from({ length: 400 }, (_, index) => ({ minute: index / 10, value: (perHour * index) / 600 + noise(index) }))
  const slope = (points: ReadonlyArray<{ readonly minute: number; readonly value: number }>) =>
    slopeOf(points as unknown as ReadonlyArray<Sample>, (sample) => (sample as unknown as { value: number }).value)

  it("is the line's, saw teeth or not, and its interval holds the truth", () => {
    const teeth = slope(line(12, (index) => (index % 10) * 5))!
    assert.closeTo(teeth.perHour, 12, 0.5)
    const noisy = slope(line(0, (index) => ((index * 7919) % 101) / 10))!
    assert.isBelow(Math.abs(noisy.perHour), noisy.plusMinus)
    assert.isAbove(noisy.plusMinus, 0.01)
  })

  it("is unknown where there is too little to see", () => {
    assert.isUndefined(slope(line(1, () => 0).slice(0, 59)))
  })
})
