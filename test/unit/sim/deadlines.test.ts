/** Callers' time limits: histories that hold, and that do not. */
import { assert, describe, it } from "@effect/vitest"
import { deadlines } from "../../../src/sim/properties/deadlines.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { violated } from "./histories.ts"

const asked: Event = {
  _tag: "Asked",
  node: "client1",
  caller: 1,
  function: "once",
  unique: "",
  workload: "i1@9",
  kind: "run",
  priority: "normal",
  idempotent: false,
  interrupts: false,
  limitMillis: 100
}

const ends = (how: "success" | "failure", text: string): Event => ({
  _tag: "Answered",
  node: "client1",
  caller: 1,
  how,
  text
})

/** What is violated when a caller that has asked at 0 ends like this, or waits until then. */
const judge = (at: number, end: Event | undefined, isPrompt = true): number =>
  violated(
    deadlines(() => isPrompt),
    [[0, asked], ...(end === undefined ? [] : [[at, end] as const])],
    at
  )

describe("a caller's time limit", () => {
  it("holds: told at its time, answered before, and waiting until then", () => {
    assert.strictEqual(judge(100, ends("failure", "Timeout")), 0)
    assert.strictEqual(judge(20, ends("success", "once(i1) by 1")), 0)
    assert.strictEqual(judge(100, undefined), 0)
  })

  it("breaks 61: told too early", () => {
    assert.strictEqual(judge(50, ends("failure", "Timeout")), 61)
  })

  it("breaks 61: not told, unless its program is held up", () => {
    assert.strictEqual(judge(500, undefined), 61)
    assert.strictEqual(judge(500, undefined, false), 0)
  })
})
