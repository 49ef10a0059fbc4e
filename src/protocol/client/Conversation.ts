/**
 * What a client knows of one connection: which requests wait for their answer, and
 * which jobs it listens to. No answer carries a request's id, so answers are matched
 * in order: the oldest request that was sent is the one that JOB_CREATED, ERROR,
 * STATUS_RES, ECHO_RES or OPTION_RES answers. WORK_ packets are matched by handle.
 *
 * A conversation ends with its connection, so nothing that an old connection says can
 * reach a job that was resubmitted over another. (Gearman protocol, "Client Responses")
 */
import * as Latch from "effect/Latch"
import * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"
import type { Machine } from "../connection/Session.ts"

const { PacketType } = Packet

/** Somebody who submitted a job over this connection. */
export interface Attempt {
  /** A background job is not listened to. */
  readonly isBackground: boolean
  readonly created: (handle: string) => void
  readonly refused: (code: string, text: string) => void
  readonly data: (bytes: Uint8Array) => void
  readonly warning: (bytes: Uint8Array) => void
  readonly status: (numerator: number, denominator: number) => void
  readonly completed: (bytes: Uint8Array) => void
  readonly failed: () => void
  readonly threw: (bytes: Uint8Array) => void
  /** What the worker sent of its job is too large for us. */
  readonly tooLarge: (type: number, bytes: number) => void
}

/** Somebody who asked the server something. */
export interface Query {
  /** The type of the packet that answers. */
  readonly answer: number
  /** The answer; the frame is split and valid only during the call. */
  readonly answered: (frame: Codec.Frame) => void
  /** Without a code: the server cannot be reached, for this cause. */
  readonly refused: (code: string, text: string, cause?: unknown) => void
}

/** A request, from its making to its answer. */
export class Request {
  readonly packet: Uint8Array
  readonly attempt: Attempt | undefined
  readonly query: Query | undefined
  /** Set when nobody wants it any more; it then is not sent. */
  isWithdrawn = false

  constructor(packet: Uint8Array, kind: { readonly attempt: Attempt } | { readonly query: Query }) {
    this.packet = packet
    this.attempt = "attempt" in kind ? kind.attempt : undefined
    this.query = "query" in kind ? kind.query : undefined
  }
}

/**
 * Requests that wait to be sent to one server, whether or not it is connected yet. They
 * are handed to the transport in their order, about as many bytes at a time as it may
 * hold: what still waits here when the connection is lost was certainly not sent.
 */
export class Outbox {
  /** Open while something waits. */
  readonly wake = Latch.makeUnsafe(false)
  private waiting: Array<Request> = []
  private readonly maxUnsentBytes: number

  constructor(maxUnsentBytes: number) {
    this.maxUnsentBytes = maxUnsentBytes
  }

  push(request: Request): void {
    this.waiting.push(request)
    this.wake.openUnsafe()
  }

  /** What is to be sent now; once it is with the transport, the next can be taken. */
  take(): ReadonlyArray<Request> {
    const taken: Array<Request> = []
    let bytes = 0
    let at = 0
    while (at < this.waiting.length && bytes < this.maxUnsentBytes) {
      const request = this.waiting[at++]!
      if (request.isWithdrawn) continue
      taken.push(request)
      bytes += request.packet.length
    }
    this.waiting = at === this.waiting.length ? [] : this.waiting.slice(at)
    if (this.waiting.length === 0) this.wake.closeUnsafe()
    else this.wake.openUnsafe()
    return taken
  }

  /** Gives back what was never sent. */
  drain(): ReadonlyArray<Request> {
    const left = this.waiting.filter((request) => !request.isWithdrawn)
    this.waiting = []
    this.wake.closeUnsafe()
    return left
  }
}

/** What a lost connection leaves behind: jobs whose fate nobody knows, and questions. */
export interface Remains {
  readonly attempts: ReadonlyArray<Attempt>
  readonly queries: ReadonlyArray<Query>
}

/** Several submissions over one connection that the server has merged into one job. */
class Merged {
  readonly attempts: Array<Attempt>
  private turn = 0

  constructor(attempts: Array<Attempt>) {
    this.attempts = attempts
  }

  /** Whose turn the next copy of a packet is. */
  next(): Attempt {
    if (this.turn >= this.attempts.length) this.turn = 0
    return this.attempts[this.turn++]!
  }
}

const greeting = Codec.encode(Packet.request("OPTION_REQ", { option: "exceptions" }))
const echo = Codec.encode(Packet.request("ECHO_REQ", { data: "" }))

// Some servers send a WORK_FAIL whose handle ends in a NUL.
const handleOf = (frame: Codec.Frame): string => {
  const handle = frame.key(0)
  return handle.endsWith("\0") ? handle.slice(0, -1) : handle
}

/** What a worker says with bytes of its own. */
const workTypes = new Set<number>([
  PacketType.WORK_DATA,
  PacketType.WORK_WARNING,
  PacketType.WORK_COMPLETE,
  PacketType.WORK_EXCEPTION
])

const numberOf = (frame: Codec.Frame, index: number): number => Number(frame.key(index)) || 0

export class Conversation implements Machine {
  readonly wake: Latch.Latch
  readonly hangUp = Latch.makeUnsafe(false)
  private readonly outbox: Outbox
  private readonly unanswered: Array<Request> = []
  private oldest = 0
  private readonly listened = new Map<string, Attempt | Merged>()
  private isGreeted = false
  /** The server is late with an answer: other servers are preferred until it speaks. */
  isSuspect = false
  private probes: Array<Uint8Array> = [greeting]

  constructor(outbox: Outbox) {
    this.outbox = outbox
    this.wake = outbox.wake
    this.wake.openUnsafe()
    this.unanswered.push(new Request(greeting, { query: this.ownQuery(PacketType.OPTION_RES) }))
  }

  /** Questions of its own: that they are answered at all is what matters. */
  private ownQuery(answer: number): Query {
    const done = () => {
      this.isGreeted = true
      this.wake.openUnsafe()
    }
    return { answer, answered: done, refused: done }
  }

  /** What must be 0 when nothing is under way. */
  get size(): { readonly unanswered: number; readonly listened: number } {
    return { unanswered: this.unanswered.length - this.oldest, listened: this.listened.size }
  }

  get isOwed(): boolean {
    return this.oldest < this.unanswered.length
  }

  take(): ReadonlyArray<Uint8Array> {
    const packets = this.probes
    this.probes = []
    this.wake.closeUnsafe()
    if (!this.isGreeted) return packets
    for (const request of this.outbox.take()) {
      this.unanswered.push(request)
      packets.push(request.packet)
    }
    return packets
  }

  sent(): void {}

  probe(): void {
    this.unanswered.push(new Request(echo, { query: this.ownQuery(PacketType.ECHO_RES) }))
    this.probes.push(echo)
    this.wake.openUnsafe()
  }

  batchEnd(): void {
    this.isSuspect = false
  }

  suspect(): void {
    this.isSuspect = true
  }

  private next(): Request | undefined {
    const request = this.unanswered[this.oldest]
    if (request === undefined) return undefined
    this.oldest++
    if (this.oldest > 1024 && this.oldest * 2 > this.unanswered.length) {
      this.unanswered.splice(0, this.oldest)
      this.oldest = 0
    }
    return request
  }

  received(frame: Codec.Frame): string | undefined {
    const { type } = frame
    const expected = Packet.fieldCounts[type]!
    if (!frame.isResponse || frame.split() < expected) return `a malformed ${Packet.nameOf(type)}`
    switch (type) {
      case PacketType.JOB_CREATED:
        return this.created(frame)
      case PacketType.ERROR: {
        const request = this.next()
        const code = Packet.toText(frame.field(0))
        const text = Packet.toText(frame.field(1))
        if (request === undefined) return `an ERROR that answers nothing: ${code} ${text}`
        ;(request.attempt ?? request.query)!.refused(code, text)
        return undefined
      }
      case PacketType.ECHO_RES:
      case PacketType.OPTION_RES:
      case PacketType.STATUS_RES:
      case PacketType.STATUS_RES_UNIQUE: {
        const query = this.next()?.query
        if (query?.answer !== type) return `a ${Packet.nameOf(type)} that answers nothing`
        query.answered(frame)
        return undefined
      }
      case PacketType.WORK_DATA:
      case PacketType.WORK_WARNING:
      case PacketType.WORK_STATUS:
        this.heard(frame)
        return undefined
      case PacketType.WORK_COMPLETE:
      case PacketType.WORK_FAIL:
      case PacketType.WORK_EXCEPTION:
        this.ended(frame)
        return undefined
      case PacketType.NOOP:
        return undefined
      default:
        return `a ${Packet.nameOf(type)}, which is not for clients`
    }
  }

  private created(frame: Codec.Frame): string | undefined {
    const attempt = this.next()?.attempt
    if (attempt === undefined) return "a JOB_CREATED that answers nothing"
    const handle = frame.key(0)
    if (!attempt.isBackground) {
      const listened = this.listened.get(handle)
      if (listened === undefined) this.listened.set(handle, attempt)
      else if (listened instanceof Merged) listened.attempts.push(attempt)
      else this.listened.set(handle, new Merged([listened, attempt]))
    }
    attempt.created(handle)
    return undefined
  }

  /** A server sends one copy per submission that was merged into the job. */
  private heard(frame: Codec.Frame): void {
    const listened = this.listened.get(frame.key(0))
    if (listened === undefined) return
    const attempt = listened instanceof Merged ? listened.next() : listened
    if (frame.type === PacketType.WORK_STATUS) attempt.status(numberOf(frame, 1), numberOf(frame, 2))
    else if (frame.type === PacketType.WORK_DATA) attempt.data(frame.copy(1))
    else attempt.warning(frame.copy(1))
  }

  /** The first copy ends the job for all; the others then are of an unknown handle, and ignored. */
  private ended(frame: Codec.Frame): void {
    const handle = handleOf(frame)
    const listened = this.listened.get(handle)
    if (listened === undefined) return
    this.listened.delete(handle)
    const bytes = frame.type === PacketType.WORK_FAIL ? undefined : frame.copy(1)
    if (!(listened instanceof Merged)) return this.tell(listened, frame.type, bytes)
    for (const attempt of listened.attempts) this.tell(attempt, frame.type, bytes)
  }

  private tell(attempt: Attempt, type: number, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) attempt.failed()
    else if (type === PacketType.WORK_COMPLETE) attempt.completed(bytes)
    else attempt.threw(bytes)
  }

  /** What is too large for us costs its own job, and none of those that share the connection. */
  oversized(frame: Codec.Frame, bodyBytes: number): boolean {
    const { isResponse, type } = frame
    if (!isResponse || !workTypes.has(type) || frame.split() < Packet.fieldCounts[type]!) return false
    const handle = frame.key(0)
    const listened = this.listened.get(handle)
    this.listened.delete(handle)
    if (listened instanceof Merged) for (const attempt of listened.attempts) attempt.tooLarge(type, bodyBytes)
    else listened?.tooLarge(type, bodyBytes)
    return true
  }

  /** The connection is lost. */
  end(): Remains {
    const attempts: Array<Attempt> = []
    const queries: Array<Query> = []
    for (const { attempt, query } of this.unanswered.slice(this.oldest)) {
      if (attempt !== undefined) attempts.push(attempt)
      if (query !== undefined) queries.push(query)
    }
    for (const listened of this.listened.values()) {
      if (listened instanceof Merged) attempts.push(...listened.attempts)
      else attempts.push(listened)
    }
    this.listened.clear()
    this.unanswered.length = 0
    this.oldest = 0
    return { attempts, queries }
  }
}
