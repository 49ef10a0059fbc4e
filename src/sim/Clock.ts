/**
 * A node's own clocks. Monotonic time only goes on, at the pace of this node's crystal
 * (drift); wall time may besides be off (skew) and be set (jumps). Programs that measure
 * waiting with wall time go wrong here as they would on a real machine.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Kernel, Owner } from "./Kernel.ts"

/** Wall time when a world begins: 2030-01-01T00:00:00Z. */
export const worldBeginsMillis = 1_893_456_000_000

/**
 * A node's crystal and battery. They belong to the machine, so they outlive a crash.
 *
 * @since 0.1.0
 * @category models
 */
export class ClockState {
  /** Milliseconds that wall time is ahead. */
  skewMillis = 0
  /** Milliseconds that this node counts for one real one. */
  pace = 1
  private atMillis = 0
  private readMillis = 0

  /** Milliseconds this node has counted when the world has counted `now`. */
  read(now: number): number {
    return this.readMillis + (now - this.atMillis) * this.pace
  }

  /** From now on the node counts so many thousandths more. What it has counted stays. */
  drift(now: number, perThousand: number): void {
    this.readMillis = this.read(now)
    this.atMillis = now
    this.pace = 1 + perThousand / 1000
  }

  wallMillis(now: number): number {
    return worldBeginsMillis + this.skewMillis + Math.floor(this.read(now))
  }
}

/**
 * The clock of one incarnation.
 *
 * @since 0.1.0
 * @category models
 */
export class NodeClock implements Clock.Clock {
  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  private readonly kernel: Kernel
  private readonly owner: Owner
  private readonly state: ClockState

  constructor(kernel: Kernel, owner: Owner, state: ClockState) {
    this.kernel = kernel
    this.owner = owner
    this.state = state
  }

  currentTimeMillisUnsafe(): number {
    return this.state.wallMillis(this.kernel.now)
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(this.currentTimeMillisUnsafe()) * 1_000_000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.floor(this.state.read(this.kernel.now) * 1000)) * 1000n
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const timer = this.kernel.timer(this.owner, millis / this.state.pace, () => resume(Effect.void))
      return Effect.sync(() => this.kernel.cancel(timer))
    })
  }
}
