/**
 * Memory for output that is lent to outboxes while they have something to say: an idle
 * connection holds none of it, and a busy server writes into the same warm few again and
 * again instead of making garbage.
 *
 * @since 0.1.0
 */

// A few answers; a few results; and about what a system call takes at once.
const sizes = [1024, 16_384, 65_536] as const

/**
 * The largest buffer that is lent again and again.
 *
 * @since 0.1.0
 * @category constants
 */
export const largestLent = sizes[2]

// What is given back beyond this is left to the garbage collector.
const keptBytesOfEachSize = 2 * 1024 * 1024

/**
 * The buffers of one server that are in nobody's hands.
 *
 * @since 0.1.0
 * @category models
 */
export class Buffers {
  private readonly free: ReadonlyArray<Array<Uint8Array>> = sizes.map(() => [])

  /** A buffer of at least that many bytes. What it holds is left over from before. */
  take(bytes: number): Uint8Array {
    for (let index = 0; index < sizes.length; index++) {
      const size = sizes[index]!
      if (bytes <= size) return this.free[index]!.pop() ?? new Uint8Array(size)
    }
    return new Uint8Array(bytes)
  }

  /** Takes a buffer back that nobody reads any more. */
  give(buffer: Uint8Array): void {
    const index = sizes.indexOf(buffer.length as (typeof sizes)[number])
    if (index === -1) return
    const free = this.free[index]!
    if (free.length * buffer.length < keptBytesOfEachSize) free.push(buffer)
  }
}
