/**
 * Jobs by number. One large `Map` moves all its entries each time it has doubled, and the
 * server stands still meanwhile: for a tenth of a second and more at a million jobs. Numbers
 * follow one another, so jobs lie in pages here, and only the pages are in a map.
 *
 * @since 0.1.0
 */
import { Bundle, type Waiting } from "./Bundle.ts"
import type { Handles } from "./Handles.ts"
import type { Job } from "./Job.ts"

// A page that one old job keeps costs about as much as the job does.
const pageSize = 64

interface Page {
  readonly jobs: Array<Waiting | undefined>
  count: number
}

/**
 * The table. Its order is that of the numbers.
 *
 * @since 0.1.0
 * @category models
 */
export class JobTable {
  size = 0
  readonly handles: Handles
  private readonly maxLoose: number
  private packedCount = 0
  private readonly pages = new Map<number, Page>()
  // Most questions are about the newest jobs.
  private newest: Page | undefined = undefined
  private newestNumber = -1

  /** With more jobs than `maxLoose` that are not packed, those that can be should be. */
  constructor(handles: Handles, maxLoose: number) {
    this.handles = handles
    this.maxLoose = maxLoose
  }

  get looseCount(): number {
    return this.size - this.packedCount
  }

  get isCrowded(): boolean {
    return this.looseCount > this.maxLoose
  }

  /** The job, to do something with it: one that is packed is unpacked, with its neighbours. */
  get(number: number): Job | undefined {
    const entry = this.entry(number)
    if (!(entry instanceof Bundle)) return entry
    entry.queue.unpack(entry)
    return this.entry(number) as Job
  }

  /** The job, to read; of one that is packed a copy. */
  look(number: number): Job | undefined {
    const entry = this.entry(number)
    return entry instanceof Bundle ? entry.look(number, this.handles) : entry
  }

  /** The job, unless it is packed. */
  loose(number: number): Job | undefined {
    const entry = this.entry(number)
    return entry instanceof Bundle ? undefined : entry
  }

  /** A number that is not there yet, and higher than all that ever were. */
  add(job: Job): void {
    const pageNumber = Math.floor(job.number / pageSize)
    let page = this.page(pageNumber)
    if (page === undefined) {
      page = { jobs: new Array<Waiting | undefined>(pageSize).fill(undefined), count: 0 }
      if (this.newest?.count === 0) this.pages.delete(this.newestNumber)
      this.pages.set(pageNumber, page)
      this.newest = page
      this.newestNumber = pageNumber
    }
    page.jobs[job.number - pageNumber * pageSize] = job
    page.count++
    this.size++
  }

  /** The job of that number is in that bundle from now on. */
  packed(number: number, bundle: Bundle): void {
    this.replace(number, bundle)
    this.packedCount++
  }

  /** The job is in no bundle any more. */
  unpacked(job: Job): void {
    this.replace(job.number, job)
    this.packedCount--
  }

  /** Forgets a job that is not packed. */
  delete(number: number): void {
    const pageNumber = Math.floor(number / pageSize)
    const page = this.page(pageNumber)
    const index = number - pageNumber * pageSize
    if (page?.jobs[index] === undefined) return
    page.jobs[index] = undefined
    this.size--
    if (--page.count > 0 || page === this.newest) return
    this.pages.delete(pageNumber)
  }

  /** Of packed ones copies. */
  *values(): IterableIterator<Job> {
    for (const pageNumber of this.pages.keys()) {
      for (let index = 0; index < pageSize; index++) {
        const job = this.look(pageNumber * pageSize + index)
        if (job !== undefined) yield job
      }
    }
  }

  private page(number: number): Page | undefined {
    return number === this.newestNumber ? this.newest : this.pages.get(number)
  }

  private entry(number: number): Waiting | undefined {
    const pageNumber = Math.floor(number / pageSize)
    return this.page(pageNumber)?.jobs[number - pageNumber * pageSize]
  }

  private replace(number: number, entry: Waiting): void {
    const pageNumber = Math.floor(number / pageSize)
    this.page(pageNumber)!.jobs[number - pageNumber * pageSize] = entry
  }
}
