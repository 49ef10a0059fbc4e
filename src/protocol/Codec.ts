/**
 * Bytes to packets and back.
 *
 * The decoder is incremental and strict by packet length: whatever way the bytes are
 * split, it finds the same packets. It works on the caller's chunk while a packet lies
 * whole in it, and copies only what is left over at a chunk's end, so nothing it keeps
 * points into a buffer that will be reused. What it hands out, a `Frame`, is a cursor
 * that is valid only during the call; take `field(i)` for a view, `copy(i)` to keep bytes.
 *
 * A job server's connection may also carry lines of the text protocol; a message is a
 * line when its first byte is not NUL.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Packet from "./Packet.ts"

/**
 * Bytes before a packet's body: magic, type, length, four bytes each.
 *
 * @since 0.1.0
 * @category constants
 */
export const headerBytes = 12

/**
 * The connection's bytes are not Gearman: the first four bytes of a packet are
 * neither `\0REQ` nor `\0RES`, or a text line came where none is understood.
 * Nothing after this point can be decoded; close the connection.
 *
 * @since 0.1.0
 * @category errors
 */
export class BadMagic extends Schema.TaggedError<BadMagic>("effect-gearman/Codec/BadMagic")("BadMagic", {
  /** Position of the packet's first byte, counted from the connection's start. */
  offset: Schema.Number,
  magic: Schema.Uint8Array
}) {
  override get message() {
    const hex = Array.from(this.magic, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
    return `byte ${this.offset} starts no packet: found ${hex}, expected 00 52 45 51 (\\0REQ) or 00 52 45 53 (\\0RES)`
  }
}

/**
 * A packet's type number does not exist. The connection cannot go on.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownType extends Schema.TaggedError<UnknownType>("effect-gearman/Codec/UnknownType")("UnknownType", {
  offset: Schema.Number,
  type: Schema.Number
}) {
  override get message() {
    return `the packet at byte ${this.offset} has type ${this.type}; types are 1 to ${Packet.highestType}`
  }
}

/**
 * A packet's declared length, or a text line, is over the limit. Nothing of that size
 * was allocated. The connection cannot go on.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooLarge extends Schema.TaggedError<TooLarge>("effect-gearman/Codec/TooLarge")("TooLarge", {
  offset: Schema.Number,
  what: Schema.Literals(["packet", "line"]),
  bytes: Schema.Number,
  limitBytes: Schema.Number
}) {
  override get message() {
    return `the ${this.what} at byte ${this.offset} has ${this.bytes} bytes or more; the limit is ${this.limitBytes}`
  }
}

/**
 * A packet's body lacks the NULs that separate its fields. The packet is lost, the
 * connection is not: the next packet begins where the length says.
 *
 * @since 0.1.0
 * @category errors
 */
export class MissingFields extends Schema.TaggedError<MissingFields>("effect-gearman/Codec/MissingFields")(
  "MissingFields",
  {
    type: Schema.Number,
    expected: Schema.Number,
    found: Schema.Number
  }
) {
  override get message() {
    return `a ${Packet.nameOf(this.type)} packet has ${this.found} of ${this.expected} fields; each but the last ends in a NUL`
  }
}

/**
 * Errors after which a connection's bytes make no sense any more.
 *
 * @since 0.1.0
 * @category errors
 */
export type FatalError = BadMagic | UnknownType | TooLarge

/**
 * Anything that can be wrong with a peer's bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export type DecodeError = FatalError | MissingFields

const maxFields = 8

/**
 * One packet as it lies in a buffer. The decoder owns and reuses it: read it during
 * the call that hands it out, and keep nothing but what `copy` and `text` return.
 *
 * @since 0.1.0
 * @category models
 */
export class Frame {
  /** True for `\0RES`, false for `\0REQ`. */
  isResponse = false
  type = 0
  bytes: Uint8Array = empty
  /** First byte of the body within `bytes`. */
  start = 0
  /** One past the last byte of the body. */
  end = 0
  private readonly starts = new Int32Array(maxFields)
  private readonly ends = new Int32Array(maxFields)

  /**
   * Finds the fields of the packet's type. Returns how many there are, which is less
   * than the type has when NULs are missing; the last found one is then the rest.
   */
  split(expected: number = Packet.fieldCounts[this.type]!): number {
    if (expected === 0) return 0
    const { bytes, end } = this
    let from = this.start
    let found = 0
    while (found < expected - 1) {
      let at = from
      while (at < end && bytes[at] !== 0) at++
      this.starts[found] = from
      this.ends[found] = at
      found++
      if (at === end) return found
      from = at + 1
    }
    this.starts[found] = from
    this.ends[found] = end
    return found + 1
  }

  fieldStart(index: number): number {
    return this.starts[index]!
  }

  fieldEnd(index: number): number {
    return this.ends[index]!
  }

  fieldLength(index: number): number {
    return this.ends[index]! - this.starts[index]!
  }

  /** A view, valid only during the call. */
  field(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index]!, this.ends[index]!)
  }

  /** Bytes of their own, to keep. */
  copy(index: number): Uint8Array {
    return copyBytes(this.bytes, this.starts[index]!, this.ends[index]!)
  }

  /** The field with one character per byte (latin-1): a key, not a text for people. */
  key(index: number): string {
    return latin1(this.bytes, this.starts[index]!, this.ends[index]!)
  }
}

const empty = new Uint8Array(0)

// Small results live on V8's heap and cost no ArrayBuffer of their own; `slice` on a
// Buffer would share memory instead of copying, hence not `bytes.slice`.
const copyBytes = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  if (start === end) return empty
  const copy = new Uint8Array(end - start)
  if (end - start > 32) copy.set(bytes.subarray(start, end))
  else for (let from = start, to = 0; from < end; from++, to++) copy[to] = bytes[from]!
  return copy
}

/**
 * One character per byte. Injective, so it can key a map by bytes.
 *
 * @since 0.1.0
 * @category conversions
 */
export const latin1 = (bytes: Uint8Array, start: number = 0, end: number = bytes.length): string => {
  let text = ""
  let at = start
  // Eight at a time halves the cost of a unique.
  for (; at + 8 <= end; at += 8) {
    text += String.fromCharCode(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!
    )
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]!)
  return text
}

/**
 * The inverse of `latin1`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromLatin1 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

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
 * @since 0.1.0
 * @category constants
 */
export const defaultLimits: Limits = { maxPacketBytes: 64 * 1024 * 1024, maxLineBytes: 8192 }

const initialLeftover = 256

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
  private readonly frame = new Frame()
  private readonly receiver: Receiver
  private readonly limits: Limits
  /** Bytes of an unfinished message; the first `kept` of `leftover` are filled. */
  private leftover: Uint8Array = empty
  private kept = 0
  /** How much of the leftover was already searched for a line's end. */
  private searched = 0
  private offset = 0
  private failure: FatalError | undefined
  private halted = false

  constructor(receiver: Receiver, limits: Limits = defaultLimits) {
    this.receiver = receiver
    this.limits = limits
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
        if (this.leftover.length > 65536) this.leftover = empty
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
    return headerBytes + readUint32(leftover, 8) - kept
  }

  private keep(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.kept + end - start
    if (needed > this.leftover.length) {
      // Grows with the bytes that came, never with the length that a header claims.
      const grown = new Uint8Array(Math.max(initialLeftover, needed, Math.min(this.leftover.length * 2, needed * 2)))
      grown.set(this.leftover.subarray(0, this.kept))
      this.leftover = grown
    }
    this.leftover.set(chunk.subarray(start, end), this.kept)
    this.kept = needed
  }

  /** Hands over what lies whole in the first `length` bytes; returns how many were used. */
  private consume(bytes: Uint8Array, length: number): number {
    let at = 0
    while (at < length && this.isOpen()) {
      const used = bytes[at] === 0 ? this.consumePacket(bytes, at, length) : this.consumeLine(bytes, at, length)
      if (used === 0) break
      at += used
      this.offset += used
    }
    return at
  }

  private consumePacket(bytes: Uint8Array, at: number, length: number): number {
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
    if (bodyBytes > this.limits.maxPacketBytes) {
      this.failure = new TooLarge({
        offset: this.offset,
        what: "packet",
        bytes: bodyBytes,
        limitBytes: this.limits.maxPacketBytes
      })
      return 0
    }
    if (available < headerBytes + bodyBytes) return 0
    const frame = this.frame
    frame.isResponse = bytes[at + 3] === 0x53
    frame.type = type
    frame.bytes = bytes
    frame.start = at + headerBytes
    frame.end = at + headerBytes + bodyBytes
    this.receiver.packet(frame)
    frame.bytes = empty
    return headerBytes + bodyBytes
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

const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/**
 * The packet in a frame, with fields of its own, or what it lacks.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toPacket = (frame: Frame): Packet.Packet | MissingFields => {
  const name = Packet.nameOf(frame.type)!
  const fields: ReadonlyArray<string> = Packet.definitions[name].fields
  const found = frame.split(fields.length)
  if (found < fields.length) return new MissingFields({ type: frame.type, expected: fields.length, found })
  const packet: Record<string, unknown> = { _tag: name, magic: frame.isResponse ? "RES" : "REQ" }
  for (let index = 0; index < fields.length; index++) packet[fields[index]!] = frame.copy(index)
  return packet as Packet.Packet
}

/**
 * Writes a packet's twelve header bytes.
 *
 * @since 0.1.0
 * @category encoding
 */
export const writeHeader = (
  into: Uint8Array,
  at: number,
  isResponse: boolean,
  type: number,
  bodyBytes: number
): void => {
  into[at] = 0
  into[at + 1] = 0x52
  into[at + 2] = 0x45
  into[at + 3] = isResponse ? 0x53 : 0x51
  into[at + 4] = 0
  into[at + 5] = 0
  into[at + 6] = 0
  into[at + 7] = type
  into[at + 8] = bodyBytes >>> 24
  into[at + 9] = bodyBytes >>> 16
  into[at + 10] = bodyBytes >>> 8
  into[at + 11] = bodyBytes
}

/**
 * A packet's bytes. A NUL inside any field but the last would shift the fields after
 * it; the constructors of the library check names and uniques before they get here.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (packet: Packet.Packet): Uint8Array => {
  const { fields, number } = Packet.definitions[packet._tag] as {
    readonly number: number
    readonly fields: ReadonlyArray<string>
  }
  const values = packet as unknown as Record<string, Uint8Array>
  let bodyBytes = Math.max(0, fields.length - 1)
  for (const field of fields) bodyBytes += values[field]!.length
  const bytes = new Uint8Array(headerBytes + bodyBytes)
  writeHeader(bytes, 0, packet.magic === "RES", number, bodyBytes)
  let at = headerBytes
  for (const field of fields) {
    bytes.set(values[field]!, at)
    at += values[field]!.length + 1
  }
  return bytes
}
