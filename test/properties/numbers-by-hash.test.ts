/** Job numbers by hash: the same as in a map, whatever is added and taken away. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { NumbersByHash } from "../../src/protocol/server/NumbersByHash.ts"

// All in one of the tables and near to each other there, the last places and the first among
// them, so that probes meet, wrap around, and what is taken away leaves gaps between them.
const crowded = FastCheck.tuple(
  FastCheck.constantFrom(0, 1, 13, 14, 15, 30, 31, 60, 2 ** 24 - 1),
  FastCheck.nat(3)
).map(([place, more]) => ((place + more * 64) << 8) | 5)
const hash = FastCheck.oneof(crowded, FastCheck.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
const step = FastCheck.record({ isAdded: FastCheck.boolean(), hash })

describe("numbers by hash", () => {
  it("are found as in a map", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(step, { maxLength: 300 }), (steps) => {
        const [table, map] = [new NumbersByHash(), new Map<number, number>()]
        for (const [index, { hash, isAdded }] of steps.entries()) {
          if (isAdded) {
            assert.strictEqual(table.add(hash, index + 1), !map.has(hash))
            if (!map.has(hash)) map.set(hash, index + 1)
          } else {
            table.delete(hash)
            map.delete(hash)
          }
          assert.strictEqual(table.size, map.size)
          assert.strictEqual(table.get(hash), map.get(hash) ?? 0)
        }
        for (const { hash } of steps) assert.strictEqual(table.get(hash), map.get(hash) ?? 0)
      }),
      { numRuns: 300 }
    )
  })

  it("grow, and shrink again", () => {
    const table = new NumbersByHash()
    const hashOf = (number: number) => Math.imul(number, 0x9e3779b1)
    const places = () =>
      (table["shards"] as ReadonlyArray<{ readonly numbers: Float64Array } | undefined>)
        .map((shard) => shard?.["numbers"].length ?? 0)
        .reduce((sum, length) => sum + length)
    for (let number = 1; number <= 100_000; number++) assert.isTrue(table.add(hashOf(number), number))
    for (let number = 1; number <= 100_000; number++) assert.strictEqual(table.get(hashOf(number)), number)
    assert.isAtMost(places(), 300_000)
    for (let number = 1; number <= 100_000; number++) table.delete(hashOf(number))
    assert.strictEqual(table.size, 0)
    assert.isAtMost(places(), 256 * 16)
  })
})
