/**
 * The worker's machine packet by packet, against a server that the test plays.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { Conversation } from "../../../src/protocol/worker/Conversation.ts"
import { Crew, type Running } from "../../../src/protocol/worker/Crew.ts"
import { Lane } from "../../../src/protocol/worker/Lane.ts"

const request = <N extends Packet.Name>(
  name: N,
  fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }
): Uint8Array => Codec.encode(Packet.request(name, fields))

/** A worker with one function and servers that only answer what the test has them answer. */
const makeWorker = (concurrency: number, servers: ReadonlyArray<string>, prefetch = 0) => {
  const started: Array<Running> = []
  const crew = new Crew({ concurrency, prefetch, onUnknown: () => {} })
  const lane = new Lane(Infinity)
  const registration = {
    lane,
    name: "f",
    announcement: request("CAN_DO", { function: "f" }),
    withdrawal: request("CANT_DO", { function: "f" }),
    isTimed: false,
    start: (run: Running) => void started.push(run)
  }
  const connect = (server: string) => {
    const refusals: Array<string> = []
    const conversation = new Conversation({
      server,
      lane,
      greeting: [],
      hooks: {
        answered: (from, assignment) => crew.answered(from, assignment),
        woken: () => crew.fill(),
        refused: (_from, reason) => void refusals.push(reason)
      },
      maxGrabs: 8,
      maxUnsentBytes: 1024
    })
    const violations: Array<string> = []
    const decoder = new Codec.Decoder({
      packet: (frame) => {
        const violation = conversation.received(frame)
        if (violation !== undefined) violations.push(violation)
      }
    })
    const said: Array<string> = []
    const collector = new Codec.Decoder({ packet: (frame) => said.push(Packet.nameOf(frame.type)!) })
    return {
      conversation,
      violations,
      refusals,
      answer: <N extends Packet.Name>(name: N, fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }) =>
        void decoder.push(Codec.encode(Packet.response(name, fields))),
      /** The names of what it has said since the last call. */
      said: (): ReadonlyArray<string> => {
        for (const bytes of conversation.take()) collector.push(bytes)
        conversation.sent()
        return said.splice(0)
      }
    }
  }
  crew.register(registration)
  const peers = servers.map(connect)
  for (const peer of peers) {
    peer.answer("ECHO_RES", { data: "" })
    crew.joined(peer.conversation)
  }
  return { crew, registration, started, peers, connect }
}

const assign = { handle: "H:1", function: "f", unique: "", workload: "" }

describe("the worker's conversation", () => {
  it("announces, asks, sleeps on NO_JOB, and asks again on NOOP", () => {
    const [peer] = makeWorker(1, ["a"]).peers
    assert.deepStrictEqual(peer!.said(), ["ECHO_REQ", "CAN_DO", "GRAB_JOB_UNIQ"])
    peer!.answer("NO_JOB", {})
    assert.deepStrictEqual(peer!.said(), ["PRE_SLEEP"])
    peer!.answer("NOOP", {})
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ"])
  })

  it("skips a NOOP while an answer is owed", () => {
    const [peer] = makeWorker(4, ["a"]).peers
    peer!.said()
    peer!.answer("NOOP", {})
    assert.deepStrictEqual(peer!.said(), [])
    peer!.answer("NO_JOB", {})
    assert.deepStrictEqual(peer!.said(), ["PRE_SLEEP"])
  })

  it("asks more at once while each question brings a job, and never beyond its slots", () => {
    const { crew, peers, started } = makeWorker(4, ["a"])
    const [peer] = peers
    peer!.said()
    peer!.answer("JOB_ASSIGN_UNIQ", assign)
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ", "GRAB_JOB_UNIQ"])
    peer!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle: "H:2" })
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ"])
    peer!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle: "H:3" })
    peer!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle: "H:4" })
    assert.deepStrictEqual(peer!.said(), [])
    assert.strictEqual(started.length, 4)
    crew.finished(started[0]!)
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ"])
  })

  it("announces sleep only after the last answer that is owed", () => {
    const { peers } = makeWorker(3, ["a"])
    const [peer] = peers
    peer!.answer("JOB_ASSIGN_UNIQ", assign)
    peer!.said()
    peer!.answer("NO_JOB", {})
    assert.deepStrictEqual(peer!.said(), [])
    peer!.answer("NO_JOB", {})
    assert.deepStrictEqual(peer!.said(), ["PRE_SLEEP"])
  })

  it("goes round the servers with its one slot", () => {
    const { crew, peers, started } = makeWorker(1, ["a", "b"])
    const [a, b] = peers
    assert.include(a!.said(), "GRAB_JOB_UNIQ")
    assert.notInclude(b!.said(), "GRAB_JOB_UNIQ")
    a!.answer("JOB_ASSIGN_UNIQ", assign)
    crew.finished(started[0]!)
    assert.include(b!.said(), "GRAB_JOB_UNIQ")
    b!.answer("JOB_ASSIGN_UNIQ", assign)
    crew.finished(started[1]!)
    assert.include(a!.said(), "GRAB_JOB_UNIQ")
    a!.answer("NO_JOB", {})
    assert.include(b!.said(), "GRAB_JOB_UNIQ")
  })

  it("asks a server that knows no GRAB_JOB_UNIQ with GRAB_JOB", () => {
    const { peers, started } = makeWorker(1, ["a"])
    const [peer] = peers
    peer!.said()
    peer!.answer("ERROR", { code: "server_error", text: "Can't locate object method" })
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB"])
    peer!.answer("JOB_ASSIGN", { handle: "H:1", function: "f", workload: "w" })
    assert.strictEqual(started.length, 1)
    assert.isTrue(peer!.conversation.needsFailAfterException)
  })

  it.each(["ACCESS_DENIED", "QUEUE_ERROR", "ARGUMENT_TOO_LARGE", "INVALID_ARGUMENT"])(
    "tells that a function is refused with %s, and still owes nothing for the question behind it",
    (code) => {
      const [peer] = makeWorker(1, ["a"]).peers
      assert.deepStrictEqual(peer!.said(), ["ECHO_REQ", "CAN_DO", "GRAB_JOB_UNIQ"])
      peer!.answer("ERROR", { code, text: "no f for you" })
      assert.deepStrictEqual(peer!.refusals, [`${code}, no f for you`])
      assert.deepStrictEqual(peer!.said(), [])
      peer!.answer("NO_JOB", {})
      assert.deepStrictEqual(peer!.violations, [])
      // It was the only function: the connection is given up once all is read.
      assert.deepStrictEqual(peer!.said(), ["PRE_SLEEP", "ECHO_REQ"])
      peer!.answer("ECHO_RES", { data: "" })
      assert.isTrue(peer!.conversation.hangUp.isOpen())
      assert.isFalse(peer!.conversation.needsFailAfterException)
    }
  )

  it("takes no notice when a late result is refused", () => {
    const { peers, started } = makeWorker(2, ["a"])
    const [peer] = peers
    peer!.answer("JOB_ASSIGN_UNIQ", assign)
    peer!.said()
    peer!.answer("ERROR", { code: "JOB_NOT_FOUND", text: "Job given in work result not found" })
    assert.deepStrictEqual(peer!.violations, [])
    assert.strictEqual(peer!.conversation.grabs, 1)
    assert.strictEqual(started.length, 1)
  })

  it("gives back the slots that a lost server held", () => {
    const { crew, peers } = makeWorker(1, ["a", "b"])
    const [a, b] = peers
    a!.said()
    b!.said()
    crew.left(a!.conversation)
    assert.deepStrictEqual(b!.said(), ["GRAB_JOB_UNIQ"])
    assert.deepStrictEqual(crew.size, { running: 0, reserved: 1, waiters: 0 })
  })

  it("hears answers to what was not asked", () => {
    const [peer] = makeWorker(1, ["a"]).peers
    peer!.answer("NO_JOB", {})
    peer!.answer("NO_JOB", {})
    assert.deepStrictEqual(peer!.violations, ["a NO_JOB that answers nothing"])
  })

  it("says CANT_DO only where nothing of the function runs or may come", () => {
    const { crew, peers, registration, started } = makeWorker(2, ["a", "b"])
    const [a, b] = peers
    a!.answer("JOB_ASSIGN_UNIQ", assign)
    a!.said()
    b!.said()
    crew.drain(registration)
    assert.notInclude(a!.said(), "CANT_DO")
    assert.notInclude(b!.said(), "CANT_DO")
    b!.answer("NO_JOB", {})
    assert.deepStrictEqual(b!.said(), ["PRE_SLEEP", "CANT_DO"])
    crew.finished(started[0]!)
    assert.deepStrictEqual(a!.said(), ["CANT_DO"])
    assert.isTrue(crew.isQuiet(registration))
  })

  it("keeps what it was given ahead until a handler is free, and asks for as much again", () => {
    const { crew, peers, started } = makeWorker(1, ["a"], 2)
    const [peer] = peers
    peer!.said()
    for (const handle of ["H:1", "H:2", "H:3"]) {
      peer!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle })
      if (handle === "H:1") assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ", "GRAB_JOB_UNIQ"])
    }
    const handles = () => started.map(({ assignment }) => assignment.handle)
    assert.deepStrictEqual(peer!.said(), [])
    assert.deepStrictEqual(handles(), ["H:1"])
    crew.finished(started[0]!)
    assert.deepStrictEqual(peer!.said(), ["GRAB_JOB_UNIQ"])
    assert.deepStrictEqual(handles(), ["H:1", "H:2"])
    assert.deepStrictEqual(crew.size, { running: 2, reserved: 1, waiters: 0 })
  })

  it("never begins what a lost server had given ahead", () => {
    const { crew, peers, started } = makeWorker(1, ["a", "b"], 2)
    const [a, b] = peers
    a!.answer("JOB_ASSIGN_UNIQ", assign)
    a!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle: "H:2" })
    b!.answer("JOB_ASSIGN_UNIQ", { ...assign, handle: "H:b" })
    crew.left(a!.conversation)
    assert.isTrue(started[0]!.isLost)
    // The one that ran has stopped; its server is not there to be told.
    crew.finished(started[0]!)
    assert.deepStrictEqual(
      started.map(({ assignment }) => assignment.handle),
      ["H:1", "H:b"]
    )
    assert.strictEqual(crew.size.running, 1)
  })
})
