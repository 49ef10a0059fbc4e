/**
 * Bytes to packets and lines.
 */
import * as Packet from "../Packet.ts"
import { BadMagic, type FatalError, TooLarge, UnknownType } from "./Errors.ts"
import { copyBytes, empty, Frame, latin1 } from "./Frame.ts"
import { headerBytes } from "./Header.ts"

/**
 * What a decoder hands its findings to, synchronously and in order.
 *
 * @since 0.1.0
 * @category models
 */
export interface Receiver {
  /** A whole packet. The frame is valid only during the call. */
  readonly packet: (frame: Frame) => void
  /**
   * A line of the text protocol without its `\n` and without one `\r` before it, one
   * character per byte. Absent where text makes no sense: it then is a `BadMagic`.
   */
  readonly line?: (line: string) => void
  /**
   * A packet larger than the limit, with as many of its `bodyBytes` as tell whose it is: the
   * first 1,024. True: the rest is dropped as it comes, and reading goes on. False, or absent:
   * it is `TooLarge`.
   */
  readonly oversized?: (frame: Frame, bodyBytes: number) => boolean
}

/**
 * Sizes a decoder accepts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** Largest body of one packet, in bytes. */
  readonly maxPacketBytes: number
  /** Longest text line including its end, in bytes. */
  readonly maxLineBytes: number
}

/**
 * 64 MiB a packet, so that one connection cannot make a peer hold gigabytes; 8,192
 * bytes a line, as gearmand has it.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const decoder = new Codec.Decoder({ packet: () => {} }, { ...Codec.defaultLimits, maxPacketBytes: 1024 * 1024 })
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultLimits: Limits = { maxPacketBytes: 64 * 1024 * 1024, maxLineBytes: 8192 }

/**
 * Where a decoder has the memory from in which it assembles packets of more than 64 KiB.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const spare: Array<Uint8Array> = []
 * const memory: Codec.Memory = {
 *   take: (bytes) => {
 *     const last = spare.pop()
 *     return last !== undefined && last.length >= bytes ? last : new Uint8Array(bytes)
 *   },
 *   give: (buffer) => void spare.push(buffer)
 * }
 * const decoder = new Codec.Decoder({ packet: () => {} }, Codec.defaultLimits, memory)
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface Memory {
  /** A buffer of at least that many bytes, whatever they are. */
  readonly take: (bytes: number) => Uint8Array
  /** Takes one back that nobody reads any more. Those of packets that were kept do not come back so. */
  readonly give: (buffer: Uint8Array) => void
}

const freshMemory: Memory = { take: (bytes) => new Uint8Array(bytes), give: () => {} }

const initialLeftover = 256
/** What is larger serves one message, and goes with it to whoever takes its bytes. */
const largestReusedBytes = 65_536
/**
 * Memory for an unfinished packet, over what came of it: a header may claim anything. A mebibyte
 * is believed with its first 64 KiB.
 */
const mostGrowth = 17

/** Idle decoders are many and hold no frame; only one that was called during another's call needs one more. */
let spareFrame: Frame | undefined

/** Handle, function and unique have 641 bytes at most. */
const oversizedHeadBytes = 1024

/**
 * Turns one connection's bytes into packets and lines.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const types: Array<number> = []
 * const decoder = new Codec.Decoder({ packet: (frame) => types.push(frame.type) })
 * decoder.push(Uint8Array.of(0, 0x52, 0x45, 0x51, 0, 0, 0, 9, 0, 0, 0, 0))
 * // types is [9]: one GRAB_JOB
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class Decoder {
  private readonly receiver: Receiver
  private readonly limits: Limits
  private readonly memory: Memory
  /** Bytes of an unfinished message; the first `kept` of `leftover` are filled. */
  private leftover: Uint8Array = empty
  private kept = 0
  /** How much of the leftover was already searched for a line's end. */
  private searched = 0
  private offset = 0
  /** Bytes of an oversized packet that are still to come. */
  private unwanted = 0
  private failure: FatalError | undefined
  private halted = false

  constructor(receiver: Receiver, limits: Limits = defaultLimits, memory: Memory = freshMemory) {
    this.receiver = receiver
    this.limits = limits
    this.memory = memory
  }

  /** Bytes held of a message that is not complete yet. */
  get pendingBytes(): number {
    return this.kept
  }

  /** Makes the decoder drop everything from here on, also the rest of the present chunk. */
  halt(): void {
    this.halted = true
    this.leftover = empty
    this.kept = 0
  }

  /**
   * Takes the next bytes and hands over every packet and line they complete. The chunk
   * may be reused once this returns. After an error the decoder stays failed and gives
   * the same error again.
   */
  push(chunk: Uint8Array): FatalError | undefined {
    if (this.halted) return undefined
    if (this.failure !== undefined) return this.failure
    if (this.kept === 0) {
      const used = this.consume(chunk, chunk.length)
      if (used < chunk.length && this.isOpen()) this.keep(chunk, used, chunk.length)
      return this.failure
    }
    let at = 0
    while (at < chunk.length && this.kept > 0 && this.isOpen()) {
      // Only what completes the held message is copied; the rest is read in place.
      const take = Math.min(this.missingBytes(chunk, at), chunk.length - at)
      this.keep(chunk, at, at + take)
      at += take
      const used = this.consume(this.leftover, this.kept)
      if (used > 0) {
        this.kept = 0
        if (this.leftover.length > largestReusedBytes) this.replace(empty)
      }
    }
    if (at < chunk.length && this.isOpen()) {
      const rest = chunk.subarray(at)
      const used = this.consume(rest, rest.length)
      if (used < rest.length && this.isOpen()) this.keep(rest, used, rest.length)
    }
    return this.failure
  }

  private isOpen(): boolean {
    return !this.halted && this.failure === undefined
  }

  /** How many bytes the held message still lacks, as far as can be told. At least 1. */
  private missingBytes(chunk: Uint8Array, at: number): number {
    const { kept, leftover } = this
    if (leftover[0] !== 0) {
      const end = chunk.indexOf(10, at)
      const length = end === -1 ? chunk.length - at : end - at + 1
      // No more than it takes to refuse the line.
      return Math.min(length, this.limits.maxLineBytes - kept)
    }
    if (kept < headerBytes) return headerBytes - kept
    const bodyBytes = readUint32(leftover, 8)
    return headerBytes + (bodyBytes > this.limits.maxPacketBytes ? headOf(bodyBytes) : bodyBytes) - kept
  }

  private keep(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.kept + end - start
    if (needed > this.leftover.length) {
      const size = Math.max(initialLeftover, needed, this.wantedBytes(needed, chunk, start))
      const grown = size > largestReusedBytes ? this.memory.take(size) : new Uint8Array(size)
      grown.set(this.leftover.subarray(0, this.kept))
      this.replace(grown)
    }
    this.leftover.set(chunk.subarray(start, end), this.kept)
    this.kept = needed
  }

  private replace(by: Uint8Array): void {
    if (this.leftover.length > largestReusedBytes) this.memory.give(this.leftover)
    this.leftover = by
  }

  /** How large the leftover should be, to hold so many bytes and what comes after them. */
  private wantedBytes(needed: number, chunk: Uint8Array, start: number): number {
    const { kept, leftover } = this
    const isNew = kept === 0
    const [bytes, at, length] = isNew ? [chunk, start, needed] : [leftover, 0, kept]
    if (length < headerBytes || bytes[at] !== 0) return Math.min(leftover.length * 2, needed * 2)
    return Math.min(announcedBytes(bytes, at), needed * mostGrowth)
  }

  /** Hands over what lies whole in the first `length` bytes; returns how many were used. */
  private consume(bytes: Uint8Array, length: number): number {
    let at = 0
    const frame = spareFrame ?? new Frame()
    spareFrame = undefined
    while (at < length && this.isOpen()) {
      if (this.unwanted > 0) {
        const skipped = Math.min(this.unwanted, length - at)
        this.unwanted -= skipped
        this.offset += skipped
        at += skipped
        continue
      }
      const used = bytes[at] === 0 ? this.consumePacket(bytes, at, length, frame) : this.consumeLine(bytes, at, length)
      if (used === 0) break
      at += used
      this.offset += used
    }
    spareFrame = frame
    return at
  }

  private consumePacket(bytes: Uint8Array, at: number, length: number, frame: Frame): number {
    const available = length - at
    // Each header word is judged as soon as it is there: garbage is refused early.
    if (available < 4) return 0
    if (!this.isMagic(bytes, at)) {
      this.failure = new BadMagic({ offset: this.offset, magic: copyBytes(bytes, at, at + 4) })
      return 0
    }
    if (available < 8) return 0
    const type = readUint32(bytes, at + 4)
    if (type < 1 || type > Packet.highestType) {
      this.failure = new UnknownType({ offset: this.offset, type })
      return 0
    }
    if (available < headerBytes) return 0
    const bodyBytes = readUint32(bytes, at + 8)
    const isOversized = bodyBytes > this.limits.maxPacketBytes
    if (isOversized && this.receiver.oversized === undefined) return this.refuse(bodyBytes)
    const handedBytes = isOversized ? headOf(bodyBytes) : bodyBytes
    if (available < headerBytes + handedBytes) return 0
    frame.isResponse = bytes[at + 3] === 0x53
    frame.type = type
    frame.bytes = bytes
    frame.start = at + headerBytes
    frame.end = at + headerBytes + handedBytes
    if (isOversized) {
      frame.isGiven = false
      const goesOn = this.receiver.oversized?.(frame, bodyBytes) === true
      frame.bytes = empty
      if (!goesOn) return this.refuse(bodyBytes)
      this.unwanted = bodyBytes - handedBytes
      return headerBytes + handedBytes
    }
    frame.isGiven = bytes === this.leftover && bytes.length > largestReusedBytes
    frame.isKept = false
    this.receiver.packet(frame)
    if (frame.isKept) this.leftover = empty
    frame.bytes = empty
    return headerBytes + bodyBytes
  }

  private refuse(bytes: number): 0 {
    const limitBytes = this.limits.maxPacketBytes
    this.failure = new TooLarge({ offset: this.offset, what: "packet", bytes, limitBytes })
    return 0
  }

  private isMagic(bytes: Uint8Array, at: number): boolean {
    const last = bytes[at + 3]
    return bytes[at + 1] === 0x52 && bytes[at + 2] === 0x45 && (last === 0x51 || last === 0x53)
  }

  private consumeLine(bytes: Uint8Array, at: number, length: number): number {
    const { maxLineBytes } = this.limits
    if (this.receiver.line === undefined) {
      this.failure = new BadMagic({ offset: this.offset, magic: copyBytes(bytes, at, Math.min(at + 4, length)) })
      return 0
    }
    let end = at + this.searched
    while (end < length && bytes[end] !== 10) end++
    // The line's end counts, so a line that fills the limit without one is refused at
    // once; the size told is the same however the bytes were split.
    if (end - at >= maxLineBytes) {
      const bytes = maxLineBytes + 1
      this.failure = new TooLarge({ offset: this.offset, what: "line", bytes, limitBytes: maxLineBytes })
      return 0
    }
    if (end === length) {
      this.searched = end - at
      return 0
    }
    this.searched = 0
    const textEnd = end > at && bytes[end - 1] === 13 ? end - 1 : end
    this.receiver.line(latin1(bytes, at, textEnd))
    return end - at + 1
  }
}

/** How much of an oversized packet is handed over. */
const headOf = (bodyBytes: number): number => Math.min(bodyBytes, oversizedHeadBytes)

/** The whole size of the packet whose header stands there. */
const announcedBytes = (bytes: Uint8Array, at: number): number => headerBytes + readUint32(bytes, at + 8)

const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
