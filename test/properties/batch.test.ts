/** Joining packets to few pieces changes no byte. */
import { assert, describe, it } from "vitest"
import * as fc from "fast-check"
import { join } from "../../src/protocol/connection/Batch.ts"

const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(20_000), fc.constantFrom(0, 8191, 8192, 65_536)), { maxLength: 60 })

describe("packets that leave together", () => {
  it("are the same bytes in few pieces, none of them large by joining", () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        let next = 0
        const packets: Array<Uint8Array> = lengths.map((length) => Uint8Array.from({ length }, () => next++ % 251))
        const pieces = join(packets)
        assert.isTrue(Buffer.concat(pieces).equals(Buffer.concat(packets)))
        for (const piece of pieces) assert.isTrue(piece.length <= 65_536 || packets.includes(piece))
        const total = lengths.reduce((sum, length) => sum + length, 0)
        const large = lengths.filter((length) => length >= 8192).length
        assert.isAtMost(pieces.length, Math.ceil(total / (65_536 - 8192)) + 2 * large + 1)
      })
    )
  })
})
