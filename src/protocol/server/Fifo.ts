/**
 * A first-in first-out list whose members carry their own links, so that one can leave
 * from the middle at once: a queued job is cancelled, abandoned or raised, a sleeping
 * worker goes away.
 *
 * @since 0.1.0
 */

/**
 * What a member carries. It is in at most one list at a time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

/**
 * The list.
 *
 * @since 0.1.0
 * @category models
 */
export class Fifo<T extends Linked<T>> {
  first: T | undefined = undefined
  last: T | undefined = undefined
  size = 0

  push(member: T): void {
    member.previous = this.last
    if (this.last === undefined) this.first = member
    else this.last.next = member
    this.last = member
    this.size++
  }

  /** Puts one in, before one that is there. */
  insertBefore(member: T, next: T): void {
    member.previous = next.previous
    member.next = next
    if (next.previous === undefined) this.first = member
    else next.previous.next = member
    next.previous = member
    this.size++
  }

  remove(member: T): void {
    if (member.previous === undefined) this.first = member.next
    else member.previous.next = member.next
    if (member.next === undefined) this.last = member.previous
    else member.next.previous = member.previous
    member.previous = undefined
    member.next = undefined
    this.size--
  }

  shift(): T | undefined {
    const { first } = this
    if (first !== undefined) this.remove(first)
    return first
  }

  *[Symbol.iterator](): Generator<T> {
    for (let member = this.first; member !== undefined; member = member.next) yield member
  }
}
