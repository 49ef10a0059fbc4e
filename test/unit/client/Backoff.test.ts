/**
 * Waits between dials: from 100 ms to 5 s and a quarter, growing, never in step.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Backoff from "../../../src/protocol/connection/Backoff.ts"

describe("Backoff", () => {
  it("stays within its bounds, and grows with failures", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const wait = Backoff.milliseconds(failures, random)
        assert.isAtLeast(wait, 100)
        assert.isAtMost(wait, 6250)
        // However the dice fall, two failures more wait longer, until the longest wait is reached.
        assert.isAtLeast(Backoff.milliseconds(failures + 2, 0), Math.min(wait, 3750))
      })
    )
  })

  it("differs between clients, also when a server has long been away", () => {
    for (const failures of [3, 100]) {
      assert.isAbove(Backoff.milliseconds(failures, 0.9), 1.3 * Backoff.milliseconds(failures, 0.1))
    }
  })
})
