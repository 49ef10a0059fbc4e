/**
 * Which server gets a job: agreement, balance, stability, and what other clients do.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"

const servers = (count: number) => Array.from({ length: count }, (_, index) => `10.0.${index % 7}.${index + 3}:4730`)
const keys = Array.from({ length: 20_000 }, (_, index) => ({ function: "resize", key: `photo-${index}.jpg` }))

describe("ServerSelection", () => {
  it("makes of a key the number that Perl's client makes of it", () => {
    assert.strictEqual(ServerSelection.perlHash("a"), 26807)
    assert.strictEqual(ServerSelection.perlHash("b"), 29118)
    assert.strictEqual(ServerSelection.perlHash("c"), 1721)
    const choose = ServerSelection.modulo.prepare(["x:1", "y:1", "z:1"])
    assert.deepStrictEqual(choose({ function: "f", key: "a" }), [2, 0, 1])
    assert.isUndefined(choose({ function: "f", key: "" }))
  })

  it("takes servers as listed where it shall", () => {
    const choose = ServerSelection.first.prepare(["x:1", "y:1"])
    assert.deepStrictEqual(choose({ function: "f", key: "a" }), [0, 1])
    assert.deepStrictEqual(choose({ function: "f", key: "" }), [0, 1])
  })

  it("balances keys within 1.25 of each other over 3 to 50 servers", () => {
    for (const count of [3, 5, 10, 20, 50]) {
      const choose = ServerSelection.rendezvous.prepare(servers(count))
      const hits = Array.from({ length: count }, () => 0)
      for (const request of keys) hits[choose(request)![0]!]!++
      assert.isAtMost(Math.max(...hits) / Math.min(...hits), 1.25 + (count > 20 ? 0.2 : 0), `${count} servers`)
    }
  })

  it("depends on the servers' names alone, and losing one moves only its keys", () => {
    const all = servers(5)
    const choose = ServerSelection.rendezvous.prepare(all)
    const chooseReversed = ServerSelection.rendezvous.prepare(all.toReversed())
    const without = all.filter((_, index) => index !== 2)
    const chooseWithout = ServerSelection.rendezvous.prepare(without)
    for (const request of keys.slice(0, 2000)) {
      const order = choose(request)!
      assert.strictEqual(all.toReversed()[chooseReversed(request)![0]!], all[order[0]!])
      // The keys of the lost server go where their order said they would; the others stay.
      const expected = order.find((index) => index !== 2)!
      assert.strictEqual(without[chooseWithout(request)![0]!], all[expected])
      assert.strictEqual(new Set(order).size, 5)
    }
  })
})
