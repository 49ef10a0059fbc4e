/**
 * A bar for many jobs: how many are done, how fast, how long the rest will take. It is
 * drawn on standard error where that is a terminal, and nowhere else.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Output from "./Output.ts"

/** Where the bar is drawn. */
export interface Terminal {
  readonly isOn: boolean
  readonly columns: number
  readonly write: (text: string) => Effect.Effect<void>
  /** What is printed goes to the same screen, and must not stand behind the bar. */
  readonly isShared: boolean
}

/** Standard error; `isAlone` where lines come at any time, which a bar on the same screen would spoil. */
export const standardError = (isAlone = false): Terminal => ({
  isOn: process.stderr.isTTY === true && !(isAlone && process.stdout.isTTY === true),
  // Some terminals do not know their width, and tell 0.
  columns: process.stderr.columns || 80,
  write: Output.printError,
  isShared: process.stdout.isTTY === true
})

/** A bar that is shown. */
export interface Progress {
  /** One more is done, and prints what it has to say. */
  readonly done: <A, E, R>(print: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const erase = "\r\u001b[K"

/** Between two drawings: more often than this, nobody can read it. */
const pauseMillis = 100

const timeOf = (seconds: number): string => {
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** The bar in one line of the given width. */
export const lineOf = (done: number, total: number, elapsedMillis: number, columns: number): string => {
  const share = total === 0 ? 1 : done / total
  const perSecond = elapsedMillis > 0 ? (done * 1_000) / elapsedMillis : 0
  const rest = done === 0 ? "" : `, ${timeOf((total - done) / perSecond)} left`
  const text = ` ${done}/${total} ${String(Math.floor(share * 100)).padStart(3)} %, ${Math.round(perSecond)}/s${rest}`
  const width = Math.min(40, columns - text.length - 3)
  if (width < 5) return text.slice(1, columns)
  const filled = Math.round(share * width)
  return `[${"#".repeat(filled)}${" ".repeat(width - filled)}]${text}`
}

/** Shows a bar until the scope closes; for a single job there is none. */
export const make = Effect.fnUntraced(function* (
  total: number,
  terminal: Terminal = standardError()
): Effect.fn.Return<Progress, never, Scope.Scope> {
  if (!terminal.isOn || total < 2) return { done: (print) => print }
  const clock = yield* Clock.Clock
  const nowMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const begunMillis = nowMillis()
  let drawnMillis = Number.NEGATIVE_INFINITY
  let count = 0
  let isDrawn = false
  const draw = Effect.suspend(() => {
    const now = nowMillis()
    if (isDrawn && count < total && now - drawnMillis < pauseMillis) return Effect.void
    drawnMillis = now
    isDrawn = true
    return terminal.write(erase + lineOf(count, total, now - begunMillis, terminal.columns))
  })
  const hide = Effect.suspend(() => {
    if (!isDrawn) return Effect.void
    isDrawn = false
    return terminal.write(erase)
  })
  yield* Effect.addFinalizer(() => hide)
  yield* draw
  return {
    done: (print) =>
      Effect.andThen(
        terminal.isShared ? hide : Effect.void,
        Effect.tap(print, () => {
          count++
          return draw
        })
      )
  }
})
