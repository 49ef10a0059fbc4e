/**
 * One direction of a connection: bytes and four positions in them.
 *
 *     read ≤ received ≤ sent ≤ written
 *
 * The writer's program moves `written`. What lies between `sent` and `written` waits in
 * the writer's memory, between `received` and `sent` it is on the way, between `read` and
 * `received` it waits for the reader's program. The window bounds `sent - read`, which is
 * how a slow reader makes a writer wait. Between any two positions the simulator decides
 * how far to go next, so a packet may be cut, and packets may be glued, anywhere.
 *
 * @since 0.1.0
 */
import type { Kernel } from "../Kernel.ts"
import type { Link, NetworkOptions } from "./Link.ts"

/**
 * What a pipe tells its two ends.
 *
 * @since 0.1.0
 * @category models
 */
export interface PipeEvents {
  /** Bytes or the end have arrived at the reader's side. */
  readonly onReceived: () => void
  /** Waiting bytes have left the writer's memory. */
  readonly onSent: () => void
}

/** Where a segment ends; the end of the stream counts one position beyond its last byte. */
interface Segment {
  readonly to: number
  readonly ends: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export class Pipe {
  written = 0
  sent = 0
  received = 0
  read = 0
  /** The writer has said that nothing more will come. */
  ending = false
  /** The reader's side knows that nothing more will come. */
  ended = false
  /** Nothing more arrives, whatever is written. */
  cut = false
  /** Bytes from position `read` on; what was read before is gone. */
  private bytes = new Uint8Array(256)
  private base = 0
  private endSent = false
  private lastArrival = 0
  /** Chunks of which something has not left. They are read when they leave: till then their writer must not touch them. */
  private readonly lent: Array<{ readonly chunk: Uint8Array; readonly at: number }> = []
  private readonly onTheWay: Array<Segment> = []
  private readonly kernel: Kernel
  private readonly options: NetworkOptions
  readonly link: Link
  private readonly events: PipeEvents

  constructor(kernel: Kernel, options: NetworkOptions, link: Link, events: PipeEvents) {
    this.kernel = kernel
    this.options = options
    this.link = link
    this.events = events
  }

  get waiting(): number {
    return this.written - this.sent
  }

  get unread(): number {
    return this.received - this.read
  }

  write(chunk: Uint8Array): void {
    if (this.cut || this.ending) return
    this.reserve(chunk.length)
    this.lent.push({ chunk, at: this.written })
    this.written += chunk.length
    this.kernel.choices.hash.bytes(chunk, 0, chunk.length)
  }

  /** No more will be written; the reader learns it after the last byte. */
  end(): void {
    this.ending = true
    this.pump()
  }

  /** The writer is gone: what has not left yet never will. */
  abandonUnsent(): void {
    this.written = this.sent
    this.lent.length = 0
  }

  /** Sends as much as the window lets. */
  pump(): void {
    if (this.cut) return
    const { choices } = this.kernel
    const before = this.sent
    while (this.sent < this.written && this.sent - this.read < this.options.windowBytes) {
      const room = Math.min(this.written - this.sent, this.options.windowBytes - (this.sent - this.read))
      const cuts = this.options.cutOneIn > 0 && choices.oneIn("cut", this.options.cutOneIn)
      this.sent += cuts ? 1 + choices.choose("cut at", room) : room
      this.transmit(false)
    }
    if (this.ending && !this.endSent && this.sent === this.written) {
      this.endSent = true
      this.transmit(true)
    }
    if (this.sent === before) return
    this.readLent(before, this.sent)
    this.events.onSent()
  }

  /** Takes over what leaves. */
  private readLent(from: number, to: number): void {
    const { base, bytes, lent } = this
    let done = 0
    for (const { at, chunk } of lent) {
      if (at >= to) break
      const end = at + chunk.length
      if (end <= to) done++
      const isWhole = at >= from && end <= to
      const part = isWhole ? chunk : chunk.subarray(Math.max(at, from) - at, Math.min(end, to) - at)
      bytes.set(part, Math.max(at, from) - base)
    }
    lent.splice(0, done)
  }

  /** Hands `count` received bytes to the reader. They are valid until the next call on this pipe. */
  take(count: number): Uint8Array {
    const start = this.read - this.base
    const bytes = this.bytes.subarray(start, start + count)
    this.read += count
    return bytes
  }

  private transmit(ends: boolean): void {
    this.onTheWay.push({ to: this.sent, ends })
    const { kernel, link } = this
    // Bytes of one connection never overtake each other.
    this.lastArrival = Math.max(this.lastArrival, kernel.now + link.delay())
    link.carry(this.lastArrival - kernel.now, () => this.arrive())
  }

  /** The oldest segment arrives, whichever of them this event was made for. */
  private arrive(): void {
    const segment = this.onTheWay.shift()
    if (this.cut || segment === undefined) return
    this.received = segment.to
    this.ended = segment.ends
    this.events.onReceived()
  }

  private reserve(count: number): void {
    if (this.written - this.base + count <= this.bytes.length) return
    const start = this.read - this.base
    const kept = this.written - this.read
    if (kept + count <= this.bytes.length) this.bytes.copyWithin(0, start, start + kept)
    else {
      const grown = new Uint8Array((kept + count) * 2)
      grown.set(this.bytes.subarray(start, start + kept))
      this.bytes = grown
    }
    this.base = this.read
  }
}
