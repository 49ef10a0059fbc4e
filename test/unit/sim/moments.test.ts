/** Faults and interruptions in the very moment of something: of a packet, above all. */
import { assert, describe, it } from "@effect/vitest"
import { Choices } from "../../../src/sim/Choice.ts"
import { format } from "../../../src/sim/explore/format.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { complete } from "../../../src/sim/scenario/plain.ts"
import { simulate } from "../../../src/sim/scenario/run.ts"

const plain = {
  servers: [{}],
  workers: [{ functions: ["streamed"] }],
  clients: [{ calls: [{ function: "streamed", takesMillis: 100 }] }],
  healsAt: 5000
}

const eventsOf = (more: object): ReadonlyArray<Event> => {
  const scenario = complete({ ...plain, ...more })
  const { failure, hash, moments, reached } = simulate(scenario, Choices.seeded(1), { keepHistory: true })
  assert.isUndefined(failure, failure?.message)
  // Whoever does not watch sees the same packets.
  assert.strictEqual(simulate(scenario, Choices.seeded(1), { again: reached }).hash, hash)
  return moments.map(({ event }) => event)
}

const indexOf = (events: ReadonlyArray<Event>, text: string, from = 0): number =>
  events.findIndex((event, at) => at >= from && format(event).startsWith(text))

describe("in the moment of a packet", () => {
  for (const [on, node, seen] of [
    ["JOB_CREATED", "server1", "server1 #2 > JOB_CREATED"],
    ["WORK_DATA", "worker1", "worker1 #1 > WORK_DATA"],
    ["WORK_DATA", "client1", "client1 #2 < WORK_DATA"]
  ] as const) {
    it(`${node} crashes right after ${on}, and not before`, () => {
      const events = eventsOf({ faults: [{ kind: "crash", node, on, nth: 1, lastsMillis: 50 }] })
      const packet = indexOf(events, seen)
      const fault = indexOf(events, `fault: crash ${node} on ${on}`)
      assert.isAbove(packet, -1)
      assert.isAbove(fault, packet)
      assert.strictEqual(indexOf(events, `${node} crashed`, fault) > fault, true)
    })
  }

  it("the n-th counts", () => {
    const fault = { kind: "reset", node: "client1", peer: "server1", on: "JOB_CREATED", lastsMillis: 1 }
    const calls = [0, 500, 1000].map((at, item) => ({ at, item, function: "streamed" }))
    const created = (nth: number) => {
      const events = eventsOf({ clients: [{ calls }], faults: [{ ...fault, nth }] })
      const struck = indexOf(events, "fault: reset")
      return events.slice(0, struck).filter((event) => /^client1 .* < JOB_CREATED/.test(format(event))).length
    }
    assert.strictEqual(created(1), 1)
    assert.strictEqual(created(3), 3)
  })

  it("a caller is interrupted, and others are not", () => {
    const calls = [
      { function: "streamed", takesMillis: 100, interruptOn: "WORK_DATA", interruptNth: 1 },
      { function: "streamed", takesMillis: 100, item: 1 }
    ]
    const events = eventsOf({ clients: [{ calls }] })
    const ends = events.flatMap((event) => (event._tag === "Answered" ? [`${event.caller} ${event.how}`] : []))
    assert.deepStrictEqual(ends, ["1 interrupted", "2 success"])
    const data = indexOf(events, "client1 #2 < WORK_DATA")
    assert.isAbove(indexOf(events, "client1 caller 1 ends in interrupted"), data)
  })

  it("nobody is interrupted where the moment never comes", () => {
    const calls = [{ function: "streamed", interruptOn: "WORK_DATA", interruptNth: 9 }]
    const ends = eventsOf({ clients: [{ calls }] }).flatMap((event) => (event._tag === "Answered" ? [event.how] : []))
    assert.deepStrictEqual(ends, ["success"])
  })
})
