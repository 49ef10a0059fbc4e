/**
 * A worker's side of one connection, as a synchronous machine: it asks for jobs when it
 * is told to, and falls asleep once the server had none for the last question.
 *
 * - GRAB_JOB_UNIQ is answered by JOB_ASSIGN_UNIQ or NO_JOB, in order. While an answer is
 *   owed, NOOPs are skipped (they were sent before the question was read), and sleep
 *   is not announced.
 * - NO_JOB to the last question leads to PRE_SLEEP; a job that came between the two makes
 *   the server answer with NOOP at once.
 * - A server that does not know GRAB_JOB_UNIQ (Perl's) answers ERROR; GRAB_JOB then serves.
 *   A refused CAN_DO is an ERROR too, and comes while the first question is under way.
 *
 * (Gearman protocol, "Worker Requests" and "Worker Responses")
 */
import * as Latch from "effect/Latch"
import * as Codec from "../Codec.ts"
import { type Machine, maxPacketBytes } from "../connection/Session.ts"
import * as Packet from "../Packet.ts"
import type { Lane } from "./Lane.ts"

const { PacketType } = Packet

/** A job as a server assigned it. */
export interface Assignment {
  readonly handle: string
  /** One character per byte. */
  readonly function: string
  readonly unique: string
  readonly workload: Uint8Array
  /** Why it cannot be run; the workload is then not all there. */
  readonly problem: string | undefined
}

export interface Hooks {
  /** A question was answered, by a job or by none. */
  readonly answered: (conversation: Conversation, assignment: Assignment | undefined) => void
  /** The server may have jobs again. */
  readonly woken: () => void
  /** The server will give no jobs of some function. It does not say of which, but for its text. */
  readonly refused: (conversation: Conversation, reason: string) => void
}

const encode = <N extends Packet.Name>(
  name: N,
  fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }
): Uint8Array => Codec.encode(Packet.request(name, fields))

const grabUnique = encode("GRAB_JOB_UNIQ", {})
const grab = encode("GRAB_JOB", {})
const preSleep = encode("PRE_SLEEP", {})
const echo = encode("ECHO_REQ", { data: "" })

/** What the servers say to a result of a job that is no longer ours. */
const lateResultCodes = new Set(["JOB_NOT_FOUND", "not_worker"])

/** What they say to a function that they will not have us serve: a right is lacking, or a limit reached. */
const refusedFunctionCodes = new Set(["ACCESS_DENIED", "QUEUE_ERROR", "ARGUMENT_TOO_LARGE", "INVALID_ARGUMENT"])

export class Conversation implements Machine {
  readonly server: string
  /** The functions that it serves. */
  readonly lane: Lane
  readonly wake = Latch.makeUnsafe(false)
  readonly hangUp = Latch.makeUnsafe(false)
  /** Closed while so much output waits that handlers should wait before they send more. */
  readonly room = Latch.makeUnsafe(true)
  /** False before the server has answered, and once the connection is lost. */
  isOpen = false
  /** No more jobs are asked for. */
  isClosing = false
  /** Questions whose answers the server owes. */
  grabs = 0
  /** Functions that the server will not have us serve. */
  refusals = 0
  private grabWindow = 1
  private readonly maxGrabs: number
  /** The last answer was NO_JOB, or we sleep. */
  private isEmpty = false
  private knowsGrabUnique: boolean | undefined
  private readonly hooks: Hooks
  private waiting: Array<Uint8Array>
  private unsentBytes = 0
  private readonly maxUnsentBytes: number
  /** Echoes the server owes; some have somebody waiting for them. */
  private readonly echoes: Array<(() => void) | undefined> = []

  constructor(options: {
    readonly server: string
    readonly lane: Lane
    /** Said at once; it must be nothing that is answered. */
    readonly greeting: ReadonlyArray<Uint8Array>
    readonly hooks: Hooks
    readonly maxGrabs: number
    readonly maxUnsentBytes: number
  }) {
    this.server = options.server
    this.lane = options.lane
    this.hooks = options.hooks
    this.maxGrabs = options.maxGrabs
    this.maxUnsentBytes = options.maxUnsentBytes
    // The echo shows that somebody is there; nothing else is answered until we ask for a job.
    this.waiting = [echo, ...options.greeting]
    this.echoes.push(undefined)
    this.wake.openUnsafe()
  }

  /** True for Perl's server, whose WORK_EXCEPTION does not end a job. */
  get needsFailAfterException(): boolean {
    return this.knowsGrabUnique === false
  }

  get isOwed(): boolean {
    return this.grabs > 0 || this.echoes.length > 0
  }

  get wantsGrab(): boolean {
    return this.isOpen && !this.isClosing && !this.isEmpty && this.grabs < this.grabWindow
  }

  say(...packets: ReadonlyArray<Uint8Array>): void {
    for (const packet of packets) {
      this.waiting.push(packet)
      this.unsentBytes += packet.length
    }
    if (this.unsentBytes > this.maxUnsentBytes) this.room.closeUnsafe()
    this.wake.openUnsafe()
  }

  grab(): void {
    this.grabs++
    this.say(this.knowsGrabUnique === false ? grab : grabUnique)
  }

  /** The server may have jobs of a function that it was just told of. */
  lookAgain(): void {
    this.isEmpty = false
  }

  /** Calls back once the server has read all that was said before, or never will. */
  confirm(confirmed: () => void): void {
    if (!this.isOpen) return confirmed()
    this.echoes.push(confirmed)
    this.say(echo)
  }

  take(): ReadonlyArray<Uint8Array> {
    const packets = this.waiting
    this.waiting = []
    this.wake.closeUnsafe()
    return packets
  }

  sent(): void {
    this.unsentBytes = 0
    for (const packet of this.waiting) this.unsentBytes += packet.length
    if (this.unsentBytes <= this.maxUnsentBytes / 2) this.room.openUnsafe()
  }

  probe(): void {
    this.echoes.push(undefined)
    this.say(echo)
  }

  batchEnd(): void {}

  suspect(): void {}

  close(): void {
    this.isOpen = false
    this.room.openUnsafe()
    for (const confirmed of this.echoes.splice(0)) confirmed?.()
  }

  received(frame: Codec.Frame): string | undefined {
    const { type } = frame
    if (!frame.isResponse || frame.split() < Packet.fieldCounts[type]!) return `a malformed ${Packet.nameOf(type)}`
    switch (type) {
      case PacketType.JOB_ASSIGN:
      case PacketType.JOB_ASSIGN_UNIQ:
      case PacketType.NO_JOB:
        return this.answered(frame)
      case PacketType.NOOP:
        if (this.grabs === 0) {
          this.isEmpty = false
          this.hooks.woken()
        }
        return undefined
      case PacketType.ERROR:
        return this.refused(Packet.toText(frame.field(0)), Packet.toText(frame.field(1)))
      case PacketType.ECHO_RES: {
        if (this.echoes.length === 0) return "an ECHO_RES that answers nothing"
        this.echoes.shift()?.()
        return undefined
      }
      case PacketType.OPTION_RES:
        return undefined
      default:
        return `a ${Packet.nameOf(type)}, which is not for workers`
    }
  }

  /** A job too large for us is failed: lost with its connection, it would come back for ever. */
  oversized(frame: Codec.Frame, bodyBytes: number): boolean {
    const { type } = frame
    const isJob = type === PacketType.JOB_ASSIGN || type === PacketType.JOB_ASSIGN_UNIQ
    if (!isJob || !frame.isResponse || frame.split() < Packet.fieldCounts[type]!) return false
    return (
      this.answered(frame, `a job of ${bodyBytes} bytes is too large; this worker takes ${maxPacketBytes} at most`) ===
      undefined
    )
  }

  private answered(frame: Codec.Frame, problem?: string): string | undefined {
    if (this.grabs === 0) return `a ${Packet.nameOf(frame.type)} that answers nothing`
    this.grabs--
    this.knowsGrabUnique ??= true
    if (frame.type === PacketType.NO_JOB) {
      this.isEmpty = true
      this.grabWindow = 1
      if (this.grabs === 0) this.say(preSleep)
      this.hooks.answered(this, undefined)
      return undefined
    }
    this.isEmpty = false
    this.grabWindow = Math.min(this.maxGrabs, this.grabWindow * 2)
    const hasUnique = frame.type === PacketType.JOB_ASSIGN_UNIQ
    this.hooks.answered(this, {
      handle: frame.key(0),
      function: frame.key(1),
      unique: hasUnique ? frame.key(2) : "",
      workload: frame.copy(hasUnique ? 3 : 2),
      problem
    })
    return undefined
  }

  private refused(code: string, text: string): string | undefined {
    if (lateResultCodes.has(code)) return undefined
    if (refusedFunctionCodes.has(code)) {
      this.refusals++
      this.hooks.refused(this, `${code}, ${text}`)
      return undefined
    }
    if (this.grabs === 0) return undefined
    if (this.knowsGrabUnique === true) return `an ERROR where a job was asked for: ${code} ${text}`
    // All questions on the way were of the kind it does not know.
    if (this.knowsGrabUnique === undefined) this.knowsGrabUnique = false
    this.grabs--
    this.hooks.answered(this, undefined)
    return undefined
  }
}
