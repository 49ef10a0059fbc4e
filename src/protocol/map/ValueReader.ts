/**
 * Reads a value in the distributed map's format. The bytes may come from anywhere:
 * nothing in them makes the reader recurse without end or allocate more than a
 * multiple of their length, and all that it throws is `RegExp`'s own SyntaxError.
 *
 * @since 0.1.0
 */
import { depthLimit, errorTypes, hiddenErrorProperties, shortTextLimit, Tag, viewTypes } from "./ValueTags.ts"

const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true })
const hexadecimal = /^[0-9a-f]+$/
const regExpFlags = /^(?!.*(.).*\1)(?!.*u.*v)(?!.*v.*u)[dgimsuvy]*$/
const longestArray = 2 ** 32 - 1
// oxlint-disable-next-line eslint/no-restricted-globals -- dates are among the values; the time is not asked
const DateValue = Date

/**
 * Reads values from a buffer, one after the other. Whoever reads looks at `problem`
 * afterwards: when it is set, what was read means nothing.
 *
 * @since 0.1.0
 * @category models
 */
export class ValueReader {
  /** What is wrong with the bytes and where, once something is. */
  problem: string | undefined = undefined
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0
  private depth = 0
  private readonly seen: Array<unknown> = []

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Whether every byte has been read. */
  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  /** What has not been read yet, as a view. */
  rest(): Uint8Array {
    return this.bytes.subarray(this.at)
  }

  /** Reads one value. */
  read(): unknown {
    if (this.problem !== undefined) return undefined
    const tag = this.byte()
    switch (tag) {
      case Tag.undefined:
        return undefined
      case Tag.null:
        return null
      case Tag.true:
        return true
      case Tag.false:
        return false
      case Tag.integer: {
        const folded = this.count()
        return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
      }
      case Tag.number:
        return this.float()
      case Tag.text:
        return this.utf8()
      case Tag.text16:
        return this.utf16()
      case Tag.bigint:
        return this.bigint()
      case Tag.reference: {
        const index = this.count()
        return index < this.seen.length ? this.seen[index] : this.fail("a reference to nothing")
      }
      default:
        return this.object(tag)
    }
  }

  private fail(what: string): undefined {
    this.problem ??= `${what} at byte ${this.at}`
    // Nothing is left to read, so that every loop ends at once.
    this.at = this.bytes.length
    return undefined
  }

  private has(bytes: number): boolean {
    if (this.bytes.length - this.at >= bytes) return true
    this.fail("an early end")
    return false
  }

  private byte(): number {
    return this.has(1) ? this.bytes[this.at++]! : 0
  }

  private count(): number {
    let result = 0
    let factor = 1
    for (let length = 0; length < 8; length++) {
      const byte = this.byte()
      result += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (Number.isSafeInteger(result)) return result
        break
      }
      factor *= 0x80
    }
    this.fail("a number that is too large")
    return 0
  }

  /** How many values follow. Each takes a byte or more, so more than are left cannot be. */
  private size(bytesEach: number): number {
    const count = this.count()
    return this.has(count * bytesEach) ? count : 0
  }

  private float(): number {
    if (!this.has(8)) return 0
    const value = this.view.getFloat64(this.at)
    this.at += 8
    return value
  }

  private take(): Uint8Array {
    const length = this.size(1)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  private utf8(): string {
    const length = this.size(1)
    const start = this.at
    this.at += length
    if (length <= shortTextLimit) {
      let text = ""
      let index = start
      for (; index < this.at; index++) {
        const byte = this.bytes[index]!
        if (byte >= 0x80) break
        text += String.fromCharCode(byte)
      }
      if (index === this.at) return text
    }
    return textDecoder.decode(this.bytes.subarray(start, this.at))
  }

  private utf16(): string {
    const length = this.size(2)
    let text = ""
    for (let index = 0; index < length; index++) {
      text += String.fromCharCode(this.view.getUint16(this.at))
      this.at += 2
    }
    return text
  }

  private bigint(): bigint | undefined {
    const negative = this.byte() === 1
    const digits = this.utf8()
    if (!hexadecimal.test(digits)) return this.fail("a bigint without digits")
    const magnitude = BigInt(`0x${digits}`)
    return negative ? -magnitude : magnitude
  }

  private object(tag: number): unknown {
    if (this.depth === depthLimit) return this.fail(`nesting more than ${depthLimit} deep`)
    this.depth++
    const value = this.content(tag)
    this.depth--
    return value
  }

  /** Gives the object its number before its content is read, since that may refer to it. */
  private remember<A>(value: A): A {
    this.seen.push(value)
    return value
  }

  private content(tag: number): unknown {
    switch (tag) {
      case Tag.array:
        return this.array()
      case Tag.sparseArray:
        return this.sparseArray()
      case Tag.object:
        return this.properties(this.remember({}))
      case Tag.nullObject:
        return this.properties(this.remember(Object.create(null) as object))
      case Tag.map: {
        const map = this.remember(new Map<unknown, unknown>())
        for (let left = this.size(2); left > 0; left--) map.set(this.read(), this.read())
        return map
      }
      case Tag.set: {
        const set = this.remember(new Set<unknown>())
        for (let left = this.size(1); left > 0; left--) set.add(this.read())
        return set
      }
      case Tag.date:
        return this.remember(new DateValue(this.float()))
      case Tag.regExp:
        return this.regExp()
      case Tag.error: {
        const type = errorTypes[this.byte()]
        if (type === undefined) return this.fail("an unknown kind of error")
        const error = this.remember(Reflect.construct(type, type === AggregateError ? [[]] : []) as Error)
        for (const name of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, name)
        return this.properties(error, hiddenErrorProperties)
      }
      case Tag.bytes:
        return this.remember(this.take().slice())
      case Tag.arrayBuffer:
        return this.remember(this.take().slice().buffer)
      case Tag.typedArray:
        return this.typedArray()
      default:
        return this.fail(`the unknown tag ${tag}`)
    }
  }

  private array(): Array<unknown> {
    const array = this.remember<Array<unknown>>([])
    for (let left = this.size(1); left > 0; left--) array.push(this.read())
    return array
  }

  private sparseArray(): Array<unknown> | undefined {
    const array = this.remember<Array<unknown>>([])
    const length = this.count()
    if (length > longestArray) return this.fail("an array that is too long")
    array.length = length
    for (let left = this.size(2); left > 0; left--) {
      const index = this.count()
      if (index >= length) return this.fail("an index outside its array")
      array[index] = this.read()
    }
    return array
  }

  private properties(object: object, hidden?: ReadonlySet<string>): object {
    const target = object as Record<string, unknown>
    for (let left = this.size(2); left > 0; left--) {
      const key = this.read()
      if (typeof key !== "string") {
        this.fail("a property without a name")
        break
      }
      const value = this.read()
      // An assignment to `__proto__` would replace the prototype.
      if (hidden === undefined && key !== "__proto__") {
        target[key] = value
        continue
      }
      Object.defineProperty(target, key, {
        value,
        writable: true,
        configurable: true,
        enumerable: hidden?.has(key) !== true
      })
    }
    return target
  }

  private regExp(): RegExp | undefined {
    const source = this.utf8()
    const flags = this.utf8()
    const lastIndex = this.count()
    if (!regExpFlags.test(flags)) return this.fail("unknown flags of a regular expression")
    const expression = new RegExp(source, flags)
    expression.lastIndex = lastIndex
    return this.remember(expression)
  }

  private typedArray(): ArrayBufferView | undefined {
    const type = viewTypes[this.byte()]
    if (type === undefined) return this.fail("an unknown kind of typed array")
    const bytes = this.take().slice()
    if (bytes.length % (type.BYTES_PER_ELEMENT ?? 1) !== 0) {
      return this.fail("a typed array with a part of an element")
    }
    return this.remember(new type(bytes.buffer))
  }
}
