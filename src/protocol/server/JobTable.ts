/**
 * Jobs by number. One large `Map` moves all its entries each time it has doubled, and the
 * server stands still meanwhile: for a tenth of a second and more at a million jobs. Numbers
 * follow one another, so jobs lie in pages here, and only the pages are in a map.
 *
 * @since 0.1.0
 */
import type { Job } from "./Job.ts"

// A page that one old job keeps costs about as much as the job does.
const pageSize = 64

interface Page {
  readonly jobs: Array<Job | undefined>
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
  private readonly pages = new Map<number, Page>()
  // Most questions are about the newest jobs.
  private newest: Page | undefined = undefined
  private newestNumber = -1

  get(number: number): Job | undefined {
    const pageNumber = Math.floor(number / pageSize)
    return this.page(pageNumber)?.jobs[number - pageNumber * pageSize]
  }

  /** A number that is not there yet, and higher than all that ever were. */
  add(job: Job): void {
    const pageNumber = Math.floor(job.number / pageSize)
    let page = this.page(pageNumber)
    if (page === undefined) {
      page = { jobs: new Array<Job | undefined>(pageSize).fill(undefined), count: 0 }
      if (this.newest?.count === 0) this.pages.delete(this.newestNumber)
      this.pages.set(pageNumber, page)
      this.newest = page
      this.newestNumber = pageNumber
    }
    page.jobs[job.number - pageNumber * pageSize] = job
    page.count++
    this.size++
  }

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

  *values(): IterableIterator<Job> {
    for (const { jobs } of this.pages.values()) for (const job of jobs) if (job !== undefined) yield job
  }

  private page(number: number): Page | undefined {
    return number === this.newestNumber ? this.newest : this.pages.get(number)
  }
}
