/**
 * Waits between dials: 100 ms to 30 s, growing, never in step.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Backoff from "../../../src/protocol/connection/Backoff.ts"

describe("Backoff", () => {
  it("stays within 100 ms and 30 s, and grows with failures", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const wait = Backoff.milliseconds(failures, random)
        assert.isAtLeast(wait, 100)
        assert.isAtMost(wait, 30_000)
        // However the dice fall, two failures more wait longer, until the longest wait is reached.
        assert.isAtLeast(Backoff.milliseconds(failures + 2, 0), Math.min(wait, 22_500))
      })
    )
  })

  it("differs between clients", () => {
    assert.notStrictEqual(Backoff.milliseconds(3, 0.1), Backoff.milliseconds(3, 0.9))
  })
})
