/** Who is heard before the event loop goes round again, in a world whose time stands still by itself. */
import { assert, describe, it } from "vitest"
import { Fairness } from "../../src/runtime/network/Fairness.ts"

/** Work takes time by what a byte costs; `round` is one round of the event loop. */
const make = () => {
  let now = 0
  let due: Array<() => void> = []
  const fairness = new Fairness({ nowMillis: () => now, later: (act) => void due.push(act) })
  const peer = (millisPerByte: number) => {
    const heard: Array<number> = []
    let caughtUp = 0
    const share = fairness.join(
      (bytes) => {
        now += bytes.length * millisPerByte
        heard.push(...bytes)
      },
      () => caughtUp++
    )
    return { share, heard, caughtUp: () => caughtUp }
  }
  const round = () => {
    const acts = due
    due = []
    for (const act of acts) act()
    return acts.length
  }
  return { peer, round, pass: (millis: number) => (now += millis), now: () => now }
}

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, index) => index % 251)

describe("Fairness", () => {
  it("hears one who asks for little at once, however much others are behind", () => {
    const { peer, now, pass } = make()
    const flooder = peer(0.001)
    flooder.share.hear(bytes(65_536))
    assert.isTrue(flooder.share.isBehind)
    const innocent = peer(0.001)
    for (let round = 0; round < 100; round++) {
      const before = now()
      innocent.share.hear(bytes(60))
      assert.closeTo(now() - before, 0.06, 1e-9)
      assert.isFalse(innocent.share.isBehind)
      pass(1)
    }
    assert.lengthOf(innocent.heard, 6_000)
  })

  it("works off everything in order, with never more than two milliseconds until the loop goes round", () => {
    const { peer, round, now } = make()
    const flooders = [0.001, 0.01, 0.0001, 0.001].map(peer)
    for (const { share } of flooders) share.hear(bytes(65_536))
    let rounds = 0
    let longest = 0
    for (let before = now(); round() > 0; before = now()) {
      rounds++
      // The first slices are cut without experience.
      if (rounds > 30) longest = Math.max(longest, now() - before)
    }
    for (const { caughtUp, heard, share } of flooders) {
      assert.deepStrictEqual(heard, [...bytes(65_536)])
      assert.isFalse(share.isBehind)
      assert.strictEqual(caughtUp(), 1)
    }
    assert.isAbove(rounds, 100)
    assert.isAtMost(longest, 2)
  })

  it("cuts slices down to a few bytes for those whose bytes are work, and takes turns", () => {
    const { peer, round } = make()
    // A question for everything's status, 7 bytes for 5 ms, and one with cheap bytes.
    const [heavy, cheap] = [peer(5 / 7), peer(0.000_01)]
    heavy.share.hear(bytes(8_000))
    cheap.share.hear(bytes(60_000))
    for (let rounds = 0; rounds < 20; rounds++) round()
    assert.lengthOf(cheap.heard, 60_000)
    const before = heavy.heard.length
    round()
    assert.isAtMost(heavy.heard.length - before, 16)
  })

  it("keeps what waits while its peer does not take its answers, and forgets it with its connection", () => {
    const { peer, round } = make()
    const { share, heard } = peer(0.000_1)
    share.hear(bytes(10_000))
    share.hold()
    round()
    share.hear(bytes(10))
    assert.lengthOf(heard, 0)
    share.release()
    while (round() > 0);
    assert.deepStrictEqual(heard, [...bytes(10_000), ...bytes(10)])
    share.hear(bytes(20_000))
    share.drop()
    while (round() > 0);
    assert.lengthOf(heard, 10_010)
  })
})
