/**
 * What a connection is about to be sent: small packets are written one after another into
 * one buffer, large workloads are passed by reference, and all of it goes out in one
 * `send` when the batch of incoming bytes has been worked off.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import type * as Network from "../Network.ts"
import { type Buffers, largestLent } from "./Buffers.ts"
import type { Job } from "./Job.ts"
import type { Lines } from "./Lists.ts"
import type { Loan, Sender } from "./Loan.ts"
import type { Traffic } from "./Traffic.ts"

/**
 * The part of a connection that the job server's state machine talks to.
 *
 * @since 0.1.0
 * @category models
 */
export type Peer = Pick<
  Network.Connection,
  "peerHost" | "peerNames" | "send" | "unsentBytes" | "hold" | "probe" | "end" | "destroy"
>

/**
 * Bodies from this size on are passed by reference: to the transport, copying 32 KiB costs
 * about as much as two buffers more in a system call.
 *
 * @since 0.1.0
 * @category constants
 */
export const byReferenceBytes = 32_768

// Output that has grown so far goes on in a buffer of its own, instead of moving once more.
const largestMoved = 16_384
const empty = new Uint8Array(0)
// Who has nothing to say has no list of it either. Frozen: what one puts there would be said by all.
const none = Object.freeze([]) as unknown as Array<never>

// Lines of a list, or steps of the work between them, that are done at a time: a few tenths
// of a millisecond.
const linesAtOnce = 500
// Each costs next to nothing until it is pulled.
const maxLists = 1_000

/** A list that goes out piece by piece. */
interface PendingList {
  readonly lines: Lines
  /** How many of the waiting chunks go out before it. */
  chunksBefore: number
}

/** The next lines, and whether there may be more. */
const pull = (lines: Lines): { readonly text: string; readonly hasMore: boolean } => {
  let text = ""
  for (let left = linesAtOnce; left > 0; left--) {
    const next = lines.next()
    if (next.done === true) return { text, hasMore: false }
    text += next.value
  }
  return { text, hasMore: true }
}

/**
 * The outbox of one connection.
 *
 * @since 0.1.0
 * @category models
 */
export class Outbox implements Sender {
  /** More output came than the connection may have waiting. What comes after it is dropped. */
  isOverLimit = false
  private readonly peer: Peer
  private readonly maxBytes: number
  readonly buffers: Buffers
  private readonly traffic: Traffic
  private chunks: Array<Uint8Array> = none
  private chunksBytes = 0
  private buffer: Uint8Array = empty
  /** Those that were full before `buffer`; chunks lie in them. */
  private full: Array<Uint8Array> = none
  /** The buffer's bytes `from` to `used` are written and in no chunk yet. */
  private from = 0
  private used = 0
  /** Those whose bytes are among the chunks. */
  private loans: Array<Loan> = none
  /** What is put after them goes out after them. */
  private lists: Array<PendingList> = none
  /** What the transport still had to send when it was last asked. */
  private unsentBytes = 0
  /** All that the transport was ever given. */
  private handedBytes = 0

  constructor(peer: Peer, maxBytes: number, buffers: Buffers, traffic: Traffic) {
    this.peer = peer
    this.maxBytes = maxBytes
    this.buffers = buffers
    this.traffic = traffic
  }

  get waitingBytes(): number {
    return this.chunksBytes + this.used - this.from
  }

  /**
   * Starts a packet: writes its header and makes room for the part of its body that is
   * going to be copied. False when the connection has too much waiting already; the packet
   * must then not be written.
   */
  begin(type: number, bodyBytes: number, copiedBytes: number): boolean {
    if (!this.reserve(Codec.headerBytes + copiedBytes)) return false
    Codec.writeHeader(this.buffer, this.used, true, type, bodyBytes)
    this.used += Codec.headerBytes
    this.traffic.sent[type]!++
    return true
  }

  /** Makes room for bytes that are no packet, or refuses as `begin` does. */
  reserve(bytes: number): boolean {
    if (this.isOverLimit) return false
    if (this.waitingBytes + this.unsentBytes >= this.maxBytes) {
      this.unsentBytes = this.peer.unsentBytes()
      if (this.waitingBytes + this.unsentBytes >= this.maxBytes) {
        this.isOverLimit = true
        return false
      }
    }
    if (this.used + bytes > this.buffer.length) this.grow(bytes)
    return true
  }

  private grow(bytes: number): void {
    const { buffer, used } = this
    if (this.chunks.length === 0 && used <= largestMoved) {
      this.buffer = this.buffers.take(used + bytes)
      this.buffer.set(buffer.subarray(0, used))
      if (buffer !== empty) this.buffers.give(buffer)
      return
    }
    this.seal()
    if (this.full === none) this.full = [buffer]
    else this.full.push(buffer)
    // Who has so much to say has more; a buffer for each result would cost more than the result.
    this.buffer = this.buffers.take(Math.max(largestLent, bytes))
    this.from = 0
    this.used = 0
  }

  put(bytes: Uint8Array): void {
    this.putRange(bytes, 0, bytes.length)
  }

  putRange(bytes: Uint8Array, start: number, end: number): void {
    const { buffer } = this
    let at = this.used
    // A loop beats `set` for the few bytes of a handle or a name.
    if (end - start > 64) buffer.set(bytes.subarray(start, end), at)
    else for (let from = start; from < end; from++) buffer[at++] = bytes[from]!
    this.used += end - start
  }

  putHandle(job: Job): void {
    job.writeHandle(this.buffer, this.used)
    this.used += job.handleBytes
  }

  putByte(byte: number): void {
    this.buffer[this.used++] = byte
  }

  /** One byte per character. */
  putLatin1(text: string): void {
    const { buffer, used } = this
    for (let index = 0; index < text.length; index++) buffer[used + index] = text.charCodeAt(index)
    this.used += text.length
  }

  /** Bytes that nobody changes any more; many outboxes may hold the same. */
  putReference(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.seal()
    this.add(bytes)
  }

  /** Bytes in memory that is lent until they are sent. */
  putLoan(loan: Loan): void {
    this.putReference(loan.bytes)
    loan.begin()
    if (this.loans === none) this.loans = [loan]
    else this.loans.push(loan)
  }

  /** Whether the transport has done with the first so many bytes of all it was ever given. */
  hasSent(bytes: number): boolean {
    return this.handedBytes - this.peer.unsentBytes() >= bytes
  }

  /** A list: its first lines now, and the others by `continueList`. */
  putList(lines: Lines): void {
    if (this.isOverLimit) return
    if (this.lists.length === 0) {
      const { hasMore, text } = pull(lines)
      if (this.reserve(text.length)) this.putLatin1(text)
      if (!hasMore) return
    }
    this.seal()
    if (this.lists === none) this.lists = []
    this.lists.push({ lines, chunksBefore: this.chunks.length })
    this.isOverLimit ||= this.lists.length > maxLists
  }

  /** A list is on its way: call `continueList` again and again. */
  get hasList(): boolean {
    return this.lists.length > 0
  }

  /** Sends what comes next of the list that is on its way, and what stands behind it when it has ended. */
  continueList(): void {
    const list = this.lists[0]
    if (list === undefined) return
    this.flush()
    const { hasMore, text } = pull(list.lines)
    if (text !== "") this.hand([Codec.fromLatin1(text)], text.length)
    if (hasMore) return
    this.lists.shift()
    this.flush()
  }

  private hand(chunks: ReadonlyArray<Uint8Array>, bytes: number): void {
    this.traffic.sentBytes += bytes
    this.handedBytes += bytes
    this.peer.send(chunks)
    this.unsentBytes = this.peer.unsentBytes()
  }

  private flushToList(list: PendingList): void {
    if (list.chunksBefore === 0) return
    const chunks = this.chunks.splice(0, list.chunksBefore)
    for (const each of this.lists) each.chunksBefore -= chunks.length
    const bytes = chunks.reduce((total, chunk) => total + chunk.length, 0)
    this.chunksBytes -= bytes
    this.hand(chunks, bytes)
  }

  private add(chunk: Uint8Array): void {
    if (this.chunks === none) this.chunks = [chunk]
    else this.chunks.push(chunk)
    this.chunksBytes += chunk.length
  }

  private seal(): void {
    if (this.used === this.from) return
    this.add(this.buffer.subarray(this.from, this.used))
    this.from = this.used
  }

  /** Hands it to the transport: all, or as far as a list that is on its way. */
  flush(): void {
    this.seal()
    const list = this.lists[0]
    if (list !== undefined) return this.flushToList(list)
    if (this.chunks.length === 0) return
    this.hand(this.chunks, this.chunksBytes)
    // While the transport has bytes to send, the buffers they lie in are its own.
    if (this.unsentBytes === 0) this.giveBack()
    this.clear()
  }

  discard(): void {
    this.giveBack()
    this.clear()
  }

  private giveBack(): void {
    for (const buffer of this.full) this.buffers.give(buffer)
    if (this.buffer !== empty) this.buffers.give(this.buffer)
  }

  private clear(): void {
    // What was not given to the transport never will be.
    for (const loan of this.loans) loan.handOver(this, this.handedBytes)
    this.chunks = none
    this.lists = none
    this.loans = none
    this.full = none
    this.chunksBytes = 0
    this.buffer = empty
    this.from = 0
    this.used = 0
  }
}
