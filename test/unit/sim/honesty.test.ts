/** What callers are told when something was lost, and what servers find wrong with themselves. */
import { assert, describe, it } from "@effect/vitest"
import type * as Packet from "../../../src/protocol/Packet.ts"
import { audit } from "../../../src/sim/properties/audit.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { honesty } from "../../../src/sim/properties/honesty.ts"
import { judge, violated } from "./histories.ts"

const asked = (caller: number, of: Partial<Extract<Event, { _tag: "Asked" }>> = {}): Event => ({
  ...{ _tag: "Asked", node: "client1", caller, function: "f", unique: "", workload: "w" },
  ...{ kind: "run", priority: "normal", idempotent: false, interrupts: false },
  ...of
})
const told = (caller: number, text: string): Event => ({
  ...{ _tag: "Answered", node: "client1", caller, how: "failure", text }
})
const submits = (unique: string, name: Packet.Name = "SUBMIT_JOB"): Event => ({
  ...{ _tag: "Packet", node: "client1", connection: 1, atServer: false, got: false },
  ...{ name, fields: ["f", unique, "w"] }
})

const judged = (events: ReadonlyArray<Event>, isPrompt = true) =>
  violated(
    honesty(
      ({ workload }) => [workload],
      () => isPrompt
    ),
    events.map((event) => [0, event])
  )

describe("honesty", () => {
  it("38: what was sent may run, and nobody is told that it cannot", () => {
    assert.strictEqual(judged([asked(1), told(1, "NoServer")]), 0)
    assert.strictEqual(judged([asked(1), submits(""), told(1, "Ambiguous")]), 0)
    assert.strictEqual(judged([asked(1), submits(""), told(1, "NoServer")]), 38)
    assert.strictEqual(judged([asked(1, { priority: "low" }), submits(""), told(1, "NoServer")]), 0)
    assert.strictEqual(judged([asked(1, { kind: "echo" }), submits(""), told(1, "NoServer")]), 0)
    // Of two equal ones that share nothing, it may be the other's.
    assert.strictEqual(judged([asked(1), asked(2), submits(""), told(2, "NoServer")]), 0)
    const shared = [asked(1, { unique: "u" }), asked(2, { unique: "u" }), submits("u")]
    assert.strictEqual(judged([...shared, told(2, "NoServer")]), 38)
    assert.strictEqual(judged([...shared, asked(3, { unique: "u" }), told(3, "NoServer")]), 0)
  })

  it("36: a question whose connection is lost is over", () => {
    assert.strictEqual(judged([asked(1, { kind: "echo" }), told(1, "NoServer")]), 0)
    assert.strictEqual(judged([asked(1, { kind: "status" }), told(1, "Timeout")]), 36)
    assert.strictEqual(judged([asked(1, { kind: "status" }), told(1, "Timeout")], false), 0)
  })
})

describe("a server's own books", () => {
  const history = "1 < CAN_DO f\n 1 closed\n rest"

  it("56: are looked at when a connection is gone", () => {
    assert.strictEqual(
      judge(() => audit(() => []), history),
      0
    )
    assert.strictEqual(
      judge(() => audit((node) => [`${node} has one job and counts two`]), history),
      56
    )
    assert.strictEqual(
      judge(() => audit(() => ["wrong"]), "1 < CAN_DO f\n rest"),
      0
    )
    assert.strictEqual(
      judge(() => audit(() => ["wrong"]), `1 < CAN_DO f${"\n rest".repeat(64)}`),
      56
    )
  })
})
