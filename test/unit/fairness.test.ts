/** Who is heard before the event loop goes round again, in a world whose time stands still by itself. */
import { assert, describe, it } from "vitest"
import { Fairness } from "../../src/runtime/network/Fairness.ts"

/** Work takes time by what a byte costs; `round` is one round of the event loop. */
const make = () => {
  let now = 0
  let due: Array<() => void> = []
  /** What it will take to send the answers, and who has been sent theirs. */
  let owedMillis = 0
  let unanswered: Array<number> = []
  const answered: Array<ReadonlyArray<number>> = []
  const fairness = new Fairness({
    nowMillis: () => now,
    later: (act) => void due.push(act),
    settle: () => {
      now += owedMillis
      owedMillis = 0
      if (unanswered.length > 0) answered.push(unanswered)
      unanswered = []
    }
  })
  let peers = 0
  const peer = (millisPerByte: number, answerMillisPerByte = 0) => {
    const number = peers++
    const heard: Array<number> = []
    let caughtUp = 0
    const share = fairness.join({
      work: (bytes) => {
        now += bytes.length * millisPerByte
        owedMillis += bytes.length * answerMillisPerByte
        unanswered.push(number)
        heard.push(...bytes)
      },
      caughtUp: () => caughtUp++
    })
    return { share, heard, caughtUp: () => caughtUp }
  }
  const round = () => {
    const acts = due
    due = []
    for (const act of acts) act()
    return acts.length
  }
  return { peer, round, answered, pass: (millis: number) => (now += millis), now: () => now }
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
    const flooders = [0.001, 0.01, 0.0001, 0.001].map((cost) => peer(cost))
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

  it("sends the answer of one who was heard at once before it serves those who are behind", () => {
    const { answered, peer, round } = make()
    const [flooder, innocent] = [peer(0.001), peer(0.001)]
    flooder.share.hear(bytes(65_536))
    innocent.share.hear(bytes(60))
    round()
    assert.deepStrictEqual(answered[0], [1])
    assert.deepStrictEqual(new Set(answered[1]), new Set([0]))
  })

  it("answers an innocent within one round of the loop and a millisecond and a half, whoever floods", () => {
    // Payload, small packets, packets whose answers cost most, and questions about everything.
    const flooding: ReadonlyArray<readonly [number, number]> = [
      [0.000_01, 0],
      [0.000_1, 0.000_05],
      [0.000_02, 0.000_4],
      [0.01, 0.01]
    ]
    const { answered, now, pass, peer, round } = make()
    const flooders = Array.from({ length: 16 }, (_, index) => peer(...flooding[index % flooding.length]!))
    const innocent = peer(0.000_1)
    const waits: Array<number> = []
    for (let turn = 0; turn < 1_000; turn++) {
      for (const { share } of flooders) if (!share.isBehind) share.hear(bytes(65_536))
      const before = now()
      innocent.share.hear(bytes(60))
      const first = answered.length
      round()
      assert.isTrue(answered[first]!.includes(16))
      waits.push(now() - before)
      pass(0.01)
    }
    // The first slices are cut without experience.
    assert.isAtMost(Math.max(...waits.slice(100)), 1.5)
    for (const { heard } of flooders) assert.isNotEmpty(heard)
  })

  it("holds nobody back while a turn of the loop has time and nobody waits", () => {
    const { peer, pass, round } = make()
    const busy = [peer(0.001), peer(0.001)]
    // Beyond its allowance ten times over, and yet at once, turn after turn.
    for (let turn = 0; turn < 1_000; turn++) {
      for (const { share } of busy) {
        share.hear(bytes(60))
        assert.isFalse(share.isBehind)
      }
      pass(0.01)
      round()
    }
    // When all of a turn's time is used up, the next one waits.
    let waited = 0
    for (let count = 0; count < 10; count++) {
      busy[0]!.share.hear(bytes(60))
      if (busy[0]!.share.isBehind) waited++
    }
    assert.isAbove(waited, 0)
  })

  it("cuts slices by what it took to send the answers too", () => {
    const { peer, round } = make()
    const [cheap, dear] = [peer(0.000_01), peer(0.000_01, 0.01)]
    /** What is heard of it in a round, once there is experience. */
    const heardInRound = ({ heard, share }: typeof cheap) => {
      share.hear(bytes(65_536))
      let before = 0
      for (let rounds = 0; rounds < 20 && share.isBehind; rounds++) {
        before = heard.length
        round()
      }
      return heard.length - before
    }
    assert.isAbove(heardInRound(cheap), 1_000)
    assert.isBelow(heardInRound(dear), 200)
  })
})
