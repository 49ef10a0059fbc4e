/**
 * The functions a server knows: each with its queues, its workers and its sleepers, and
 * the table of all.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import type { Timed } from "./Deadlines.ts"
import { Fifo } from "./Fifo.ts"
import * as ListOrder from "./ListOrder.ts"
import type { Job, Priority } from "./Job.ts"
import { JobQueue } from "./JobQueue.ts"
import type { JobTable } from "./JobTable.ts"
import type { Merging } from "./Merging.ts"
import type { Ability, Session } from "./Session.ts"

/**
 * A function and the jobs that wait for it.
 *
 * @since 0.1.0
 * @category models
 */
export class ServerFunction implements Timed {
  readonly number: number
  readonly name: Uint8Array
  /** The name, one character per byte. */
  readonly key: string
  /** Its place in lists. */
  readonly bucket: number
  readonly queues: readonly [JobQueue, JobQueue, JobQueue]
  /** Jobs whose time has not come, by priority. */
  readonly scheduled: [number, number, number] = [0, 0, 0]
  runningCount = 0
  /** Jobs of any state. */
  jobCount = 0
  /** The most jobs it may have when one of a priority is added; 0 is no limit. */
  maxQueue: readonly [number, number, number]
  readonly abilities = new Set<Ability>()
  /** Abilities of sleepers, and of some who have woken up since. */
  readonly sleepers = new Fifo<Ability>()
  /** Connections that were sent a NOOP for it and have not asked for a job since, by when it was sent. */
  readonly woken = new Fifo<Session>()
  /** Known to the table as one that nobody needs. */
  isIdle = false

  /** When a wake-up that nobody has answered goes on to the next sleeper. */
  dueMillis = 0
  heapIndex = -1

  constructor(number: number, key: string, maxJobs: number, table: JobTable, merging: Merging) {
    this.number = number
    const queueOf = (priority: Priority) => new JobQueue(this, priority, table, merging)
    this.queues = [queueOf(0), queueOf(1), queueOf(2)]
    this.maxQueue = [maxJobs, maxJobs, maxJobs]
    this.name = Codec.fromLatin1(key)
    this.bucket = ListOrder.bucketOf(this.name)
    this.key = key
  }

  get runnableCount(): number {
    return this.queues[0].size + this.queues[1].size + this.queues[2].size
  }
}

// To look at so many costs less than to keep them in order.
const fewFunctions = 32

/**
 * All functions, and those with work by priority.
 *
 * @since 0.1.0
 * @category models
 */
export class Functions {
  private readonly byKey = new Map<string, ServerFunction>()
  private readonly idle = new Set<ServerFunction>()
  /** Queues with work, by priority; those that got theirs last come last. */
  private readonly withWork: readonly [Fifo<JobQueue>, Fifo<JobQueue>, Fifo<JobQueue>] = [
    new Fifo(),
    new Fifo(),
    new Fifo()
  ]
  /** Grows with each queue that gets work. */
  private sequence = 0
  private readonly maxFunctions: number
  private readonly maxJobsEach: number
  private readonly table: JobTable
  private readonly merging: Merging
  private created = 0
  private latest: ServerFunction | undefined = undefined

  constructor(maxFunctions: number, maxJobsEach: number, table: JobTable, merging: Merging) {
    this.maxFunctions = maxFunctions
    this.maxJobsEach = maxJobsEach
    this.table = table
    this.merging = merging
  }

  get size(): number {
    return this.byKey.size
  }

  get idleCount(): number {
    return this.idle.size
  }

  get withWorkCount(): number {
    return this.withWork[0].size + this.withWork[1].size + this.withWork[2].size
  }

  /** Oldest first. */
  values(): IterableIterator<ServerFunction> {
    return this.byKey.values()
  }

  /** Those that a worker could be given a job of; one may come up to three times. */
  *working(): IterableIterator<ServerFunction> {
    for (const ofPriority of this.withWork) for (const queue of ofPriority) yield queue.function
  }

  find(key: string): ServerFunction | undefined {
    return this.byKey.get(key)
  }

  /** The function of that name, new if need be; `undefined` when there are too many in use. */
  obtain(key: string): ServerFunction | undefined {
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    if (this.byKey.size >= this.maxFunctions) {
      for (const oldest of this.idle) {
        this.drop(oldest)
        break
      }
      if (this.byKey.size >= this.maxFunctions) return undefined
    }
    const fn = new ServerFunction(++this.created, key, this.maxJobsEach, this.table, this.merging)
    this.byKey.set(key, fn)
    this.settle(fn)
    return fn
  }

  /** `obtain` for the name in a packet's field. It often is that of the packet before, which is found without a text. */
  obtainNamed(frame: Codec.Frame, index: number): ServerFunction | undefined {
    const { latest } = this
    if (latest !== undefined && frame.holds(index, latest.name)) return latest
    this.latest = this.obtain(frame.key(index))
    return this.latest
  }

  drop(fn: ServerFunction): void {
    if (this.latest === fn) this.latest = undefined
    this.byKey.delete(fn.key)
    this.idle.delete(fn)
  }

  /** To be called when a function may have got its first, or lost its last, job or worker. */
  settle(fn: ServerFunction): void {
    const isIdle = fn.jobCount === 0 && fn.abilities.size === 0
    if (isIdle === fn.isIdle) return
    fn.isIdle = isIdle
    if (isIdle) this.idle.add(fn)
    else this.idle.delete(fn)
  }

  /** Puts a job at the tail of its queue. */
  enqueue(job: Job): void {
    job.state = "queued"
    const queue = job.function.queues[job.priority]
    if (queue.size === 0) {
      queue.workingSince = ++this.sequence
      this.withWork[job.priority].push(queue)
    }
    queue.push(job)
  }

  /** Takes a queued job out, wherever it stands. */
  dequeue(job: Job): void {
    const queue = job.function.queues[job.priority]
    queue.remove(job)
    if (queue.size === 0) this.withWork[job.priority].remove(queue)
  }

  /**
   * The job a connection gets when it asks: of the highest priority there is among all it
   * can do; of equal ones, from the function that waited longest for its turn. Looks at the
   * connection's functions or at those with work, whichever are fewer; if they are few.
   */
  nextFor(session: Session): { readonly job: Job; readonly ability: Ability } | undefined {
    const { abilities } = session
    if (abilities.size === 0) return undefined
    for (let priority: Priority = 0; priority < 3; priority++) {
      const withWork = this.withWork[priority as Priority]
      if (withWork.size === 0) continue
      let best: Ability | undefined = undefined
      if (withWork.size > fewFunctions && abilities.size > fewFunctions) {
        best = session.turnsOf(priority as Priority).next(abilities, withWork)
      } else if (withWork.size < abilities.size) {
        for (let queue = withWork.first; queue !== undefined; queue = queue.next) {
          const fn = queue.function
          const ability = abilities.get(fn)
          if (ability !== undefined && (best === undefined || ability.turn < best.turn)) best = ability
        }
      } else {
        for (const ability of abilities.values()) {
          if (ability.function.queues[priority as Priority].size === 0) continue
          if (best === undefined || ability.turn < best.turn) best = ability
        }
      }
      if (best !== undefined) return { job: best.function.queues[priority as Priority].first!, ability: best }
    }
    return undefined
  }
}
