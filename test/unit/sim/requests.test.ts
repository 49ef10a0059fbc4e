/** What clients and workers say by themselves: each property with what it accepts and what it rejects. */
import { assert, describe, it } from "@effect/vitest"
import type * as Packet from "../../../src/protocol/Packet.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import type { Property } from "../../../src/sim/properties/Property.ts"
import { refusals } from "../../../src/sim/properties/refusals.ts"
import { introduction, orphans, shelter, submissions, throttle } from "../../../src/sim/properties/requests.ts"
import { reasons, status } from "../../../src/sim/properties/status.ts"
import { judge, type Moments, violated } from "./histories.ts"

const packet = (got: boolean, node: string, name: string, ...fields: ReadonlyArray<string>): Event => ({
  ...{ _tag: "Packet", node, connection: 1, atServer: false, got },
  ...{ name: name as Packet.Name, fields }
})
const says = (name: string, ...fields: ReadonlyArray<string>) => packet(false, "client1", name, ...fields)
const hears = (name: string, ...fields: ReadonlyArray<string>) => packet(true, "client1", name, ...fields)
const works = (name: string, ...fields: ReadonlyArray<string>) => packet(false, "worker1", name, ...fields)

const asked: Event = {
  ...{ _tag: "Asked", node: "client1", caller: 1, function: "f", unique: "u", workload: "w" },
  ...{ kind: "run", priority: "low", idempotent: true, interrupts: true }
}
const later: Event = { ...asked, kind: "later", priority: "normal" }
const answered = (how: "failure" | "interrupted", text = ""): Event => ({
  ...{ _tag: "Answered", node: "client1", caller: 1, how, text }
})
const closed = (node: string): Event => ({ _tag: "Closed", node, connection: 1, atServer: false })

describe("properties of what is asked", () => {
  const submitting = (moments: Moments, isPrompt = true) =>
    violated(
      submissions(
        ({ workload }) => [workload],
        () => isPrompt,
        (_, at) => at + 2000
      ),
      moments
    )

  it("53: a submission is what its caller asked for", () => {
    assert.strictEqual(
      submitting([
        [0, asked],
        [1, says("SUBMIT_JOB_LOW", "f", "u", "w")]
      ]),
      0
    )
    for (const wrong of ["SUBMIT_JOB", "SUBMIT_JOB_HIGH", "SUBMIT_JOB_LOW_BG"]) {
      assert.strictEqual(
        submitting([
          [0, asked],
          [1, says(wrong, "f", "u", "w")]
        ]),
        53
      )
    }
    assert.strictEqual(submitting([[1, says("SUBMIT_JOB", "f", "u", "w")]]), 53)
  })

  it("40: what nobody wants any more is not sent", () => {
    const sentAt = (at: number): Moments => [
      [0, asked],
      [10, answered("interrupted")],
      [at, says("SUBMIT_JOB_LOW", "f", "u", "w")]
    ]
    assert.strictEqual(submitting(sentAt(20)), 0)
    assert.strictEqual(submitting(sentAt(100)), 40)
    assert.strictEqual(submitting(sentAt(100), false), 0)
    // Who has joined by the same unique waits for what the first has asked.
    const joined: Event = { ...(asked as Extract<Event, { _tag: "Asked" }>), caller: 2, workload: "x" }
    assert.strictEqual(submitting([[0, joined], ...sentAt(100)]), 0)
  })

  it("27: a scheduled job is scheduled for its time", () => {
    const scheduledFor = (second: string): Moments => [
      [500, later],
      [501, says("SUBMIT_JOB_EPOCH", "f", "u", second, "w")]
    ]
    assert.strictEqual(submitting(scheduledFor("3")), 0)
    assert.strictEqual(submitting(scheduledFor("2")), 27)
  })

  it("57: no more submissions under way than a client may have", () => {
    const submit = says("SUBMIT_JOB", "f", "", "w")
    const sent = (...events: ReadonlyArray<Event>) =>
      violated(
        throttle(() => 1),
        events.map((event) => [0, event])
      )
    assert.strictEqual(sent(submit, submit), 57)
    assert.strictEqual(sent(submit, hears("JOB_CREATED", "H:1"), submit), 57)
    assert.strictEqual(sent(submit, hears("JOB_CREATED", "H:1"), hears("WORK_FAIL", "H:1"), submit), 0)
    assert.strictEqual(sent(says("SUBMIT_JOB_BG", "f", "", "w"), hears("JOB_CREATED", "H:1"), submit), 0)
    assert.strictEqual(sent(submit, closed("client1"), submit), 0)
  })

  it("37: who has a server does not tell that there is none", () => {
    const told = (at: number, text: string, isPrompt = true) =>
      violated(
        shelter(() => isPrompt),
        [
          [0, asked],
          [1000, hears("OPTION_RES", "exceptions")],
          [at, answered("failure", text)]
        ]
      )
    assert.strictEqual(told(5000, "NoServer"), 37)
    assert.strictEqual(told(5000, "Ambiguous"), 37)
    assert.strictEqual(told(5000, "JobFailed"), 0)
    assert.strictEqual(told(1100, "NoServer"), 0)
    assert.strictEqual(told(5000, "NoServer", false), 0)
  })

  it("21: a worker says who it is and what it can do before it asks", () => {
    const said = (...events: ReadonlyArray<Event>) =>
      violated(
        introduction(),
        events.map((event) => [0, event])
      )
    const named = works("SET_CLIENT_ID", "worker1")
    const able = works("CAN_DO", "f")
    const grab = works("GRAB_JOB_UNIQ")
    assert.strictEqual(said(named, able, grab), 0)
    assert.strictEqual(said(able, grab), 21)
    assert.strictEqual(said(named, grab), 21)
    assert.strictEqual(said(named, able, works("CANT_DO", "f"), grab), 21)
    assert.strictEqual(said(named, able, grab, closed("worker1"), grab), 21)
  })

  it("58: a handler ends with its connection", () => {
    const accepted: Event = { _tag: "Opened", node: "server1", connection: 1, atServer: true }
    const began: Event = {
      ...{ _tag: "Began", node: "worker1", execution: 7, server: "server1:4730", handle: "H:1" },
      ...{ function: "f", workload: "w" }
    }
    const finished: Event = { _tag: "Finished", node: "worker1", execution: 7, how: "interrupted" }
    const lost: Moments = [
      [0, accepted],
      [1, packet(true, "worker1", "JOB_ASSIGN_UNIQ", "H:1", "f", "u", "w")],
      [2, began],
      [3, closed("worker1")]
    ]
    const running = (moments: Moments, until: number) =>
      violated(
        orphans(() => true),
        moments,
        until
      )
    assert.strictEqual(running(lost, 100), 0)
    assert.strictEqual(running(lost, 2000), 58)
    assert.strictEqual(running([...lost, [8, finished]], 2000), 0)
    assert.strictEqual(running(lost.slice(0, 3), 2000), 0)
  })
})

describe("properties of what a server says", () => {
  const otherFunction = "3 < SUBMIT_JOB_BG g u w\n 3 > JOB_CREATED H:2"
  const submitted = "1 < SUBMIT_JOB f u w\n 1 > JOB_CREATED H:1"
  const assigned = "9 < CAN_DO f\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w"
  const sleepers = "7 < CAN_DO f\n 7 < PRE_SLEEP\n 8 < CAN_DO f\n 8 < PRE_SLEEP\n --"
  const denied = "9 > ERROR JOB_NOT_FOUND text"
  const cases: ReadonlyArray<readonly [name: string, make: () => Property, expected: number, history: string]> = [
    ["the holder's job is its own", refusals, 16, `${submitted}\n ${assigned}\n 9 < WORK_DATA H:1 d\n ${denied}`],
    ["another's is not", refusals, 0, `${submitted}\n ${assigned}\n 9 < WORK_DATA H:2 d\n ${denied}`],
    [
      "and a finished one is nobody's",
      refusals,
      0,
      `${submitted}\n ${assigned}\n 9 < WORK_COMPLETE H:1 r\n 9 < WORK_FAIL H:1\n ${denied}`
    ],
    [
      "WORK_FAIL after WORK_EXCEPTION is taken",
      refusals,
      0,
      `${submitted}\n ${assigned}\n 9 < WORK_EXCEPTION H:1 e\n 9 < WORK_FAIL H:1`
    ],
    [
      "one that follows WORK_EXCEPTION is not denied",
      refusals,
      16,
      `${submitted}\n ${assigned}\n 9 < WORK_EXCEPTION H:1 e\n 9 < WORK_FAIL H:1\n ${denied}`
    ],
    [
      "but a second one is",
      refusals,
      0,
      `${submitted}\n ${assigned}\n 9 < WORK_EXCEPTION H:1 e\n 9 < WORK_FAIL H:1\n 9 < WORK_FAIL H:1\n ${denied}`
    ],
    [
      "one that runs and is cancelled has no unique any more",
      status,
      0,
      `${submitted}\n ${assigned}\n 3 < TEXT cancel job H:1\n 1 > WORK_FAIL H:1\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 0 0 0 0 0`
    ],
    ["too many who wait", status, 46, `${submitted}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 1 0 0 0 2`],
    [
      "one that runs, by unique",
      status,
      46,
      `${submitted}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 1 1 0 0 1`
    ],
    ["a unique that is known", status, 0, `${submitted}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 1 0 0 0 1`],
    ["one that is denied", status, 46, `${submitted}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 0 0 0 0 0`],
    ["one that is made up", status, 46, `${submitted}\n 2 < GET_STATUS_UNIQUE v\n 2 > STATUS_RES_UNIQUE v 1 0 0 0 1`],
    [
      "the newest of two jobs of one unique",
      status,
      0,
      `${submitted}\n ${otherFunction}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 1 0 0 0 0`
    ],
    [
      "the oldest of two jobs of one unique",
      status,
      46,
      `${submitted}\n ${otherFunction}\n 2 < GET_STATUS_UNIQUE u\n 2 > STATUS_RES_UNIQUE u 1 0 0 0 1`
    ],
    ["a job that wakes one", () => reasons(() => 1), 0, `${sleepers}\n ${submitted}\n 8 > NOOP`],
    ["a job that wakes two", () => reasons(() => 1), 25, `${sleepers}\n ${submitted}\n 7 > NOOP\n 8 > NOOP`],
    [
      "a job that wakes one, and a sleeper that learns its function then",
      () => reasons(() => 1),
      0,
      `${sleepers}\n 1 < PRE_SLEEP\n --\n ${submitted}\n 1 < CAN_DO f\n 1 > NOOP\n 8 > NOOP`
    ],
    [
      "a job that wakes two, and a sleeper that learns its function then",
      () => reasons(() => 1),
      25,
      `${sleepers}\n 1 < PRE_SLEEP\n --\n ${submitted}\n 1 < CAN_DO f\n 1 > NOOP\n 7 > NOOP\n 8 > NOOP`
    ],
    [
      "a job for whom has asked already, which wakes another",
      () => reasons(() => 1),
      25,
      `${sleepers}\n --\n 9 < CAN_DO f\n 9 < GRAB_JOB\n ${submitted}\n 9 > JOB_ASSIGN H:1 f w\n 8 > NOOP`
    ],
    [
      "a job that wakes one, and goes to another who asks later",
      () => reasons(() => 1),
      0,
      `${sleepers}\n --\n 9 < CAN_DO f\n ${submitted}\n 9 < GRAB_JOB\n 9 > JOB_ASSIGN H:1 f w\n 8 > NOOP`
    ],
    ["a job that may wake all", () => reasons(() => 0), 0, `${sleepers}\n ${submitted}\n 7 > NOOP\n 8 > NOOP`]
  ]
  for (const [name, make, expected, history] of cases) {
    it(`${expected === 0 ? "accept" : `reject by ${expected}`}: ${name}`, () => {
      assert.strictEqual(judge(make, history), expected)
    })
  }
})
