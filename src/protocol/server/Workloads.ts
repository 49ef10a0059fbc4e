/**
 * Memory for the workloads of jobs. A busy server gets and forgets hundreds of megabytes of
 * them a second, and the garbage collector looks through its whole heap after so many bytes,
 * which costs more than all that is done with the jobs. So what a job no longer needs is kept
 * for one that comes.
 *
 * @since 0.1.0
 */
import type { Frame } from "../codec/Frame.ts"
import { byReferenceBytes } from "./Outbox.ts"

// What is smaller lies on the heap, among the other garbage. What is larger is passed by
// reference, and the transport may have it longer than the job.
const smallest = 65
const largest = byReferenceBytes - 1
// A thousand jobs of 10 KiB under way.
const mostKeptBytes = 16 * 1024 * 1024

/** Sizes come eight to each doubling, so that an eighth is wasted at most. */
const sizeOf = (bytes: number): number => {
  const step = 1 << (28 - Math.clz32(bytes - 1))
  return Math.ceil(bytes / step) * step
}

/**
 * The workloads of one server's jobs.
 *
 * @since 0.1.0
 * @category models
 */
export class Workloads {
  private readonly kept = new Map<number, Array<ArrayBufferLike>>()
  private keptBytes = 0

  /** The packet's bytes from `start` to `end` as a workload of their own. */
  keep(frame: Frame, start: number, end: number): Uint8Array {
    const length = end - start
    if (length < smallest || length > largest) return frame.keep(start, end)
    const size = sizeOf(length)
    const memory = this.take(size) ?? new ArrayBuffer(size)
    const workload = new Uint8Array(memory, 0, length)
    workload.set(frame.bytes.subarray(start, end))
    return workload
  }

  /** Takes back a workload that nobody reads any more. It must be alone in its memory. */
  give(workload: Uint8Array): void {
    const { length } = workload
    if (length < smallest || length > largest) return
    const { buffer } = workload
    const size = buffer.byteLength
    if (size !== sizeOf(length)) return
    if (this.keptBytes + size > mostKeptBytes) this.forget()
    this.keptBytes += size
    const alike = this.kept.get(size)
    if (alike === undefined) this.kept.set(size, [buffer])
    else alike.push(buffer)
  }

  private take(size: number): ArrayBufferLike | undefined {
    const memory = this.kept.get(size)?.pop()
    if (memory !== undefined) this.keptBytes -= size
    return memory
  }

  /** Too much is kept, and may be of sizes that nobody sends any more. What is needed comes again. */
  private forget(): void {
    this.kept.clear()
    this.keptBytes = 0
  }
}
