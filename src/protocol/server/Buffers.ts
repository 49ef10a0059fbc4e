/**
 * Memory for output and for large packets, lent to connections while they have something to
 * say: an idle one holds none of it, and a busy server writes into the same warm few again
 * and again instead of making garbage. Of large buffers that counts double: the garbage
 * collector looks through its whole heap after every few of them.
 *
 * @since 0.1.0
 */
import type * as Codec from "../Codec.ts"
import { Loan } from "./Loan.ts"

// A few answers; a few results; and about what a system call takes at once.
const sizes = [1024, 16_384, 65_536] as const

/**
 * The largest buffer of those that come in few sizes.
 *
 * @since 0.1.0
 * @category constants
 */
export const largestLent = sizes[2]

// What is given back beyond this is left to the garbage collector.
const keptBytesOfEachSize = 2 * 1024 * 1024
const keptLargeBytes = 16 * 1024 * 1024
// Loans beyond this are forgotten, the oldest first: their memory is not used again.
const rememberedBytes = 32 * 1024 * 1024
// How many loans are looked at, to see whether they are over, when memory is wanted.
const looksAtOnce = 8

/**
 * The buffers of one server that are in nobody's hands, and the loans that come back.
 *
 * @since 0.1.0
 * @category models
 */
export class Buffers implements Codec.Memory {
  private readonly free: ReadonlyArray<Array<Uint8Array>> = sizes.map(() => [])
  /** The last is what was given back last. */
  private readonly large = new Array<Uint8Array>()
  private largeBytes = 0
  /** The first is to be looked at next. */
  private readonly loans = new Array<Loan>()
  private loanedBytes = 0

  /** A buffer of at least that many bytes. What it holds is left over from before. */
  take(bytes: number): Uint8Array {
    for (let index = 0; index < sizes.length; index++) {
      const size = sizes[index]!
      if (bytes <= size) return this.free[index]!.pop() ?? new Uint8Array(size)
    }
    return this.takeLarge(bytes) ?? this.takeLoaned(bytes) ?? new Uint8Array(bytes)
  }

  /** Takes a buffer back that nobody reads any more. */
  give(buffer: Uint8Array): void {
    if (buffer.length > largestLent) return this.giveLarge(buffer)
    const index = sizes.indexOf(buffer.length as (typeof sizes)[number])
    if (index === -1) return
    const free = this.free[index]!
    if (free.length * buffer.length < keptBytesOfEachSize) free.push(buffer)
  }

  /** The frame's bytes from `start` to `end`, and as many NULs more, to be sent to any number of peers. */
  lend(frame: Codec.Frame, start: number, end: number, nuls: number = 0): Loan {
    const length = end - start + nuls
    let loan: Loan
    if (frame.isGiven && nuls === 0) loan = new Loan(frame.keep(start, end), frame.bytes)
    else {
      const buffer = this.take(length)
      buffer.set(frame.bytes.subarray(start, end))
      buffer.fill(0, end - start, length)
      loan = new Loan(buffer.subarray(0, length), buffer)
    }
    this.loans.push(loan)
    this.loanedBytes += loan.buffer.length
    while (this.loanedBytes > rememberedBytes) this.look()
    return loan
  }

  private takeLarge(bytes: number): Uint8Array | undefined {
    const { large } = this
    for (let index = large.length - 1; index >= 0; index--) {
      const buffer = large[index]!
      // A fifth is wasted at most: what is queued may keep it for long.
      if (buffer.length < bytes || buffer.length * 4 > bytes * 5) continue
      large.splice(index, 1)
      this.largeBytes -= buffer.length
      return buffer
    }
    return undefined
  }

  private takeLoaned(bytes: number): Uint8Array | undefined {
    const { loans } = this
    let areBack = false
    for (let left = Math.min(looksAtOnce, loans.length); left > 0; left--) {
      const loan = this.look()
      if (loan === undefined) areBack = true
      else this.remember(loan)
    }
    return areBack ? this.takeLarge(bytes) : undefined
  }

  private remember(loan: Loan): void {
    this.loans.push(loan)
    this.loanedBytes += loan.buffer.length
  }

  /** Takes the next loan out, and its buffer back if it is over; else it is what is returned. */
  private look(): Loan | undefined {
    const loan = this.loans.shift()!
    this.loanedBytes -= loan.buffer.length
    if (!loan.isOver) return loan
    this.give(loan.buffer)
    return undefined
  }

  private giveLarge(buffer: Uint8Array): void {
    const { large } = this
    large.push(buffer)
    this.largeBytes += buffer.length
    // Sizes that nobody sends any more are not kept for ever.
    while (this.largeBytes > keptLargeBytes) this.largeBytes -= large.shift()!.length
  }
}
