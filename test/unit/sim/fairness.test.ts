/** Attempts, callers and servers in their turn: each property with what it accepts and what it rejects. */
import { assert, describe, it } from "@effect/vitest"
import type * as Packet from "../../../src/protocol/Packet.ts"
import { hearing, lateWords, surrender } from "../../../src/sim/properties/attempts.ts"
import { hedging, queueing } from "../../../src/sim/properties/fairness.ts"
import { fanout } from "../../../src/sim/properties/fanout.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { redialling } from "../../../src/sim/properties/machines.ts"
import { judge, type Moments, violated } from "./histories.ts"

const packet =
  (got: boolean, node: string, connection = 1) =>
  (name: string, ...fields: ReadonlyArray<string>): Event => ({
    ...{ _tag: "Packet", node, connection, atServer: false, got },
    ...{ name: name as Packet.Name, fields }
  })
const says = packet(false, "client1")
const hears = packet(true, "client1")
const works = packet(false, "worker1")
const gets = packet(true, "worker1")

const asked = (caller: number, workload: string, unique = ""): Event => ({
  ...{ _tag: "Asked", node: "client1", caller, function: "f", unique, workload },
  ...{ kind: "run", priority: "normal", idempotent: true, interrupts: false }
})
const answered = (caller: number): Event => ({
  ...{ _tag: "Answered", node: "client1", caller, how: "success", text: "" }
})
const began: Event = {
  ...{ _tag: "Began", node: "worker1", execution: 7, server: "server1:4730", handle: "H:1" },
  ...{ function: "f", workload: "w" }
}
const interrupted: Event = { _tag: "Finished", node: "worker1", execution: 7, how: "interrupted" }

describe("properties of attempts", () => {
  it("5: a worker tells the progress that its handler has made", () => {
    const told = (numerator: string, denominator: string) =>
      violated(
        lateWords(() => true),
        [[0, works("WORK_STATUS", "H:1", numerator, denominator)]]
      )
    assert.strictEqual(told("7", "1000"), 0)
    assert.strictEqual(told("1000", "7"), 5)
  })

  it("19: a job over its time fails only once it could be put back", () => {
    const failing = (at: number, limit: number) =>
      violated(
        surrender(() => limit),
        [
          [0, gets("JOB_ASSIGN", "H:1", "f", "w")],
          [at, works("WORK_FAIL", "H:1")]
        ]
      )
    assert.strictEqual(failing(2000, 1000), 0)
    // It stood ready when the same job came again.
    assert.strictEqual(failing(0, 1000), 0)
    assert.strictEqual(failing(1000, 1000), 19)
    assert.strictEqual(failing(1000, 0), 0)
  })

  it("16: nobody says of the next attempt what belongs to the one before", () => {
    const late = (finishedAt: number, isPrompt = true, isAnew = true) =>
      violated(
        lateWords(() => isPrompt),
        [
          [0, gets("JOB_ASSIGN", "H:1", "f", "w")],
          [1, began],
          ...(isAnew ? ([[1000, gets("JOB_ASSIGN", "H:1", "f", "w")]] as const) : []),
          [finishedAt, interrupted],
          [1200, works("WORK_DATA", "H:1", "late 7")]
        ]
      )
    assert.strictEqual(late(1100), 16)
    assert.strictEqual(late(1100, false), 0)
    assert.strictEqual(late(1100, true, false), 0)
    // Said before, and sent since.
    assert.strictEqual(late(1001), 0)
  })

  it("5, 7: callers hear what was said, as it was said", () => {
    const hear = (kind: "data" | "warning" | "progress", text: string): Event => ({
      ...{ _tag: "Heard", node: "client1", caller: 1, kind, text }
    })
    const heard = (...events: ReadonlyArray<Event>) =>
      violated(
        hearing(),
        [asked(1, "w"), began, ...events].map((event) => [0, event])
      )
    assert.strictEqual(heard(hear("data", "data 7"), hear("warning", "warning 7"), answered(1)), 0)
    assert.strictEqual(heard(hear("progress", "progress 7 1000")), 0)
    assert.strictEqual(heard(hear("progress", "progress 1000 7")), 5)
    assert.strictEqual(heard(hear("data", "warning 7")), 5)
    assert.strictEqual(heard(hear("data", "data 8")), 5)
    assert.strictEqual(heard(hear("data", "data 7"), hear("data", "data 7")), 5)
    assert.strictEqual(heard(answered(1), hear("data", "data 7")), 7)
  })

  it("5: what a server may drop it need not have forwarded before what it did", () => {
    const history = (status: string) => `
      1 < SUBMIT_JOB f u w
      1 > JOB_CREATED H:1
      2 < CAN_DO_TIMEOUT f 1000
      2 < GRAB_JOB
      2 > JOB_ASSIGN H:1 f w
      --
      wait ${status}
      2 < WORK_STATUS H:1 1 2
      2 < WORK_COMPLETE H:1 r
      1 > WORK_COMPLETE H:1 r`
    assert.strictEqual(judge(fanout, history("900")), 0)
    assert.strictEqual(judge(fanout, history("10")), 5)
  })
})

describe("properties of turns", () => {
  it("30: who asks a client first is served first", () => {
    const queued = (at: number, first: string, isSingle = true) =>
      violated(
        queueing(
          ({ workload }) => [workload],
          () => isSingle
        ),
        [
          [0, asked(1, "a")],
          [at, asked(2, "b")],
          [200, says("SUBMIT_JOB", "f", "", first)]
        ]
      )
    assert.strictEqual(queued(100, "a"), 0)
    assert.strictEqual(queued(100, "b"), 30)
    assert.strictEqual(queued(10, "b"), 0)
    assert.strictEqual(queued(100, "b", false), 0)
  })

  it("30: whoever merges with nobody is told from its equals, and others are not judged", () => {
    const judged = (...moments: Moments) =>
      violated(
        queueing(
          ({ workload }) => [workload],
          () => true
        ),
        moments
      )
    const submit = says("SUBMIT_JOB", "f", "", "a")
    // Three are equal: each submission is the next one's.
    const equals = [
      [0, asked(1, "a")],
      [0, asked(2, "a")],
      [100, submit],
      [200, asked(3, "b")],
      [300, asked(4, "a")]
    ] as const
    assert.strictEqual(judged(...equals, [400, submit]), 0)
    assert.strictEqual(judged(...equals, [400, submit], [500, submit]), 30)
    assert.strictEqual(judged(...equals, [400, submit], [450, answered(3)], [500, submit]), 0)
    const merged = [
      [0, asked(1, "a", "u")],
      [100, asked(2, "b", "v")],
      [200, says("SUBMIT_JOB", "f", "v", "b")]
    ] as const
    assert.strictEqual(judged(...merged), 0)
  })

  it("35: a second server is another one", () => {
    const submit = says("SUBMIT_JOB", "f", "u", "w")
    const sent = (...events: ReadonlyArray<Event>) =>
      violated(
        hedging(() => true),
        [{ ...asked(1, "w", "u"), hedgeMillis: 0 } as Event, ...events].map((event) => [0, event])
      )
    assert.strictEqual(sent(submit, submit), 35)
    assert.strictEqual(sent(submit, hears("JOB_CREATED", "H:1"), submit), 35)
    assert.strictEqual(sent(submit, packet(false, "client1", 2)("SUBMIT_JOB", "f", "u", "w")), 0)
    assert.strictEqual(sent(submit, hears("JOB_CREATED", "H:1"), hears("WORK_COMPLETE", "H:1", "r"), submit), 0)
    assert.strictEqual(sent(submit, hears("JOB_CREATED", "H:1"), answered(1), submit), 0)
  })

  it("35, 37: a second server is asked when that is wanted, neither before nor long after", () => {
    const first = says("SUBMIT_JOB", "f", "u", "w")
    const second = packet(false, "client1", 2)("SUBMIT_JOB", "f", "u", "w")
    const hedged: Event = { ...asked(1, "w", "u"), hedgeMillis: 100 } as Event
    const judged = (until: number, ...moments: Moments) =>
      violated(
        hedging(() => true),
        [[0, hedged], ...moments],
        until
      )
    assert.strictEqual(judged(0, [1, first], [100, second]), 0)
    assert.strictEqual(judged(0, [1, first], [99, second]), 35)
    assert.strictEqual(judged(0, [1, first], [50, hears("ERROR", "JOB_QUEUE_FULL", "")], [99, second]), 0)
    assert.strictEqual(judged(5000, [1, first]), 37)
    assert.strictEqual(judged(1000, [1, first]), 0)
    assert.strictEqual(judged(5000, [1, first], [100, second]), 0)
    assert.strictEqual(judged(5000, [1, first], [3000, answered(1)]), 0)
  })

  it("43: a server that refuses is dialled again before long", () => {
    const dialled: Event = { _tag: "Dialled", node: "worker1", to: "server1:4730" }
    const at = (node: string, atServer: boolean, tag: "Opened" | "Closed"): Event => ({
      ...{ _tag: tag, node, connection: 1, atServer }
    })
    const connected = [
      [0, dialled],
      [1, at("server1", true, "Opened")],
      [2, at("worker1", false, "Opened")]
    ] as const
    const steady = (moments: Moments, until = 0) =>
      violated(
        redialling(() => true),
        moments,
        until
      )
    assert.strictEqual(steady([[0, dialled]], 10_000), 0)
    assert.strictEqual(steady([[0, dialled]], 20_000), 43)
    assert.strictEqual(
      steady([
        [0, dialled],
        [20_000, dialled]
      ]),
      43
    )
    assert.strictEqual(steady(connected, 20_000), 0)
    assert.strictEqual(steady([...connected, [3, at("worker1", false, "Closed")]], 20_000), 43)
    assert.strictEqual(
      violated(
        redialling(() => false),
        [[0, dialled]],
        20_000
      ),
      0
    )
  })
})
