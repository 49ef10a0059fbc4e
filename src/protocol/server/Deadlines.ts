/**
 * One ordered queue of deadlines: a binary heap whose members know their place, so that
 * a deadline is taken back when its reason is gone. A timer left behind by a finished
 * job is how gearmand came to count -1 running jobs.
 *
 * @since 0.1.0
 */

/**
 * What a member carries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Timed {
  /** Of members that are due at the same time, the lowest comes first. */
  readonly number: number
  dueMillis: number
  /** Place in the heap, or -1 outside of it. */
  heapIndex: number
}

const isBefore = (one: Timed, other: Timed): boolean =>
  one.dueMillis < other.dueMillis || (one.dueMillis === other.dueMillis && one.number < other.number)

/**
 * The queue. Which clock `dueMillis` is of is the owner's business.
 *
 * @since 0.1.0
 * @category models
 */
export class Deadlines<T extends Timed> {
  private readonly heap: Array<T> = []

  get size(): number {
    return this.heap.length
  }

  /** The earliest member. */
  get first(): T | undefined {
    return this.heap[0]
  }

  /** The earliest deadline, or `Infinity`. */
  get earliestMillis(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0]!.dueMillis
  }

  set(member: T, dueMillis: number): void {
    this.clear(member)
    member.dueMillis = dueMillis
    member.heapIndex = this.heap.length
    this.heap.push(member)
    this.up(member.heapIndex)
  }

  clear(member: T): void {
    const index = member.heapIndex
    if (index === -1) return
    member.heapIndex = -1
    const last = this.heap.pop()!
    if (last === member) return
    this.place(last, index)
    this.up(index)
    this.down(last.heapIndex)
  }

  /** Takes out the earliest member that is due, or gives `undefined`. */
  takeDue(nowMillis: number): T | undefined {
    const first = this.heap[0]
    if (first === undefined || first.dueMillis > nowMillis) return undefined
    this.clear(first)
    return first
  }

  private place(member: T, index: number): void {
    this.heap[index] = member
    member.heapIndex = index
  }

  private up(start: number): void {
    const member = this.heap[start]!
    let index = start
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.heap[parentIndex]!
      if (isBefore(parent, member)) break
      this.place(parent, index)
      index = parentIndex
    }
    this.place(member, index)
  }

  private down(start: number): void {
    const { heap } = this
    const member = heap[start]!
    let index = start
    while (true) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      if (childIndex + 1 < heap.length && isBefore(heap[childIndex + 1]!, heap[childIndex]!)) childIndex++
      const child = heap[childIndex]!
      if (isBefore(member, child)) break
      this.place(child, index)
      index = childIndex
    }
    this.place(member, index)
  }
}
