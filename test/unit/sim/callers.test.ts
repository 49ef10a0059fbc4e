/** What callers may be told, and what their clients may do for it: histories that hold, and that do not. */
import { assert, describe, it } from "@effect/vitest"
import { callers } from "../../../src/sim/properties/callers.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { calm } from "../../../src/sim/World.ts"
import { violated } from "./histories.ts"

const asked: Event = {
  ...{ _tag: "Asked", node: "client1", caller: 1, function: "once", unique: "", workload: "i3@0" },
  ...{ kind: "run", priority: "normal", idempotent: false, interrupts: false }
}
const refused: Event = { _tag: "Answered", node: "client1", caller: 1, how: "failure", text: "Refused" }
const packet = (got: boolean, name: "SUBMIT_JOB" | "ERROR", ...fields: ReadonlyArray<string>): Event => ({
  ...{ _tag: "Packet", node: "client1", connection: 1, atServer: false, got, name, fields }
})
const submits = packet(false, "SUBMIT_JOB", "once", "", "i3@0")

describe("callers", () => {
  const judged = (maxJobs: number | undefined, ...events: ReadonlyArray<Event>) => {
    const servers = [{ jobRetries: -1, workerWakeup: 0, maxJobs }]
    const drain = { kind: "drain", at: 0, lastsMillis: 1, node: "server1", peer: "", amount: 0 } as const
    const scenario = { faults: [drain], operators: [], peers: [], servers, world: calm }
    // Whether it ends well is another matter.
    return violated(
      { ...callers(scenario), atEnd: undefined },
      events.map((event) => [0, event])
    )
  }

  it("37: are refused only where there is a limit", () => {
    assert.strictEqual(judged(1, asked, refused), 0)
    assert.strictEqual(judged(undefined, asked, refused), 37)
  })

  it("38: have their job submitted again if a server that drains did not take it, else not", () => {
    assert.strictEqual(judged(undefined, asked, submits, packet(true, "ERROR", "SHUTTING_DOWN", ""), submits), 0)
    assert.strictEqual(judged(undefined, asked, submits, submits), 38)
    assert.strictEqual(judged(undefined, asked, submits, packet(true, "ERROR", "JOB_QUEUE_FULL", ""), submits), 38)
  })
})
