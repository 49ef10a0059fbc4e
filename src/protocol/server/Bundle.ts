/**
 * Background jobs that wait far from the head of their queue, packed into bytes. A million
 * jobs as objects are several million things for the garbage collector to move and mark,
 * and the server stands still meanwhile; in bundles they are some ten thousand, and take a
 * tenth of the memory.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import { copyBytes } from "../codec/Frame.ts"
import type { Linked } from "./Fifo.ts"
import type { Handles } from "./Handles.ts"
import { Job } from "./Job.ts"
import type { JobQueue } from "./JobQueue.ts"

/**
 * What a queue's list consists of.
 *
 * @since 0.1.0
 * @category models
 */
export type Waiting = Job | Bundle

/**
 * The jobs of one bundle, which are packed and unpacked together: few enough to look
 * through when one of them is wanted.
 *
 * @since 0.1.0
 * @category constants
 */
export const bundleSize = 64

// What is larger costs the garbage collector no more than its bytes do anyway.
const maxWorkloadBytes = 4096
const maxUniqueBytes = 255

// A record: number, when it was offered, hash of what it merges by, lost attempts, lengths
// of workload and unique, kind of merging; then unique and workload.
const offeredAt = 8
const hashAt = 16
const retriesAt = 20
const workloadLengthAt = 24
const uniqueLengthAt = 26
const kindAt = 27
const headerBytes = 28

/** By what later submissions join a job. */
const kinds = { nothing: 0, unique: 1, workload: 2 } as const

/**
 * Whether nothing but its queue and the tables know of a job, and it is small.
 *
 * @since 0.1.0
 * @category getters
 */
export const isPackable = (job: Job): boolean =>
  job.isBackground &&
  job.listeners.length === 0 &&
  job.reducer === undefined &&
  job.workload.length <= maxWorkloadBytes &&
  job.unique.length <= maxUniqueBytes

/**
 * Neighbours in a queue. They are queued, of one function and priority, and their queue's.
 *
 * @since 0.1.0
 * @category models
 */
export class Bundle implements Linked<Waiting> {
  readonly queue: JobQueue
  count = 0
  previous: Waiting | undefined = undefined
  next: Waiting | undefined = undefined
  private bytes: Uint8Array
  private view: DataView
  private used = 0

  constructor(queue: JobQueue) {
    this.queue = queue
    this.bytes = new Uint8Array(1024)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Puts a job at the end. The hash is of what it merges by. */
  add(job: Job, hash: number): void {
    const start = this.used
    const end = start + headerBytes + job.unique.length + job.workload.length
    if (end > this.bytes.length) this.resize(Math.max(2 * this.bytes.length, end))
    const { bytes, view } = this
    view.setFloat64(start, job.number)
    view.setFloat64(start + offeredAt, job.offeredMillis)
    view.setInt32(start + hashAt, hash)
    view.setUint32(start + retriesAt, job.retries)
    view.setUint16(start + workloadLengthAt, job.workload.length)
    view.setUint8(start + uniqueLengthAt, job.unique.length)
    const kind = typeof job.mergeKey === "string" ? "unique" : job.mergeKey === undefined ? "nothing" : "workload"
    view.setUint8(start + kindAt, kinds[kind])
    let at = start + headerBytes
    for (let index = 0; index < job.unique.length; index++) bytes[at++] = job.unique.charCodeAt(index)
    bytes.set(job.workload, at)
    this.used = end
    this.count++
  }

  /** No more will be added: gives back the bytes that are left. */
  seal(): void {
    if (this.used < this.bytes.length) this.resize(this.used)
  }

  /** A copy of the job of that number, which is here; a change to it changes nothing. */
  look(number: number, handles: Handles): Job | undefined {
    for (let at = 0; at < this.used; at += this.bytesOf(at)) {
      if (this.view.getFloat64(at) === number) return this.read(at, handles)
    }
    return undefined
  }

  /** All of them, in their order. */
  *jobs(handles: Handles): Generator<Job> {
    for (let at = 0; at < this.used; at += this.bytesOf(at)) yield this.read(at, handles)
  }

  private bytesOf(at: number): number {
    return headerBytes + this.view.getUint8(at + uniqueLengthAt) + this.view.getUint16(at + workloadLengthAt)
  }

  private read(at: number, handles: Handles): Job {
    const { bytes, queue, view } = this
    const uniqueStart = at + headerBytes
    const workloadStart = uniqueStart + view.getUint8(at + uniqueLengthAt)
    const unique = Codec.latin1(bytes, uniqueStart, workloadStart)
    const workload = copyBytes(bytes, workloadStart, workloadStart + view.getUint16(at + workloadLengthAt))
    const number = view.getFloat64(at)
    const job = new Job(number, handles, queue.function, unique, workload, undefined, queue.priority, true)
    job.offeredMillis = view.getFloat64(at + offeredAt)
    job.retries = view.getUint32(at + retriesAt)
    const kind = view.getUint8(at + kindAt)
    if (kind !== kinds.nothing) job.mergeKey = kind === kinds.unique ? unique : view.getInt32(at + hashAt)
    return job
  }

  private resize(length: number): void {
    const { bytes, used } = this
    this.bytes = new Uint8Array(length)
    this.bytes.set(bytes.subarray(0, used))
    this.view = new DataView(this.bytes.buffer)
  }
}
