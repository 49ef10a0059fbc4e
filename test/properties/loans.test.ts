/**
 * Large packets lie in memory that is used again and again. Whoever reads how slowly, and
 * whoever leaves in the midst of it: each byte that arrives is the one that was sent.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import type { JobServerCore } from "../../src/protocol/server/JobServerCore.ts"
import type { Peer } from "../../src/protocol/server/Outbox.ts"
import type { Session } from "../../src/protocol/server/Session.ts"
import { Server } from "../unit/server/harness.ts"

/** What each packet is told by: its type, how long its last field is, and the byte that fills it. */
const show = (frame: Codec.Frame): string => {
  const last = frame.field(frame.split() - 1)
  const isEven = Buffer.alloc(last.length, last[0]).equals(last)
  return `${Packet.nameOf(frame.type)} ${last.length} ${isEven ? last[0] : "of several"}`
}

/** A connection whose transport reads the server's buffers when the bytes leave, not before. */
class SlowPeer {
  readonly expected = new Array<string>()
  private readonly core: JobServerCore
  private readonly now: Server["now"]
  private readonly session: Session
  private readonly decoder: Codec.Decoder
  private readonly read = new Array<string>()
  private readonly reader = new Codec.Decoder({ packet: (frame) => this.read.push(show(frame)) })
  private readonly waiting = new Array<Uint8Array>()
  private unsentBytes = 0

  constructor({ core, now }: Server) {
    this.core = core
    this.now = now
    const transport: Peer = {
      peerHost: "127.0.0.1",
      send: (chunks) => {
        for (const chunk of chunks) {
          this.waiting.push(chunk)
          this.unsentBytes += chunk.length
        }
      },
      unsentBytes: () => this.unsentBytes,
      end: () => {},
      destroy: () => {}
    }
    this.session = core.connected(transport, now)!
    const receiver = { packet: (frame: Codec.Frame) => core.received(this.session, frame, now) }
    this.decoder = new Codec.Decoder(receiver, core.options, core.buffers)
  }

  /** The packet comes in pieces of that size. */
  says(packet: Packet.Packet, pieceBytes = 1_000_000): void {
    const bytes = Codec.encode(packet)
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      assert.isUndefined(this.decoder.push(bytes.subarray(at, at + pieceBytes)))
    }
  }

  leaves(bytes: number): void {
    for (let left = bytes; left > 0 && this.waiting.length > 0;) {
      const [first] = this.waiting
      const part = first!.subarray(0, left)
      assert.isUndefined(this.reader.push(part))
      left -= part.length
      this.unsentBytes -= part.length
      // What is left is left where it lies.
      if (part.length === first!.length) this.waiting.shift()
      else this.waiting[0] = first!.subarray(part.length)
    }
  }

  /** What has arrived so far is the beginning of what was to come, or all of it. */
  check(isAll: boolean): void {
    assert.deepStrictEqual(this.read, isAll ? this.expected : this.expected.slice(0, this.read.length))
  }

  close(): void {
    this.core.disconnected(this.session, this.now)
  }
}

const { array, constant, constantFrom, integer, nat, oneof, property, record } = FastCheck
const callers = 4
const caller = nat(callers - 1)
// Some are copied, some go by reference, and some in the memory in which they came.
const size = oneof(constantFrom(100, 40_000, 70_000, 150_000), integer({ min: 30_000, max: 200_000 }))
const pieceBytes = constantFrom(1_000_000, 65_536, 30_000)
const step = oneof(
  { weight: 4, arbitrary: record({ _tag: constant("echo" as const), caller, size, pieceBytes }) },
  {
    weight: 4,
    arbitrary: record({
      _tag: constant("job" as const),
      callers: array(caller, { minLength: 1, maxLength: 6 }),
      size,
      pieceBytes
    })
  },
  { weight: 1, arbitrary: record({ _tag: constant("work" as const), caller, size, pieceBytes }) },
  { weight: 6, arbitrary: record({ _tag: constant("leaves" as const), caller, bytes: nat(300_000) }) },
  { weight: 6, arbitrary: record({ _tag: constant("isSent" as const) }) },
  { weight: 1, arbitrary: record({ _tag: constant("goes" as const), caller }) }
)

describe("large packets", () => {
  it("arrive as they were sent, though their memory is used again", () => {
    FastCheck.assert(
      property(array(step, { maxLength: 40, size: "max" }), (steps) => {
        const server = new Server()
        const connect = () => new SlowPeer(server)
        const all = Array.from({ length: callers }, connect)
        const worker = connect()
        worker.says(Packet.request("CAN_DO", { function: "f" }))
        let fill = 0
        let jobs = 0
        const work = (workload: string) => {
          worker.says(Packet.request("GRAB_JOB", {}))
          worker.expected.push(`JOB_ASSIGN ${workload}`)
          return `H:${++jobs}`
        }
        for (const step of steps) {
          fill = (fill + 1) & 255
          if (step._tag === "isSent") server.core.flush()
          else if (step._tag === "leaves") {
            all[step.caller]!.leaves(step.bytes)
            all[step.caller]!.check(false)
          } else if (step._tag === "goes") {
            all[step.caller]!.close()
            all[step.caller] = connect()
          } else {
            const data = new Uint8Array(step.size).fill(fill)
            const body = `${step.size} ${fill}`
            if (step._tag === "echo") {
              all[step.caller]!.says(Packet.request("ECHO_REQ", { data }), step.pieceBytes)
              all[step.caller]!.expected.push(`ECHO_RES ${body}`)
            } else if (step._tag === "work") {
              const job = { function: "f", unique: "", workload: data }
              all[step.caller]!.says(Packet.request("SUBMIT_JOB_BG", job), step.pieceBytes)
              all[step.caller]!.expected.push(`JOB_CREATED ${`H:${jobs + 1}`.length} of several`)
              worker.says(Packet.request("WORK_FAIL", { handle: work(body) }))
            } else {
              for (const caller of step.callers)
                all[caller]!.says(Packet.request("SUBMIT_JOB", { function: "f", unique: "u", workload: "z" }))
              const handle = work("1 122")
              worker.says(Packet.request("WORK_DATA", { handle, data }), step.pieceBytes)
              worker.says(Packet.request("WORK_COMPLETE", { handle, data }), step.pieceBytes)
              const created = `JOB_CREATED ${handle.length} of several`
              for (const caller of step.callers) all[caller]!.expected.push(created)
              for (const caller of step.callers) all[caller]!.expected.push(`WORK_DATA ${body}`)
              for (const caller of step.callers) all[caller]!.expected.push(`WORK_COMPLETE ${body}`)
            }
          }
        }
        server.core.flush()
        for (const peer of [...all, worker]) {
          peer.leaves(Infinity)
          peer.check(true)
        }
        assert.deepStrictEqual(server.core.violations(), [])
      }),
      { numRuns: 100 }
    )
  })
})
