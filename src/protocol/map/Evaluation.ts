/**
 * Runs a shipped function on its item, as a generator that hands out each value which
 * may be a promise and gets back what it became. So the sandbox can wait for promises,
 * the simulator's evaluator can do without, and both run the same steps.
 *
 * Imports nothing but the value format: the sandbox's threads load it alone.
 *
 * @since 0.1.0
 */
import type { Shipment } from "./Shipment.ts"
import { ValueReader } from "./ValueReader.ts"
import { ownFrames, shippedFile } from "./ValueTags.ts"
import { type Untravelable, ValueWriter } from "./ValueWriter.ts"

/**
 * What a shipped function is told beside its item.
 *
 * @since 0.1.0
 * @category models
 */
export interface MapContext {
  /** The name of the worker that runs it. */
  readonly worker: string
}

/**
 * How far an evaluation is: the position, in its batch, of the item it is at.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  position: number
}

/** Characters kept of a message or stack, so that the tale of a failure stays small. */
const descriptionLimit = 8192

/**
 * Describes whatever was thrown.
 *
 * @since 0.1.0
 * @category conversions
 */
export const remoteErrorOf = (
  thrown: unknown
): { readonly name: string; readonly message: string; readonly stack?: string } => {
  if (thrown instanceof Error) {
    const description = { name: text(thrown.name), message: text(thrown.message) }
    return typeof thrown.stack === "string" ? { ...description, stack: text(ownFrames(thrown.stack)) } : description
  }
  const isObject = typeof thrown === "object" && thrown !== null
  return {
    name: isObject && "name" in thrown && typeof thrown.name === "string" ? text(thrown.name) : "Error",
    message: isObject
      ? "message" in thrown && typeof thrown.message === "string"
        ? text(thrown.message)
        : `threw ${Object.prototype.toString.call(thrown)}`
      : `threw ${text(thrown)}`
  }
}

const text = (value: unknown): string => String(value).slice(0, descriptionLimit)

type Callable = (...values: ReadonlyArray<unknown>) => unknown
type Factory = (...captures: ReadonlyArray<unknown>) => Callable

/** Functions that are kept compiled, so that V8 keeps what it learnt about them. */
const compiledLimit = 16
const compiled = new Map<string, Factory>()

/**
 * A function that makes the shipped function from the values it captures. Throws a
 * SyntaxError where the text is no function in this JavaScript.
 *
 * @since 0.1.0
 * @category constructors
 */
const compile = (source: string, names: ReadonlyArray<string>): Factory => {
  const key = `${names.join()} ${source}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  if (compiled.size === compiledLimit) compiled.clear()
  const factory = parse(source, names)
  compiled.set(key, factory)
  return factory
}

const factoryFrom = (names: ReadonlyArray<string>, body: string): Factory =>
  new Function(...names, `"use strict"; ${body}\n//# sourceURL=${shippedFile}`) as Factory

const parse = (source: string, names: ReadonlyArray<string>): Factory => {
  // A method's text, `double(n) { … }`, is no expression by itself. It is one in an object
  // literal, where in turn no other kind of function can stand.
  const method = `const methods = Object.getOwnPropertyDescriptors({ ${source} }); const method = methods[Reflect.ownKeys(methods)[0]]; return method.value ?? method.get`
  try {
    return factoryFrom(names, `return (${source})`)
  } catch (notAnExpression) {
    try {
      return factoryFrom(names, method)
    } catch {
      throw notAnExpression
    }
  }
}

const read = (bytes: Uint8Array): unknown => {
  const reader = new ValueReader(bytes)
  const value = reader.read()
  if (reader.problem !== undefined) throw new SyntaxError(`the shipped value is unreadable: ${reader.problem}`)
  return value
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value

/** All values of what a flatMap's function returned. */
function* flatten(returned: unknown): Generator<unknown, Array<unknown>, unknown> {
  if (isIterable(returned)) return Array.from(returned)
  if (!isAsyncIterable(returned)) {
    throw new TypeError("the function given to flatMap must return an iterable, such as an array, or be a generator")
  }
  const values: Array<unknown> = []
  const iterator = returned[Symbol.asyncIterator]()
  for (;;) {
    const step = (yield iterator.next()) as IteratorResult<unknown>
    if (step.done === true) return values
    values.push(step.value)
  }
}

function* result(shipment: Shipment, context: MapContext, progress: Progress): Generator<unknown, unknown, unknown> {
  const captures = read(shipment.captures) as Record<string, unknown>
  const names = Object.keys(captures)
  const values = Object.values(captures)
  const make = (source: string): Callable => compile(source, names)(...values)
  if (shipment.mode === "map") return yield make(shipment.source)(read(shipment.item), context)
  if (shipment.mode === "flatMap") {
    return yield* flatten(yield make(shipment.source)(read(shipment.item), context))
  }
  const apply = shipment.source === "" ? undefined : make(shipment.source)
  const combine = make(shipment.combine)
  let reduced: unknown
  for (const item of read(shipment.item) as ReadonlyArray<unknown>) {
    const next = apply === undefined ? item : yield apply(item, context)
    reduced = progress.position === 0 ? next : yield combine(reduced, next, context)
    progress.position++
  }
  return reduced
}

/**
 * The steps. Whoever drives them passes each yielded value to `next` again, or what it
 * became if it was a promise. Throws whatever the shipped function throws.
 *
 * @since 0.1.0
 * @category combinators
 */
export function* evaluation(
  shipment: Shipment,
  context: MapContext,
  progress: Progress
): Generator<unknown, Uint8Array | Untravelable, unknown> {
  const value = yield* result(shipment, context, progress)
  const writer = new ValueWriter()
  return writer.write(value, "result") ?? writer.finish()
}
