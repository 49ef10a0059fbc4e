/**
 * Waiting times are measured on the monotonic clock: the wall clock may be set.
 */
import type * as Clock from "effect/Clock"

/** Milliseconds since some moment; only differences mean anything. */
export const millis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
