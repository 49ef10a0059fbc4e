/**
 * Spans for those who trace: where no tracer is installed they cost nothing. For functions
 * defined with `trace`, the caller's span travels before the payload as a line of its own,
 * in the form of the W3C's `traceparent`, so that the handler's span becomes its child.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
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

/** Notes on the present span, if there is one. */
export const annotate = Effect.withFiber((fiber) => {
  const span = currentSpan(fiber)
  const note = (key: string, value: string | number): void => {
    if (span?._tag === "Span") span.attribute(key, value)
  }
  return Effect.succeed(note)
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
