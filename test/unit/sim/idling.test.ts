/** A worker that has room asks for jobs, or sleeps, and a map that has room asks for items. */
import { assert, describe, it } from "@effect/vitest"
import type * as Packet from "../../../src/protocol/Packet.ts"
import type { Event } from "../../../src/sim/properties/History.ts"
import { idling, ownTurns } from "../../../src/sim/properties/idling.ts"
import { mapping } from "../../../src/sim/properties/mapping.ts"
import { violated } from "./histories.ts"

const packet = (got: boolean, name: Packet.Name, ...fields: ReadonlyArray<string>): Event => ({
  ...{ _tag: "Packet", node: "worker1", connection: 1, atServer: false },
  ...{ got, name, fields }
})
const says = (name: Packet.Name, ...fields: ReadonlyArray<string>) => packet(false, name, ...fields)
const hears = (name: Packet.Name, ...fields: ReadonlyArray<string>) => packet(true, name, ...fields)
const began: Event = {
  ...{ _tag: "Began", node: "worker1", execution: 1, server: "server1:4730" },
  ...{ handle: "H:1", function: "f", workload: "w" }
}
const finished: Event = { _tag: "Finished", node: "worker1", execution: 1, how: "success" }
const closed: Event = { _tag: "Closed", node: "worker1", connection: 1, atServer: false }

const opened: Event = { _tag: "Opened", node: "server1", connection: 1, atServer: true }
const introduced = [opened, hears("ECHO_RES", ""), says("CAN_DO", "f")]
const assigned = [says("GRAB_JOB_UNIQ"), hears("JOB_ASSIGN_UNIQ", "H:1", "f", "", "w")]

const rested = (events: ReadonlyArray<Event>, room: number | undefined = 1, isBlocked = false) =>
  violated(
    idling(
      () => room,
      () => isBlocked
    ),
    [...introduced, ...events].map((event) => [0, event]),
    100
  )

describe("24: a worker that has room", () => {
  it("asks for a job, or sleeps", () => {
    assert.strictEqual(rested([]), 24)
    assert.strictEqual(rested([says("GRAB_JOB_UNIQ")]), 0)
    assert.strictEqual(rested([says("GRAB_JOB_UNIQ"), hears("NO_JOB")]), 24)
    assert.strictEqual(rested([says("GRAB_JOB_UNIQ"), hears("NO_JOB"), says("PRE_SLEEP")]), 0)
    assert.strictEqual(rested([says("PRE_SLEEP"), hears("NOOP")]), 24)
    assert.strictEqual(rested([says("PRE_SLEEP"), hears("NOOP"), says("GRAB_JOB_UNIQ")]), 0)
  })

  it("has none while it is at work", () => {
    assert.strictEqual(rested([...assigned, began]), 0)
    assert.strictEqual(rested([...assigned, began], 2), 24)
    assert.strictEqual(rested([...assigned, began, finished, says("WORK_COMPLETE", "H:1", "")]), 24)
    // The result has nowhere to go, and the handler has not stopped.
    const elsewhere = { ...hears("ECHO_RES", ""), connection: 2 } as Event
    const lost = [...assigned, began, closed, elsewhere, { ...says("CAN_DO", "f"), connection: 2 } as Event]
    assert.strictEqual(rested(lost), 0)
    assert.strictEqual(rested([...lost, finished]), 24)
  })

  it("has less of it when another server's job has the same handle", () => {
    const elsewhere: ReadonlyArray<Event> = [
      { ...opened, node: "server2", connection: 2 },
      ...[hears("ECHO_RES", ""), says("CAN_DO", "f"), ...assigned].map(
        (event) => ({ ...event, connection: 2 }) as Event
      ),
      { ...began, execution: 2, server: "server2:4730" } as Event
    ]
    // The first one's handler has ended, and its answer waits for whether the server gives the job to another.
    const waits = [...assigned, began, finished, ...elsewhere]
    assert.strictEqual(rested(waits, 2), 0)
    assert.strictEqual(rested(waits, 3), 24)
  })

  it("is not judged while it changes or cannot speak", () => {
    const none = idling(
      () => undefined,
      () => false
    )
    assert.strictEqual(
      violated(
        none,
        introduced.map((event) => [0, event]),
        100
      ),
      0
    )
    assert.strictEqual(rested([], 1, true), 0)
    assert.strictEqual(rested([closed]), 0)
    assert.strictEqual(rested([{ _tag: "Stopping", node: "worker1" }]), 0)
  })
})

describe("51: a map that has room", () => {
  const asked: Event = {
    ...{ _tag: "Asked", node: "client1", caller: 1, function: "f", unique: "", workload: "a" },
    ...{ kind: "map", priority: "normal", idempotent: true, interrupts: false }
  }
  const submits = (workload: string): Event => ({
    ...{ _tag: "Packet", node: "client1", connection: 1, atServer: false, got: false },
    ...{ name: "SUBMIT_JOB", fields: ["f", "", workload] }
  })
  const answered: Event = { _tag: "Answered", node: "client1", caller: 1, how: "success", text: "" }
  const mapped = (window: number, ...events: ReadonlyArray<Event>) => {
    const map = { window, collects: false, order: undefined, isReadSlowly: false }
    return violated(
      mapping(
        () => true,
        () => ["a", "b", "c"]
      ),
      [{ ...asked, map }, ...events].map((event) => [0, event]),
      100
    )
  }

  it("has as many items under way as it may", () => {
    assert.strictEqual(mapped(2), 0)
    assert.strictEqual(mapped(2, submits("a")), 51)
    assert.strictEqual(mapped(2, submits("a"), submits("b")), 0)
    assert.strictEqual(mapped(2, submits("a"), submits("x")), 51)
    assert.strictEqual(mapped(1, submits("a")), 0)
    assert.strictEqual(mapped(9, submits("a"), submits("b"), submits("c")), 0)
    assert.strictEqual(mapped(2, submits("a"), answered), 0)
  })
})

describe("31: a function with a limit of its own", () => {
  const other = (execution: number): Event => ({ ...began, execution, function: "g" }) as Event
  const turns = (...events: ReadonlyArray<Event>) =>
    violated(
      ownTurns(
        (_, fn) => (fn === "f" ? 1 : undefined),
        () => 2
      ),
      [...introduced, ...events].map((event) => [0, event])
    )
  const three = [other(1), other(2), other(3)]

  it("has its turn beside others", () => {
    assert.strictEqual(turns(...three), 31)
    assert.strictEqual(turns(other(1), other(2), says("GRAB_JOB_UNIQ"), hears("NO_JOB"), other(3)), 0)
  })

  it("is not asked for while it sleeps, or has what it may", () => {
    assert.strictEqual(turns(says("PRE_SLEEP"), ...three), 0)
    assert.strictEqual(turns(says("PRE_SLEEP"), hears("NOOP"), ...three), 31)
    assert.strictEqual(turns(...assigned, ...three), 0)
    assert.strictEqual(turns(...assigned, says("WORK_COMPLETE", "H:1", ""), ...three), 31)
  })
})
