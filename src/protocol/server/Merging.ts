/**
 * Which job a submission joins: the live one of the same function and unique, or, for the
 * unique `-`, of the same workload. An empty unique joins nothing.
 * (Gearman protocol, "Unique Job ID")
 *
 * @since 0.1.0
 */
import type { ServerFunction } from "./Functions.ts"
import type { Job } from "./Job.ts"
import type { JobTable } from "./JobTable.ts"
import { NumbersByHash } from "./NumbersByHash.ts"

/** Jobs of one unique: nearly always one, else one for each function. */
type Entry = Job | Map<ServerFunction, Job>

/**
 * The index of jobs that may be joined.
 *
 * @since 0.1.0
 * @category models
 */
export class Merging {
  private readonly byUnique = new Map<string, Entry>()
  private readonly byWorkload = new Map<number, Array<Job>>()
  /** Those in bundles; never two of one hash, so that to find one is to look at one. */
  private readonly packed = new NumbersByHash()
  private readonly table: JobTable
  private readonly seed: number

  /** The seed keeps people from choosing workloads that all fall into one place. */
  constructor(seed: number, table: JobTable) {
    this.seed = seed | 0
    this.table = table
  }

  get size(): number {
    return this.byUnique.size + this.byWorkload.size + this.packed.size
  }

  /** As all that is found here: of a job that is packed a copy. */
  findUnique(fn: ServerFunction, unique: string): Job | undefined {
    const loose = this.findLoose(fn, unique)
    if (loose !== undefined) return loose
    const packed = this.findPacked(unique)
    return packed?.function === fn ? packed : undefined
  }

  private findLoose(fn: ServerFunction, unique: string): Job | undefined {
    const entry = this.byUnique.get(unique)
    if (entry === undefined) return undefined
    if (entry instanceof Map) return entry.get(fn)
    return entry.function === fn ? entry : undefined
  }

  /** The newest job of that unique, whatever its function. (GET_STATUS_UNIQUE) */
  findAny(unique: string): Job | undefined {
    const entry = this.byUnique.get(unique)
    let newest = this.findPacked(unique)
    for (const job of entry instanceof Map ? entry.values() : entry === undefined ? [] : [entry]) {
      if (newest === undefined || job.number > newest.number) newest = job
    }
    return newest
  }

  private findPacked(unique: string): Job | undefined {
    if (this.packed.size === 0) return undefined
    const job = this.table.look(this.packed.get(this.hashOf(unique)))
    return job?.mergeKey === unique ? job : undefined
  }

  addUnique(job: Job, unique: string): void {
    job.mergeKey = unique
    const entry = this.byUnique.get(unique)
    if (entry === undefined) this.byUnique.set(unique, job)
    else if (entry instanceof Map) entry.set(job.function, job)
    else {
      const map = new Map<ServerFunction, Job>()
      map.set(entry.function, entry)
      map.set(job.function, job)
      this.byUnique.set(unique, map)
    }
  }

  workloadKey(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.seed
    let at = start
    for (; at + 4 <= end; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b)
    hash ^= hash >>> 13
    return Math.imul(hash, 0xc2b2ae35) ^ (end - start)
  }

  findWorkload(fn: ServerFunction, key: number, bytes: Uint8Array, start: number, end: number): Job | undefined {
    const jobs = this.byWorkload.get(key)
    const loose = jobs?.find((job) => job.function === fn && isEqual(job.workload, bytes, start, end))
    if (loose !== undefined || this.packed.size === 0) return loose
    const packed = this.table.look(this.packed.get(key))
    if (packed?.mergeKey !== key || packed.function !== fn) return undefined
    return isEqual(packed.workload, bytes, start, end) ? packed : undefined
  }

  addWorkload(job: Job, key: number): void {
    job.mergeKey = key
    const jobs = this.byWorkload.get(key)
    if (jobs === undefined) this.byWorkload.set(key, [job])
    else jobs.push(job)
  }

  /**
   * The job goes into a bundle, and its object is given up. Returns the hash by which it is
   * found from now on, or `undefined` when it must stay as it is.
   */
  pack(job: Job): number | undefined {
    const { mergeKey } = job
    if (mergeKey === undefined) return 0
    const hash = this.hashOf(mergeKey)
    if (!this.packed.add(hash, job.number)) return undefined
    this.remove(job)
    // What it merges by is still to be written down.
    job.mergeKey = mergeKey
    return hash
  }

  /** The job is an object again. */
  unpacked(job: Job): void {
    const { mergeKey } = job
    if (mergeKey === undefined) return
    this.packed.delete(this.hashOf(mergeKey))
    if (typeof mergeKey === "number") this.addWorkload(job, mergeKey)
    else this.addUnique(job, mergeKey)
  }

  private hashOf(mergeKey: string | number): number {
    if (typeof mergeKey === "number") return mergeKey
    let hash = this.seed
    for (let index = 0; index < mergeKey.length; index++) {
      hash = Math.imul(hash ^ mergeKey.charCodeAt(index), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash, 0x85ebca6b)
    return Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) ^ mergeKey.length
  }

  /** From here on nothing joins this job. */
  remove(job: Job): void {
    const { mergeKey } = job
    if (mergeKey === undefined) return
    job.mergeKey = undefined
    if (typeof mergeKey === "number") {
      const jobs = this.byWorkload.get(mergeKey)!
      if (jobs.length === 1) this.byWorkload.delete(mergeKey)
      else jobs.splice(jobs.indexOf(job), 1)
      return
    }
    const entry = this.byUnique.get(mergeKey)
    if (entry instanceof Map) {
      entry.delete(job.function)
      if (entry.size > 0) return
    }
    this.byUnique.delete(mergeKey)
  }
}

const isEqual = (workload: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean => {
  if (workload.length !== end - start) return false
  for (let index = 0; index < workload.length; index++) if (workload[index] !== bytes[start + index]) return false
  return true
}
