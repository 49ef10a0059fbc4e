/** A program that loops for ever within one step is noticed, and what comes after it is not disturbed. */
import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { Stalled, watched } from "../../../src/sim/scenario/watchdog.ts"

const endless = () => {
  let count = 0
  for (;;) count++
}

const never = () => new Error("it never ends")

const soon = { wallMillis: 100, cpuMillis: 0 }

test("what ends is as if nobody watched", () => {
  expect(watched(() => 7, never)).toBe(7)
  expect(() => watched(() => JSON.parse("{"), never)).toThrow(SyntaxError)
})

test("a loop without an end is ended, also where it catches everything", () => {
  const stubborn = () => {
    for (;;) {
      try {
        endless()
      } catch {
        continue
      }
    }
  }
  expect(() => watched(stubborn, never, soon)).toThrow("it never ends")
})

test("a fiber that is ended so does not keep others from running", () => {
  const fiber = () => Effect.runSync(Effect.sync(endless))
  expect(() => watched(fiber, never, soon)).toThrow("it never ends")
  expect(Effect.runSync(Effect.succeed(7))).toBe(7)
})

test("nobody is called endless who did not get to run", () => {
  // As where the machine had others to serve: less time than it takes to know.
  expect(() => watched(endless, never, { wallMillis: 20, cpuMillis: 1000 })).toThrow(Stalled)
})
