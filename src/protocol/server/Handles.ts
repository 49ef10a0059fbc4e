/**
 * Job handles: `<prefix>:<counter>`. The counter is all that is needed to find a job, so
 * a handle on the wire is compared with the prefix in place and read as a number.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"

// Ten digits last four months at 1,000 jobs a second. Then handles get longer, and by then
// nobody holds one of those that the longer ones begin with.
const constantWidth = 10
// 15 digits stay below 2^53.
const maxDigits = 15

/**
 * A prefix that no other start of the server has: `H:` as gearmand's handles begin, then
 * twelve characters out of 36, which is 62 bits. Takes a source of numbers in [0, 1).
 *
 * @since 0.1.0
 * @category constructors
 */
export const drawPrefix = (random: () => number): string => {
  let text = "H:"
  for (let index = 0; index < 12; index++) text += Math.floor(random() * 36).toString(36)
  return text
}

/**
 * Issues handles and reads them.
 *
 * @since 0.1.0
 * @category models
 */
export class Handles {
  /** The prefix with its colon. */
  private readonly head: Uint8Array
  private readonly headText: string
  private readonly width: number
  /** The first number that needs more digits. */
  private readonly widthPower: number
  private counter = 0

  /** With a constant width, no handle is the beginning of another. (Gearman 2.0 clients compare by prefix.) */
  constructor(prefix: string, hasConstantWidth: boolean) {
    this.head = Packet.toBytes(`${prefix}:`)
    this.headText = Codec.latin1(this.head)
    this.width = hasConstantWidth ? constantWidth : 1
    this.widthPower = 10 ** this.width
  }

  nextNumber(): number {
    return ++this.counter
  }

  /** One character per byte. */
  textOf(number: number): string {
    return this.headText + `${number}`.padStart(this.width, "0")
  }

  bytesOf(number: number): number {
    let digits = this.width
    for (let power = this.widthPower; power <= number; power *= 10) digits++
    return this.head.length + digits
  }

  /** Writes a handle of `bytesOf(number)` bytes. Cheaper than to keep each job's. */
  write(into: Uint8Array, at: number, number: number): void {
    const { head } = this
    for (let index = 0; index < head.length; index++) into[at + index] = head[index]!
    const first = at + head.length
    let index = at + this.bytesOf(number) - 1
    // Division of small integers is several times cheaper, so the digits come nine at a time.
    for (let rest = number; ; rest = Math.floor(rest / 1e9)) {
      let nine = (rest % 1e9) | 0
      const stop = Math.max(first, index - 8)
      for (; index >= stop; index--) {
        const quotient = (nine / 10) | 0
        into[index] = 48 + nine - quotient * 10
        nine = quotient
      }
      if (index < first) return
    }
  }

  /** The number of a handle that this server may have issued, or -1. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const { head } = this
    const digits = end - start - head.length
    if (digits < this.width || digits > maxDigits) return -1
    for (let index = 0; index < head.length; index++) if (bytes[start + index] !== head[index]) return -1
    const first = start + head.length
    // One number has one spelling; `H:x:01` is nobody's handle.
    if (digits > this.width && bytes[first] === 48) return -1
    let number = 0
    for (let at = first; at < end; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return -1
      number = number * 10 + digit
    }
    return number
  }
}
