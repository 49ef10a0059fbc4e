/**
 * A packet where it lies in a buffer, and bytes as texts that key maps.
 */
import * as Packet from "../Packet.ts"

const maxFields = 8

/**
 * One packet as it lies in a buffer. The decoder owns and reuses it: read it during
 * the call that hands it out, and keep nothing but what `copy`, `keep` and `key` return.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 * import * as Packet from "effect-gearman/Packet"
 *
 * const workloads: Array<Uint8Array> = []
 * const decoder = new Codec.Decoder({
 *   packet: (frame) => {
 *     if (frame.type === Packet.PacketType.SUBMIT_JOB && frame.split() === 3) workloads.push(frame.copy(2))
 *   }
 * })
 * ```
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
  /** They hold little but this packet, and nobody writes into `bytes` any more once they are kept. */
  isGiven = false
  /** Somebody has kept what was given. */
  isKept = false
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

  /**
   * The bytes from `start` to `end`, to keep and not to change. Of a large packet that
   * came in pieces they need not be copied a second time.
   */
  keep(start: number, end: number): Uint8Array {
    if (!this.isGiven) return copyBytes(this.bytes, start, end)
    this.isKept = true
    return this.bytes.subarray(start, end)
  }

  /** Whether the field is these bytes. */
  holds(index: number, expected: Uint8Array): boolean {
    const { bytes } = this
    const start = this.starts[index]!
    if (this.ends[index]! - start !== expected.length) return false
    for (let at = 0; at < expected.length; at++) if (bytes[start + at] !== expected[at]) return false
    return true
  }

  /** The field with one character per byte (latin-1): a key, not a text for people. */
  key(index: number): string {
    return latin1(this.bytes, this.starts[index]!, this.ends[index]!)
  }
}

export const empty = new Uint8Array(0)

// Small results live on V8's heap and cost no ArrayBuffer of their own; `slice` on a
// Buffer would share memory instead of copying, hence not `bytes.slice`.
export const copyBytes = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  if (start === end) return empty
  const copy = new Uint8Array(end - start)
  if (end - start > 32) copy.set(bytes.subarray(start, end))
  else for (let from = start, to = 0; from < end; from++, to++) copy[to] = bytes[from]!
  return copy
}

/**
 * One character per byte. Injective, so it can key a map by bytes.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const key = Codec.latin1(Uint8Array.of(0x48, 0xff)) // "Hÿ"
 * ```
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
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const bytes = Codec.fromLatin1("Hÿ") // 0x48, 0xff
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromLatin1 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
