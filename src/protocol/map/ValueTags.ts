/**
 * The bytes that open each value of the distributed map's value format, and the
 * limits both sides keep.
 *
 * A value is one tag byte and what belongs to it. Lengths and small integers are
 * variable-length (seven bits a byte, lowest first). Every object gets a number in
 * the order in which its tag is written, so a second mention is a reference to the
 * first: shared parts stay shared and cycles travel. Typed arrays keep their bytes in
 * little-endian order.
 *
 * Neither this file nor the writer and reader import anything: the thread that runs
 * shipped functions loads them alone and so starts quickly.
 *
 * @since 0.1.0
 */

/** One byte before each value. */
export const Tag = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  integer: 4,
  number: 5,
  text: 6,
  /** Text with lone surrogates, which UTF-8 cannot carry: UTF-16 code units. */
  text16: 7,
  bigint: 8,
  reference: 9,
  array: 10,
  sparseArray: 11,
  object: 12,
  nullObject: 13,
  map: 14,
  set: 15,
  date: 16,
  regExp: 17,
  error: 18,
  bytes: 19,
  arrayBuffer: 20,
  typedArray: 21
} as const

/** Views on bytes, by their number in the format. `Uint8Array` has a tag of its own. */
export const viewTypes: ReadonlyArray<{
  new (buffer: ArrayBuffer): ArrayBufferView
  readonly name: string
  readonly BYTES_PER_ELEMENT?: number
}> = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView
]

/** Errors that travel, by their number in the format. */
export const errorTypes = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError
] as const

/** Own properties of an error that `for in` does not show. */
export const hiddenErrorProperties: ReadonlySet<string> = new Set(["message", "stack", "cause", "errors"])

/** What shipped functions are called in stacks. */
export const shippedFile = "shipped-function.js"

/**
 * A stack without the frames below the shipped function's: they are the worker's own,
 * with paths that are nobody else's business.
 */
export const ownFrames = (stack: string): string => {
  const last = stack.lastIndexOf(shippedFile)
  if (last === -1) return stack
  const end = stack.indexOf("\n", last)
  return end === -1 ? stack : stack.slice(0, end)
}

/** Values nested deeper than this are refused, well before the stack would overflow. */
export const depthLimit = 1000

/** Texts up to this length are read and written character by character, which is faster then; their length is one byte. */
export const shortTextLimit = 48
