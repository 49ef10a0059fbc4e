/** What becomes of what callers ask for, how machines dial, and how workers leave. */
import { assert, describe, it } from "@effect/vitest"
import type * as Packet from "../../../src/protocol/Packet.ts"
import { asking } from "../../../src/sim/properties/asking.ts"
import { dispatching } from "../../../src/sim/properties/dispatching.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { leaving } from "../../../src/sim/properties/leaving.ts"
import { dialling, redialling } from "../../../src/sim/properties/machines.ts"
import { type Moments, violated } from "./histories.ts"

const packet =
  (got: boolean, node: string) =>
  (connection: number, name: string, ...fields: ReadonlyArray<string>): Event => ({
    ...{ _tag: "Packet", node, connection, atServer: false, got },
    ...{ name: name as Packet.Name, fields }
  })
const says = packet(false, "client1")
const hears = packet(true, "client1")
const works = packet(false, "worker1")
const gets = packet(true, "worker1")
const closed = (connection: number, node = "client1"): Event => ({ _tag: "Closed", node, connection, atServer: false })
const dialled = (node: string, to = "server1:4730"): Event => ({ _tag: "Dialled", node, to })

type Asked = Extract<Event, { readonly _tag: "Asked" }>

const asked = (caller: number, of: Partial<Asked> = {}): Event => ({
  ...{ _tag: "Asked", node: "client1", caller, function: "f", unique: "", workload: `w${caller}` },
  ...{ kind: "run", priority: "normal", idempotent: true, interrupts: false },
  ...of
})
const told = (caller: number, text: string): Event => ({
  ...{ _tag: "Answered", node: "client1", caller, how: "failure", text }
})

const judged = (moments: Moments, until = 0, most: number | null = Infinity, isBlocked = false) =>
  violated(
    dispatching(
      ({ workload }) => workload,
      () => most ?? undefined,
      () => isBlocked
    ),
    moments,
    until
  )

const greeted: Moments = [
  [0, dialled("client1")],
  [1, { _tag: "Opened", node: "server1", connection: 1, atServer: true }],
  [2, hears(1, "OPTION_RES", "exceptions")]
]

describe("what callers ask for", () => {
  it("36: is sent as soon as there is a server", () => {
    const waiting: Moments = [...greeted, [500, asked(1)]]
    assert.strictEqual(judged(waiting, 600), 0)
    assert.strictEqual(judged(waiting, 1000), 36)
    assert.strictEqual(judged([...waiting, [501, says(1, "SUBMIT_JOB", "f", "", "w1")]], 1000), 0)
    // An item of a map was sent before, and is shared (seed 190001157).
    const mapped: Moments = [...greeted, [490, says(1, "SUBMIT_JOB", "f", "-", "w1")], [500, asked(1, { unique: "-" })]]
    assert.strictEqual(judged(mapped, 1000), 0)
    // As it was asked for.
    assert.strictEqual(judged([...waiting, [501, says(1, "SUBMIT_JOB_LOW", "f", "", "w1")]], 1000), 36)
    // There is none yet, it takes nothing, or others are to be served first.
    assert.strictEqual(judged([...waiting, [502, dialled("client1", "server2:4730")]], 1000), 0)
    assert.strictEqual(judged(waiting, 1000, Infinity, true), 0)
    assert.strictEqual(judged(waiting, 1000, 1), 0)
    assert.strictEqual(judged(waiting, 1000, null), 0)
  })

  it("36: is sent anew when its connection is lost, where it may run twice", () => {
    const lost = (of: Partial<Asked>): Moments => [
      ...greeted,
      [3, hears(2, "OPTION_RES", "exceptions")],
      [500, asked(1, { unique: "u", ...of })],
      [501, says(1, "SUBMIT_JOB", "f", "u", "w1")],
      [600, closed(1)]
    ]
    assert.strictEqual(judged(lost({}), 700), 0)
    assert.strictEqual(judged(lost({}), 1000), 36)
    assert.strictEqual(judged(lost({ idempotent: false }), 1000), 0)
    assert.strictEqual(judged([...lost({}), [601, says(2, "SUBMIT_JOB", "f", "u", "w1")]], 1000), 0)
  })

  it("37: does not fail while another server has it", () => {
    const hedged: Moments = [
      ...greeted,
      [500, asked(1, { unique: "u" })],
      [501, says(1, "SUBMIT_JOB", "f", "u", "w1")],
      [502, says(2, "SUBMIT_JOB", "f", "u", "w1")],
      [503, hears(1, "JOB_CREATED", "H:1")]
    ]
    assert.strictEqual(judged([...hedged, [504, told(1, "JobFailed")]]), 0)
    assert.strictEqual(judged([...hedged, [504, told(1, "Refused")]]), 37)
    assert.strictEqual(judged([...hedged, [504, closed(1)], [505, told(1, "Refused")]]), 0)
    // What an earlier caller has left goes on without anybody.
    const left: Moments = [...hedged, [504, told(1, "")], [505, asked(2, { unique: "u" })], [506, told(2, "Refused")]]
    assert.strictEqual(judged(left), 0)
    // Nobody knows nothing of a job that was never sent.
    assert.strictEqual(judged([...greeted, [500, asked(1)], [501, told(1, "Ambiguous")]]), 37)
    assert.strictEqual(judged([...greeted, [500, asked(1)], [501, told(1, "NoServer")]]), 0)
  })

  it("57: is no more at once than may be", () => {
    const both: Moments = [
      ...greeted,
      [500, asked(1)],
      [500, asked(2)],
      [501, says(1, "SUBMIT_JOB", "f", "", "w1")],
      [501, says(1, "SUBMIT_JOB", "f", "", "w2")]
    ]
    assert.strictEqual(judged(both, 800, 2), 0)
    assert.strictEqual(judged(both, 800, 1), 57)
    assert.strictEqual(judged(both, 600, 1), 0)
    assert.strictEqual(judged([...both, [502, told(1, "")]], 800, 1), 0)
  })
})

describe("dialling again", () => {
  it("42: is not as regular as a clock", () => {
    const dials = (...waits: ReadonlyArray<number>) => {
      let at = 0
      const moments = [0, ...waits].map((wait) => [(at += wait), dialled("worker1")] as const)
      return violated(
        dialling(() => 1),
        moments
      )
    }
    assert.strictEqual(dials(100, 201, 402, 800, 1601), 42)
    assert.strictEqual(dials(100, 201, 402, 870, 1601), 0)
    assert.strictEqual(dials(123, 170, 402, 800, 1601), 0)
  })

  it("43: comes soon after a good connection", () => {
    const lost = (lasted: number, isSingle = true) =>
      violated(
        redialling(
          () => true,
          () => isSingle
        ),
        [
          [0, dialled("worker1")],
          [1, { _tag: "Opened", node: "server1", connection: 1, atServer: true }],
          [2, { _tag: "Opened", node: "worker1", connection: 1, atServer: false }],
          [3, gets(1, "NO_JOB")],
          [lasted, closed(1, "worker1")],
          [lasted + 900, dialled("worker1")]
        ]
      )
    assert.strictEqual(lost(1000), 0)
    assert.strictEqual(lost(2000), 43)
    assert.strictEqual(lost(2000, false), 0)
  })
})

describe("workers that leave", () => {
  const left = (moments: Moments, isServed = true, isHeard = true) =>
    violated(
      leaving(
        () => true,
        () => isServed,
        () => isHeard
      ),
      moments
    )
  const stops: Event = { _tag: "Stopping", node: "worker1" }
  const ends: Event = { _tag: "Ended", node: "worker1", how: "ended" }
  const began: Event = {
    ...{ _tag: "Began", node: "worker1", execution: 1, server: "server1:4730" },
    ...{ handle: "H:1", function: "f", workload: "w" }
  }
  const has: Moments = [
    [0, works(1, "GRAB_JOB_UNIQ")],
    [1, gets(1, "JOB_ASSIGN_UNIQ", "H:1", "f", "", "w")]
  ]

  it("20: ask for nothing more, once what they had said is on its way", () => {
    const asks = (at: number): Moments => [
      [100, stops],
      [at, works(1, "GRAB_JOB_UNIQ")]
    ]
    assert.strictEqual(left(asks(400)), 0)
    assert.strictEqual(left(asks(700)), 20)
    assert.strictEqual(left(asks(700), true, false), 0)
  })

  it("20: take back only what they have nothing of", () => {
    assert.strictEqual(left([...has, [2, works(1, "CANT_DO", "g")]]), 0)
    assert.strictEqual(left([...has, [2, works(1, "CANT_DO", "f")]]), 20)
    assert.strictEqual(left([...has, [2, works(1, "WORK_COMPLETE", "H:1", "r")], [3, works(1, "CANT_DO", "f")]]), 0)
    assert.strictEqual(
      left([
        [0, works(1, "GRAB_JOB")],
        [2, works(1, "CANT_DO", "f")]
      ]),
      20
    )
    const interrupted: Moments = [
      [2, began],
      [3, { _tag: "Finished", node: "worker1", execution: 1, how: "interrupted" }]
    ]
    assert.strictEqual(left([...has, ...interrupted, [4, works(1, "CANT_DO", "f")]]), 0)
    const ahead: Moments = [
      [1, works(1, "GRAB_JOB_UNIQ")],
      [1, gets(1, "JOB_ASSIGN_UNIQ", "H:2", "f", "", "w")]
    ]
    assert.strictEqual(left([...has, ...ahead, ...interrupted, [4, works(1, "CANT_DO", "f")]]), 0)
    // Of another server, too, but not of another function.
    const elsewhere = (fn: string): Moments => [
      [1, works(2, "GRAB_JOB_UNIQ")],
      [1, gets(2, "JOB_ASSIGN_UNIQ", "H:1:2", fn, "", "w")]
    ]
    assert.strictEqual(left([...has, ...elsewhere("f"), ...interrupted, [4, works(2, "CANT_DO", "f")]]), 0)
    assert.strictEqual(left([...has, ...elsewhere("g"), ...interrupted, [4, works(2, "CANT_DO", "g")]]), 20)
  })

  it("20: leave nothing behind that they have time for", () => {
    assert.strictEqual(left([...has, [10, stops], [1000, closed(1, "worker1")]]), 20)
    assert.strictEqual(left([...has, [10, stops], [6000, closed(1, "worker1")]]), 0)
    assert.strictEqual(left([...has, [10, stops], [1000, closed(1, "worker1")]], false), 0)
  })

  it("58: are gone soon when they have nothing to do", () => {
    assert.strictEqual(
      left([
        [0, stops],
        [2500, ends]
      ]),
      0
    )
    assert.strictEqual(
      left([
        [0, stops],
        [4000, ends]
      ]),
      58
    )
    assert.strictEqual(
      left([
        [0, stops],
        [0, began],
        [2000, { _tag: "Finished", node: "worker1", execution: 1, how: "success" }],
        [4000, ends]
      ]),
      0
    )
    assert.strictEqual(
      left(
        [
          [0, stops],
          [4000, ends]
        ],
        false
      ),
      0
    )
  })
})

describe("questions", () => {
  const answers = (moments: Moments) =>
    violated(
      asking(
        ({ workload }) => workload,
        () => true
      ),
      moments
    )
  const status = asked(1, { kind: "status", workload: "u" })
  const success = (text: string): Event => ({ _tag: "Answered", node: "client1", caller: 1, how: "success", text })
  const question: Moments = [...greeted, [500, status], [501, says(1, "GET_STATUS_UNIQUE", "u")]]

  it("46: are answered as a server did", () => {
    const heard: Moments = [...question, [502, hears(1, "STATUS_RES_UNIQUE", "u", "1", "0", "3", "7", "2")]]
    assert.strictEqual(answers([...heard, [503, success("true false 3 7")]]), 0)
    assert.strictEqual(answers([...heard, [503, success("true false 7 3")]]), 46)
    assert.strictEqual(answers([...question, [503, success("true false 3 7")]]), 46)
  })

  it("46: by handle, too", () => {
    const job: Moments = [...greeted, [5, asked(1, { kind: "background" })]]
    const told: Event = { _tag: "Heard", node: "client1", caller: 1, kind: "status", text: "H:1 true true 3 7" }
    assert.strictEqual(answers([...job, [9, hears(1, "STATUS_RES", "H:1", "1", "1", "3", "7")], [9, told]]), 0)
    assert.strictEqual(answers([...job, [9, hears(1, "STATUS_RES", "H:1", "1", "1", "7", "3")], [9, told]]), 46)
  })

  it("40: are not sent when nobody wants to know any more", () => {
    const left: Moments = [...greeted, [500, status], [600, { ...success(""), how: "interrupted" } as Event]]
    assert.strictEqual(answers([...left, [610, says(1, "GET_STATUS_UNIQUE", "u")]]), 0)
    assert.strictEqual(answers([...left, [700, says(1, "GET_STATUS_UNIQUE", "u")]]), 40)
  })

  it("46: nobody knows a job when all have been asked", () => {
    const unknown: Moments = [...question, [502, hears(1, "STATUS_RES_UNIQUE", "u", "0", "0", "0", "0", "0")]]
    assert.strictEqual(answers([...unknown, [503, success("false false 0 0")]]), 0)
    const other: Moments = [[3, hears(2, "OPTION_RES", "exceptions")], ...unknown]
    assert.strictEqual(answers([...other, [503, success("false false 0 0")]]), 46)
  })

  it("37: there is no server when there is none", () => {
    assert.strictEqual(answers([...question, [503, told(1, "NoServer")]]), 37)
    assert.strictEqual(answers([...question, [503, closed(1)], [504, told(1, "NoServer")]]), 0)
  })
})
