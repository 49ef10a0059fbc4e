/**
 * Who says nothing at all is no peer: it is let go after a time. All have the same time, so
 * they are due in the order in which they came, and one timer serves them all; a timer for
 * each would be a good part of what an idle connection holds.
 */

import { asTimer } from "../Timers.ts"

/** Those that have said nothing yet. */
export class Silence<T> {
  private readonly sinceMillis = new Map<T, number>()
  private readonly limitMillis: number
  private readonly onLate: (member: T) => void
  private isArmed = false

  constructor(limitMillis: number, onLate: (member: T) => void) {
    this.limitMillis = limitMillis
    this.onLate = onLate
  }

  get size(): number {
    return this.sinceMillis.size
  }

  /** From now on its time runs. */
  begin(member: T): void {
    // Whole numbers need no memory of their own.
    this.sinceMillis.set(member, Math.round(performance.now()))
    if (!this.isArmed) this.arm(this.limitMillis)
  }

  /** It has said something, or is gone. */
  end(member: T): void {
    this.sinceMillis.delete(member)
  }

  private arm(millis: number): void {
    this.isArmed = true
    setTimeout(this.look, asTimer(millis)).unref()
  }

  private readonly look = (): void => {
    this.isArmed = false
    const nowMillis = performance.now()
    for (const [member, sinceMillis] of this.sinceMillis) {
      const leftMillis = sinceMillis + this.limitMillis - nowMillis
      if (leftMillis > 0) return this.arm(leftMillis)
      this.sinceMillis.delete(member)
      this.onLate(member)
    }
  }
}
