import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Hash from "effect/Hash"
import { format } from "node:util"
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

  it("is not the console: what is written there appears when the run is over, in order", () => {
    const shown: Array<string> = []
    const { error, log } = console
    const show = (...args: ReadonlyArray<unknown>) => {
      process.nextTick(() => {})
      shown.push(format(...args))
    }
    Object.assign(console, { error: show, log: show })
    try {
      const some = { count: 1 }
      assert.throws(
        () =>
          hermetically(() => {
            console.log("%d of", 1, some)
            some.count = 2
            console.error("wrong: 100 %s")
            assert.deepStrictEqual(shown, [])
            throw new TypeError("mine")
          }),
        TypeError
      )
      assert.deepStrictEqual(shown, ["1 of { count: 1 }", "wrong: 100 %s"])
      hermetically(() => {
        for (let line = 0; line < 10_005; line++) console.log(line)
      })
      assert.lengthOf(shown, 10_003)
      assert.strictEqual(shown.at(-1), "… 5 more lines were written to the console")
    } finally {
      Object.assign(console, { error, log })
    }
  })

  it("leaves dates that are given, and Effect's own hashing", () => {
    hermetically(() => {
      assert.strictEqual(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z")
      assert.isNumber(Hash.hash(Cause.fail({ some: { nested: () => {} } })))
    })
  })
})
