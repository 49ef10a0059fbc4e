import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Hash from "effect/Hash"
import { hermetically, Leak } from "../../../src/sim/Hermetic.ts"

const leaks: ReadonlyArray<readonly [string, () => unknown]> = [
  ["setTimeout", () => setTimeout(() => {}, 0)],
  ["setInterval", () => setInterval(() => {}, 0)],
  ["setImmediate", () => setImmediate(() => {})],
  ["queueMicrotask", () => queueMicrotask(() => {})],
  ["process.nextTick", () => process.nextTick(() => {})],
  ["Date.now", () => Date.now()],
  ["new Date()", () => new Date()],
  ["performance.now", () => performance.now()],
  ["process.hrtime", () => process.hrtime()],
  ["process.hrtime.bigint", () => process.hrtime.bigint()],
  ["AbortSignal.timeout", () => AbortSignal.timeout(1)],
  ["Math.random", () => Math.random()],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["Promise.prototype.then", () => Promise.resolve().then(() => {})]
]

describe("what no seed decides", () => {
  for (const [name, use] of leaks) {
    it(`${name} throws within a run, and works again after it`, () => {
      assert.throws(() => hermetically(use), Leak, name)
      assert.doesNotThrow(() => {
        const made = use()
        if (name === "setTimeout" || name === "setInterval") clearTimeout(made as NodeJS.Timeout)
      })
    })
  }

  it("is seen although the program swallows it", () => {
    assert.throws(
      () =>
        hermetically(() => {
          try {
            return Date.now()
          } catch {
            return 0
          }
        }),
      Leak
    )
  })

  it("is what is told, whatever else it has led to", () => {
    assert.throws(
      () =>
        hermetically(() => {
          try {
            Date.now()
          } catch {
            throw new TypeError("something else")
          }
        }),
      Leak
    )
  })

  it("leaves dates that are given, and Effect's own hashing", () => {
    hermetically(() => {
      assert.strictEqual(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z")
      assert.isNumber(Hash.hash(Cause.fail({ some: { nested: () => {} } })))
    })
  })
})
