/**
 * Spans for those who trace: where no tracer is installed they cost nothing. For functions
 * defined with `trace`, the caller's span travels before the payload as a line of its own,
 * in the form of the W3C's `traceparent`, so that the handler's span becomes its child.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** Runs within a span where a tracer is installed. */
export const withSpan =
  (name: string, options: () => Tracer.SpanOptions) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) =>
      fiber.context.mapUnsafe.has(Tracer.Tracer.key)
        ? (Effect.withSpan(effect, name, options()) as Effect.Effect<A, E, R>)
        : effect
    )

const currentSpan = (fiber: { readonly context: Context.Context<never> }): Tracer.AnySpan | undefined =>
  fiber.context.mapUnsafe.get(Tracer.ParentSpan.key)

/** Where a job is. */
export interface Place {
  readonly server: string
  readonly handle: string
}

const note = (span: Tracer.Span, { handle, server }: Place): void => {
  span.attribute("gearman.server", server)
  span.attribute("gearman.handle", handle)
}

/** Notes on the present span, if there is one, where its job is. */
export const annotate = (place: Place): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const span = currentSpan(fiber)
    if (span?._tag === "Span") note(span, place)
    return Effect.void
  })

/**
 * The attempts of one call, counted over all its submissions: each has a span below the
 * call's from when a server accepted it until it ends, or the next one begins. What the
 * call's own span says of the job is what the last attempt was.
 */
export interface Attempts {
  readonly follow: <A, E>(attempt: (begun: (place: Place) => void) => Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** For a submission that goes on when the call is over. */
  readonly submission: () => Watch
}

/** Who is told where a submission is, each time anew, and how it ends. */
export interface Watch {
  readonly begun: (place: Place) => void
  readonly ended: (exit: Exit.Exit<unknown, unknown>) => void
}

const unwatched: Attempts = {
  follow: (attempt) => attempt(() => {}),
  submission: () => ({ begun: () => {}, ended: () => {} })
}

export const attempts = (name: string, clock: Clock.Clock): Effect.Effect<Attempts> =>
  Effect.withFiber((fiber) => {
    const call = currentSpan(fiber)
    if (call?._tag !== "Span") return Effect.succeed(unwatched)
    const tracer: Tracer.Tracer | undefined = fiber.context.mapUnsafe.get(Tracer.Tracer.key)
    let count = 0
    const begin = (place: Place): Tracer.Span | undefined => {
      count++
      if (call.status._tag === "Started") {
        note(call, place)
        call.attribute("gearman.attempt", count)
      }
      const span = tracer?.span({
        name: "gearman.attempt",
        parent: Option.some(call),
        annotations: Context.empty(),
        links: [],
        startTime: clock.currentTimeNanosUnsafe(),
        kind: "internal",
        root: false,
        sampled: call.sampled
      })
      if (span === undefined) return undefined
      note(span, place)
      span.attribute("gearman.function", name)
      span.attribute("gearman.attempt", count)
      return span
    }
    const submission = (): Watch => {
      let current: Tracer.Span | undefined
      const ended = (exit: Exit.Exit<unknown, unknown>) => current?.end(clock.currentTimeNanosUnsafe(), exit)
      const begun = (place: Place) => {
        ended(Exit.fail("the connection was lost"))
        current = begin(place)
      }
      return { begun, ended }
    }
    return Effect.succeed<Attempts>({
      submission,
      follow: (attempt) => {
        const { begun, ended } = submission()
        return Effect.onExit(attempt(begun), (exit) => Effect.sync(() => ended(exit)))
      }
    })
  })

const newline = 0x0a
// A traceparent has 55 bytes.
const maxLineBytes = 64

/** Puts the present span before a payload. */
export const wrap = (payload: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.withFiber((fiber) => {
    const span = currentSpan(fiber)
    const line =
      span === undefined
        ? "\n"
        : `00-${span.traceId.padStart(32, "0")}-${span.spanId.padStart(16, "0")}-${span.sampled ? "01" : "00"}\n`
    const bytes = new Uint8Array(line.length + payload.length)
    for (let at = 0; at < line.length; at++) bytes[at] = line.charCodeAt(at)
    bytes.set(payload, line.length)
    return Effect.succeed(bytes)
  })

/** The caller's span and the payload itself. A payload without such a line is taken as it is. */
export const unwrap = (
  workload: Uint8Array
): { readonly payload: Uint8Array; readonly parent: Tracer.ExternalSpan | undefined } => {
  const end = workload.subarray(0, maxLineBytes).indexOf(newline)
  if (end === -1) return { payload: workload, parent: undefined }
  const line = String.fromCharCode(...workload.subarray(0, end))
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(line)
  if (match === null && line !== "") return { payload: workload, parent: undefined }
  return {
    payload: workload.subarray(end + 1),
    parent:
      match === null
        ? undefined
        : Tracer.externalSpan({ traceId: match[1]!, spanId: match[2]!, sampled: match[3] === "01" })
  }
}
