/**
 * The jobs of one function and priority that wait for a worker, first come first served.
 * Those near the head are objects; behind them stand bundles, as soon as the server has
 * many jobs.
 *
 * @since 0.1.0
 */
import { Bundle, bundleSize, isPackable, type Waiting } from "./Bundle.ts"
import { Fifo, type Linked } from "./Fifo.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Job, Priority } from "./Job.ts"
import type { JobTable } from "./JobTable.ts"
import type { Merging } from "./Merging.ts"

/**
 * The queue.
 *
 * @since 0.1.0
 * @category models
 */
export class JobQueue implements Linked<JobQueue> {
  /** Jobs, in bundles and not. */
  size = 0
  /** Its place among the queues with work, and a number that is higher for those that got theirs later. */
  previous: JobQueue | undefined = undefined
  next: JobQueue | undefined = undefined
  workingSince = 0
  readonly function: ServerFunction
  readonly priority: Priority
  private readonly list = new Fifo<Waiting>()
  private readonly table: JobTable
  private readonly merging: Merging

  constructor(fn: ServerFunction, priority: Priority, table: JobTable, merging: Merging) {
    this.function = fn
    this.priority = priority
    this.table = table
    this.merging = merging
  }

  /** The one whose turn it is. */
  get first(): Job | undefined {
    // A bundle that gets to the head is unpacked.
    return this.list.first as Job | undefined
  }

  push(job: Job): void {
    this.size++
    if (this.size > 1 && this.table.isCrowded && isPackable(job) && this.pack(job)) return
    if (this.list.last instanceof Bundle) this.list.last.seal()
    this.list.push(job)
  }

  /** Takes a job out, wherever it stands; one that is not packed. */
  remove(job: Job): void {
    this.list.remove(job)
    this.size--
    const { first } = this.list
    if (first instanceof Bundle) this.unpack(first)
  }

  /** Makes objects of a bundle's jobs, where they stand. */
  unpack(bundle: Bundle): void {
    for (const job of bundle.jobs(this.table.handles)) {
      this.list.insertBefore(job, bundle)
      this.table.unpacked(job)
      this.merging.unpacked(job)
    }
    this.list.remove(bundle)
  }

  /** Of packed ones copies. */
  *[Symbol.iterator](): Generator<Job> {
    for (const member of this.list) {
      if (member instanceof Bundle) yield* member.jobs(this.table.handles)
      else yield member
    }
  }

  private pack(job: Job): boolean {
    const hash = this.merging.pack(job)
    if (hash === undefined) return false
    let bundle = this.list.last
    if (!(bundle instanceof Bundle) || bundle.count === bundleSize) {
      if (bundle instanceof Bundle) bundle.seal()
      bundle = new Bundle(this)
      this.list.push(bundle)
    }
    bundle.add(job, hash)
    this.table.packed(job.number, bundle)
    return true
  }
}
