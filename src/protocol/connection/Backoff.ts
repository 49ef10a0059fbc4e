/**
 * How long to wait before a server that failed is dialled again: 100 ms, doubling to
 * 5 s, each stretched or shortened by up to a quarter so that many clients of one
 * server do not come back in step.
 *
 * The longest wait is what users feel once a server is back: until its workers are, its
 * jobs wait. A dial every 5 s costs nobody anything, and 10,000 workers spread over that
 * time are 2,000 connections a second to a server that has just come up.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export const minMilliseconds = 100
export const maxMilliseconds = 5000

/** The wait after so many failures in a row, at least 1; `random` is from 0 to 1. */
export const milliseconds = (failures: number, random: number): number => {
  const base = Math.min(maxMilliseconds, minMilliseconds * 2 ** Math.min(failures - 1, 16))
  return Math.round(Math.max(minMilliseconds, base * (0.75 + random / 2)))
}

/**
 * The longest wait while somebody waits for any server at all: about a second, so that
 * a caller does not give up on a server that has long been back.
 */
export const delayOnDemand: Effect.Effect<Duration.Duration> = Effect.map(Random.next, (random) =>
  Duration.millis(750 + Math.round(random * 500))
)

export const delay = (failures: number): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (random) => Duration.millis(milliseconds(failures, random)))
