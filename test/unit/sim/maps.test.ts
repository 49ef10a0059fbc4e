/** What is judged of maps: their results, failures and progress, and how streams of them are read. */
import { assert, describe, it } from "@effect/vitest"
import { callers } from "../../../src/sim/properties/callers.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { mapResults } from "../../../src/sim/properties/mapResults.ts"
import { wireWorkloadsOf } from "../../../src/sim/scenario/functions.ts"
import { foreignResult } from "../../../src/sim/scenario/peers.ts"
import { calm } from "../../../src/sim/World.ts"
import { violated } from "./histories.ts"

type Asked = Extract<Event, { readonly _tag: "Asked" }>

const asked = (fn: string, map: Partial<NonNullable<Asked["map"]>> = {}): Event => ({
  ...{ _tag: "Asked", node: "client1", caller: 1, function: fn, unique: "", workload: "i3@0,i4@0,i5@0" },
  ...{ kind: "map", priority: "normal", idempotent: true, interrupts: false },
  map: { window: 2, collects: false, order: undefined, isReadSlowly: false, ...map }
})
const ended = (how: "success" | "failure", text: string): Event => ({
  ...{ _tag: "Answered", node: "client1", caller: 1, how, text }
})
const mapped = (kind: "progress" | "result", text: string): Event => ({
  ...{ _tag: "Mapped", node: "client1", caller: 1, kind, text }
})
const ran = (fn: string, item: number, execution: number): ReadonlyArray<Event> => [
  {
    ...{ _tag: "Began", node: "worker1", execution, server: "server1", handle: `H:${execution}` },
    ...{ function: fn, workload: `i${item}@0` }
  },
  { _tag: "Finished", node: "worker1", execution, how: "success" }
]
const submits = (item: number): Event => ({
  ...{ _tag: "Packet", node: "client1", connection: 1, atServer: false, got: false },
  ...{ name: "SUBMIT_JOB", fields: ["mapped", "", `i${item}@0`] }
})

describe("a map's end", () => {
  const world = { ...calm, network: { ...calm.network, windowBytes: 1024 } }
  const scenario = { faults: [], operators: [], peers: [], servers: [{ jobRetries: -1, workerWakeup: 0 }], world }
  const judged = (...events: ReadonlyArray<Event>) =>
    violated(
      callers(scenario),
      events.map((event) => [0, event])
    )
  const all = [...ran("mapped", 3, 1), ...ran("mapped", 4, 2), ...ran("mapped", 5, 4)]
  const inOrder = ["mapped(i3) by 1", "mapped(i4) by 2", "mapped(i5) by 4"] as const
  const text = inOrder.join(",")
  const otherwise = inOrder.toReversed().join(",")

  it("48: has the results in order, where it is that of the items", () => {
    assert.strictEqual(judged(asked("mapped"), ...all, ended("success", text)), 0)
    assert.strictEqual(judged(asked("mapped"), ...all, ended("success", otherwise)), 48)
    const asTheyCome = asked("mapped", { order: "completion" })
    assert.strictEqual(judged(asTheyCome, ...all, ended("success", otherwise)), 0)
    const twice = [inOrder[0], inOrder[0], inOrder[2]].join(",")
    assert.strictEqual(judged(asTheyCome, ...all, ended("success", twice)), 48)
  })

  it("48: lets what a stranger made be of any item that the others leave (seed 678404034)", () => {
    const peer = { sends: [], reads: true, cuts: [] }
    const withStrangers = callers({ ...scenario, peers: [peer as never] })
    const judgedWith = (...events: ReadonlyArray<Event>) =>
      violated(
        withStrangers,
        events.map((event) => [0, event])
      )
    const asTheyCome = asked("mapped", { order: "completion" })
    const places = [inOrder[0], foreignResult, inOrder[1]]
    assert.strictEqual(judgedWith(asTheyCome, ...all, ended("success", places.join(","))), 0)
    const twice = [inOrder[0], foreignResult, inOrder[0]]
    assert.strictEqual(judgedWith(asTheyCome, ...all, ended("success", twice.join(","))), 48)
    assert.strictEqual(judged(asTheyCome, ...all, ended("success", places.join(","))), 48)
  })

  it("48: gives a failure its place, also where the result of an equal item comes first (seed 1281721472)", () => {
    const equal: Event = {
      ...(asked("mapped", { collects: true, order: "completion" }) as Asked),
      ...{ workload: "i3@0,i4@0,i3@0", limitMillis: 10 }
    }
    const places = [inOrder[0], "ItemFailed 0 Timeout", inOrder[1]]
    assert.strictEqual(judged(equal, ...all, ended("success", places.join(","))), 0)
    const both = [inOrder[0], "ItemFailed 0 Timeout", inOrder[0]]
    assert.strictEqual(judged(equal, ...all, ended("success", both.join(","))), 48)
  })

  it("49: has one for each item", () => {
    assert.strictEqual(judged(asked("mapped"), ...all, ended("success", inOrder.slice(1).join(","))), 49)
  })

  it("8: has results that were made", () => {
    assert.strictEqual(judged(asked("mapped"), ended("success", text)), 8)
  })

  it("8: names the item that failed, and why", () => {
    assert.strictEqual(judged(asked("failing"), ended("failure", "ItemFailed 0 JobFailed")), 0)
    assert.strictEqual(judged(asked("failing"), ended("failure", "ItemFailed 0 Described")), 8)
    assert.strictEqual(judged(asked("failing"), ended("failure", "ItemFailed 2 JobFailed")), 8)
    assert.strictEqual(judged(asked("failing"), ended("failure", "ItemFailed 3 JobFailed")), 49)
    assert.strictEqual(judged(asked("mapped"), ended("failure", "ItemFailed 1 NoServer")), 37)
  })

  it("48: keeps failures in their places, where it was asked to", () => {
    const collects = asked("failing", { collects: true })
    const five = ran("failing", 5, 1)
    const places = "ItemFailed 0 JobFailed,ItemFailed 1 Described,failing(i5) by 1"
    assert.strictEqual(judged(collects, ...five, ended("success", places)), 0)
    const swapped = "ItemFailed 1 Described,ItemFailed 0 JobFailed,failing(i5) by 1"
    assert.strictEqual(judged(collects, ...five, ended("success", swapped)), 48)
    assert.strictEqual(judged(collects, ended("failure", "ItemFailed 0 JobFailed")), 49)
  })
})

describe("a map under way", () => {
  const judged = (events: ReadonlyArray<Event>, until = 5000) =>
    violated(
      mapResults(wireWorkloadsOf, () => true),
      events.map((event) => [0, event]),
      until
    )
  const told = (...texts: ReadonlyArray<string>) => texts.map((text) => mapped("progress", text))

  it("49: counts each item once", () => {
    const [one, two, three] = ["1 0 3", "2 0 3", "3 0 3"] as const
    const done = ended("success", "")
    assert.strictEqual(judged([asked("mapped"), ...told(one, two, three), done]), 0)
    assert.strictEqual(judged([asked("mapped"), ...told(one, three)]), 49)
    assert.strictEqual(judged([asked("mapped"), ...told(one, two), done]), 49)
    assert.strictEqual(judged([asked("mapped"), ...told("1 0 4")]), 49)
    assert.strictEqual(judged([asked("mapped"), ...told(one, two, three), done, ...told("4 0 3")]), 49)
    const collects = asked("mapped", { collects: true })
    const failed = ended("success", "a,ItemFailed 1 JobFailed,b")
    assert.strictEqual(judged([collects, ...told(one, "2 1 3", "3 1 3"), failed]), 0)
    assert.strictEqual(judged([collects, ...told(one, two, three), failed]), 49)
  })

  it("49: is over when an item has failed", () => {
    const failed = [asked("mapped"), ...told("1 1 3")]
    assert.strictEqual(judged(failed, 500), 0)
    assert.strictEqual(judged(failed), 49)
    assert.strictEqual(judged([...failed, ended("failure", "ItemFailed 0 JobFailed")]), 0)
    assert.strictEqual(judged([asked("mapped", { collects: true }), ...told("1 1 3")]), 0)
  })

  it("50: begins no more than its reader has room for", () => {
    const stream = asked("mapped", { order: "input", window: 1 })
    const result = mapped("result", "mapped(i3) by 1")
    assert.strictEqual(judged([stream, submits(3), submits(4)]), 0)
    assert.strictEqual(judged([stream, submits(3), submits(4), submits(5)]), 50)
    assert.strictEqual(judged([stream, submits(3), submits(4), result, submits(5)]), 0)
    assert.strictEqual(judged([asked("mapped", { window: 1 }), submits(3), submits(4), submits(5)]), 0)
  })

  it("51: gives what is done as it comes, to whoever reads", () => {
    const stream = asked("mapped", { order: "completion" })
    assert.strictEqual(judged([stream, ...told("1 0 ?")]), 51)
    assert.strictEqual(judged([stream, ...told("1 0 ?"), mapped("result", "mapped(i5) by 1")]), 0)
    assert.strictEqual(judged([asked("mapped", { order: "input" }), ...told("1 0 ?")]), 0)
    const slowly = asked("mapped", { order: "completion", isReadSlowly: true })
    assert.strictEqual(judged([slowly, ...told("1 0 ?")]), 0)
  })
})
