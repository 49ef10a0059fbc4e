/**
 * What a function promises, for those who call or serve it from elsewhere: as data, and as
 * a page for people.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import type { Priority, WireCodec } from "../JobFunction.ts"

/**
 * A function's schemas. What it has none of is absent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Schemas {
  readonly payload: Schema.Top
  readonly success: Schema.Top
  readonly error: Schema.Top | undefined
  readonly progress: Schema.Top | undefined
}

/**
 * What of a `JobFunction` is told.
 *
 * @since 0.1.0
 * @category models
 */
export interface Describable {
  readonly name: string
  readonly description: string | undefined
  readonly codec: WireCodec
  readonly schemas: Schemas
  readonly unique: unknown
  readonly idempotent: boolean
  readonly priority: Priority
  readonly timeout: Duration.Duration | undefined
  readonly retry: unknown
  readonly trace: boolean
}

/**
 * A function as data. The JSON Schemas say what is on the wire; bytes have none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Description {
  readonly name: string
  readonly description: string | undefined
  readonly codec: WireCodec
  readonly payload: JsonSchema.Document<"draft-2020-12"> | undefined
  readonly success: JsonSchema.Document<"draft-2020-12"> | undefined
  /** What a WORK_EXCEPTION carries when the handler fails by itself. */
  readonly error: JsonSchema.Document<"draft-2020-12"> | undefined
  /** What each WORK_DATA carries. */
  readonly progress: JsonSchema.Document<"draft-2020-12"> | undefined
  /** What makes two submissions equal; `derived` is a text made of the payload. */
  readonly unique: "none" | "payload" | "derived"
  readonly idempotent: boolean
  readonly priority: Priority
  /** How long a caller waits; absent: for ever. */
  readonly timeoutMillis: number | undefined
  /** Callers submit again after a failure. */
  readonly isRetried: boolean
  /** A line with the caller's span stands before the payload. */
  readonly isTraced: boolean
}

/**
 * What a function promises, as data: for a registry, or to make types for other languages.
 *
 * @example
 * ```ts
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Schema from "effect/Schema"
 *
 * const square = JobFunction.make("square", { payload: Schema.Int, success: Schema.Int })
 * console.log(JobFunction.describe(square).payload?.schema) // { type: "integer", … }
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const describe = (fn: Describable): Description => {
  const { codec, description, idempotent, name, priority, schemas, timeout, unique } = fn
  const onTheWire = (schema: Schema.Top | undefined) =>
    schema === undefined || codec === "bytes" ? undefined : Schema.toJsonSchemaDocument(schema)
  return {
    name,
    description,
    codec,
    payload: onTheWire(schemas.payload),
    success: onTheWire(schemas.success),
    error: onTheWire(schemas.error),
    progress: onTheWire(schemas.progress),
    unique: unique === "none" || unique === "payload" ? unique : "derived",
    idempotent,
    priority,
    timeoutMillis: timeout !== undefined && Duration.isFinite(timeout) ? Duration.toMillis(timeout) : undefined,
    isRetried: fn.retry !== undefined,
    isTraced: fn.trace
  }
}

const uniques = {
  none: "each runs",
  payload: "those with equal payloads are one job",
  derived: "by a text made of the payload"
}
const codecs = { json: "JSON", utf8: "text (UTF-8)", bytes: "bytes" }

const section = (fn: Describable): string => {
  const told = describe(fn)
  const rows = [
    ["on the wire", codecs[told.codec] + (told.isTraced ? ", after a line with the caller's span" : "")],
    ["equal submissions", uniques[told.unique]],
    ["running it twice", told.idempotent ? "does no more harm than once" : "may do harm: it is never resubmitted"],
    ["priority", told.priority],
    ["callers wait", told.timeoutMillis === undefined ? "for ever" : `${told.timeoutMillis} ms`]
  ]
  const blocks = (["payload", "success", "error", "progress"] as const).flatMap((part) => {
    const document = told[part]
    if (document === undefined) return []
    const { definitions, schema } = document
    const whole = Object.keys(definitions).length === 0 ? schema : { ...schema, $defs: definitions }
    return [`${part}:`, `\`\`\`json\n${JSON.stringify(whole, null, 2)}\n\`\`\``]
  })
  return [
    `## ${told.name}`,
    ...(told.description === undefined ? [] : [told.description]),
    ["| | |", "| --- | --- |", ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join("\n"),
    ...blocks
  ].join("\n\n")
}

/**
 * A page in Markdown about functions, with their schemas as JSON Schema.
 *
 * @example
 * ```ts
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const reverse = JobFunction.utf8("reverse", { description: "Turns a text round.", idempotent: true })
 * console.log(JobFunction.toMarkdown([reverse]))
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toMarkdown = (fns: Iterable<Describable>): string => `${Array.from(fns, section).join("\n\n")}\n`
