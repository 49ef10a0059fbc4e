/**
 * The client's bookkeeping under every order of events: servers that come and go,
 * answers that come late or never, callers that leave.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Conversation } from "../../src/protocol/client/Conversation.ts"
import * as Encoding from "../../src/protocol/client/Encoding.ts"
import { Fleet } from "../../src/protocol/client/Fleet.ts"
import type { Listener, Submission } from "../../src/protocol/client/Submission.ts"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"

interface Caller {
  readonly payload: string
  readonly isIdempotent: boolean
  readonly submission: Submission
  readonly listener: Listener
  hasLeft: boolean
  readonly ends: Array<string>
}

/** What a played server knows of one connection. */
interface Peer {
  readonly conversation: Conversation
  readonly decoder: Codec.Decoder
  readonly inbox: Array<Packet.Packet>
  readonly jobs: Array<{ readonly handle: string; readonly workload: string }>
}

type Step =
  | { readonly _tag: "submit"; readonly payload: number; readonly first: number; readonly isIdempotent: boolean }
  | { readonly _tag: "leave"; readonly caller: number }
  | { readonly _tag: "up" | "down" | "flush" | "create" | "complete" | "fail" | "late"; readonly server: number }
  | { readonly _tag: "wait"; readonly milliseconds: number }

const serverCount = 3
const maxSteps = 120

class World {
  now = 0
  readonly fleet: Fleet
  readonly callers: Array<Caller> = []
  readonly peers: Array<Peer | undefined> = Array.from({ length: serverCount }, () => undefined)
  readonly lost: Array<Peer> = []
  private handles = 0

  constructor(maxJobs: number) {
    const limits = { maxJobs, maxUnsentBytes: 1_000_000, noServerMilliseconds: 5000 }
    this.fleet = new Fleet(["a:1", "b:1", "c:1"], limits, () => this.now)
  }

  send(peer: Peer, packet: Packet.Packet): void {
    const failure = peer.decoder.push(Codec.encode(packet))
    assert.isUndefined(failure)
  }

  dial(server: number): void {
    if (this.peers[server] !== undefined) return
    const link = this.fleet.links[server]!
    const conversation = new Conversation(link.outbox)
    link.conversation = conversation
    const decoder = new Codec.Decoder({ packet: (frame) => assert.isUndefined(conversation.received(frame)) })
    const peer: Peer = { conversation, decoder, inbox: [], jobs: [] }
    this.peers[server] = peer
    conversation.take()
    this.send(peer, Packet.response("OPTION_RES", { option: "exceptions" }))
    this.fleet.up(link)
  }

  flush(peer: Peer): void {
    const decoder = new Codec.Decoder({ packet: (frame) => peer.inbox.push(Codec.toPacket(frame) as Packet.Packet) })
    for (const bytes of peer.conversation.take()) decoder.push(bytes)
    peer.conversation.sent()
  }

  create(peer: Peer): void {
    const packet = peer.inbox.shift()
    if (packet?._tag !== "SUBMIT_JOB") return
    const handle = `H:${++this.handles}`
    peer.jobs.push({ handle, workload: Packet.toText(packet.workload) })
    this.send(peer, Packet.response("JOB_CREATED", { handle }))
  }

  finish(peer: Peer, succeeds: boolean): void {
    const job = peer.jobs.shift()
    if (job === undefined) return
    this.send(
      peer,
      succeeds
        ? Packet.response("WORK_COMPLETE", { handle: job.handle, data: job.workload })
        : Packet.response("WORK_FAIL", { handle: job.handle })
    )
  }

  submit(payload: string, first: number, isIdempotent: boolean): void {
    const packet = Encoding.submission({
      function: Packet.toBytes("f"),
      unique: Packet.toBytes(payload),
      workload: Packet.toBytes(payload),
      priority: "normal",
      isBackground: false,
      epochSeconds: 0
    }) as Uint8Array
    const ends: Array<string> = []
    const listener: Listener = {
      hasDeadline: false,
      event: () => assert.strictEqual(ends.length, 0),
      succeeded: (bytes) => ends.push(Packet.toText(bytes)),
      failed: (error) => ends.push(error.reason._tag)
    }
    const submission = this.fleet.submit(
      {
        function: "f",
        packet,
        isBackground: false,
        isIdempotent,
        hasDeadline: false,
        order: Array.from({ length: serverCount }, (_, index) => (first + index) % serverCount),
        mergeKey: `${payload} ${isIdempotent}`
      },
      listener
    )
    this.callers.push({ payload, isIdempotent, submission, listener, hasLeft: false, ends })
  }

  step(step: Step): void {
    switch (step._tag) {
      case "submit":
        return this.submit(`p${step.payload}`, step.first, step.isIdempotent)
      case "leave": {
        const caller = this.callers[step.caller % Math.max(1, this.callers.length)]
        if (caller === undefined || caller.ends.length > 0) return
        caller.hasLeft = true
        return caller.submission.detach(caller.listener)
      }
      case "wait": {
        this.now += step.milliseconds
        this.fleet.expireParked()
        return
      }
      case "up":
        return this.dial(step.server)
      case "down": {
        const peer = this.peers[step.server]
        if (peer !== undefined) this.lost.push(peer)
        this.peers[step.server] = undefined
        return this.fleet.down(this.fleet.links[step.server]!, "test", undefined)
      }
      case "late": {
        // The bytes of a connection that was given up change nothing for anybody.
        const peer = this.lost.at(-1)
        const job = peer?.jobs.shift()
        if (job !== undefined) {
          const before = this.callers.map((caller) => caller.ends.length)
          this.send(peer!, Packet.response("WORK_COMPLETE", { handle: job.handle, data: "stale" }))
          assert.deepStrictEqual(
            this.callers.map((caller) => caller.ends.length),
            before
          )
        }
        return
      }
    }
    const peer = this.peers[step.server]
    if (peer === undefined) return
    if (step._tag === "flush") this.flush(peer)
    else if (step._tag === "create") this.create(peer)
    else this.finish(peer, step._tag === "complete")
  }

  /** All servers are up and do what they are asked. */
  heal(): void {
    for (let server = 0; server < serverCount; server++) this.dial(server)
    // Each round ends at least one job, and no more are submitted than there are steps.
    for (let round = 0; round < 4 + maxSteps; round++) {
      for (const peer of this.peers) {
        this.flush(peer!)
        while (peer!.inbox.length > 0) this.create(peer!)
        while (peer!.jobs.length > 0) this.finish(peer!, true)
      }
    }
    this.now += 10_000
    this.fleet.expireParked()
  }
}

const server = fc.nat({ max: serverCount - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      _tag: fc.constant("submit" as const),
      payload: fc.nat({ max: 5 }),
      first: server,
      isIdempotent: fc.boolean()
    })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("leave" as const), caller: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("wait" as const), milliseconds: fc.nat({ max: 6000 }) }) },
  {
    weight: 9,
    arbitrary: fc.record({
      _tag: fc.constantFrom("up", "up", "down", "flush", "flush", "create", "complete", "fail", "late"),
      server
    })
  }
) as fc.Arbitrary<Step>

describe("the client's fleet", () => {
  it("ends each caller exactly once, with its own result, and keeps nothing", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: maxSteps, size: "max" }),
        fc.integer({ min: 1, max: 20 }),
        (steps, maxJobs) => {
          const world = new World(maxJobs)
          for (const each of steps) {
            world.step(each)
            assert.isAtMost(world.fleet.size.jobs, maxJobs)
            for (const caller of world.callers) assert.isAtMost(caller.ends.length, 1)
          }
          world.heal()
          for (const caller of world.callers) {
            assert.strictEqual(caller.ends.length, caller.hasLeft ? 0 : 1, JSON.stringify(caller.payload))
            const [end] = caller.ends
            if (end === undefined) continue
            // An idempotent job never ends in doubt while a server can be had; parking too long is told as such.
            const allowed = [caller.payload, "JobFailed", "NoServer", "Ambiguous"]
            assert.include(allowed, end)
          }
          assert.deepStrictEqual(world.fleet.size, { jobs: 0, queued: 0, merged: 0, parked: 0 })
          for (const peer of world.peers) {
            assert.deepStrictEqual(peer!.conversation.size, { unanswered: 0, listened: 0 })
          }
        }
      ),
      { numRuns: 400 }
    )
  })

  it("never submits a job twice that is not idempotent", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: maxSteps, size: "max" }), (steps) => {
        const world = new World(1000)
        let written = 0
        let submitted = 0
        for (const each of steps) {
          const before = world.fleet.size.jobs
          if (each._tag === "submit") world.step({ ...each, isIdempotent: false, payload: submitted })
          else world.step(each)
          if (world.fleet.size.jobs > before) submitted++
          if (each._tag === "flush") written += world.peers[each.server]?.inbox.splice(0).length ?? 0
        }
        assert.isAtMost(written, submitted)
      }),
      { numRuns: 200 }
    )
  })
})
