/**
 * Writes a value in the distributed map's format, or says which part of it cannot
 * travel and where that part is.
 *
 * @since 0.1.0
 */
import { depthLimit, errorTypes, ownFrames, shortTextLimit, Tag, viewTypes } from "./ValueTags.ts"

/**
 * A part of a value that cannot travel: where it is, as one would write it in
 * JavaScript, and what it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Untravelable {
  readonly path: string
  readonly what: string
}

const textEncoder = new TextEncoder()
const toTag = Object.prototype.toString
const identifier = /^[A-Za-z_$][\w$]*$/

/** How a property is written after the value it belongs to. */
const member = (key: string): string => (identifier.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`)

const mapKey = (key: unknown, position: number): string =>
  typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.entry(${position}).value`

const isPlain = (prototype: object): boolean =>
  prototype === Object.prototype ||
  // Another realm's Object.prototype, as in a vm context.
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))

/**
 * Appends values to one growing buffer. One writer writes one message; references
 * reach back to the message's start.
 *
 * @since 0.1.0
 * @category models
 */
export class ValueWriter {
  private buffer = new Uint8Array(256)
  private view = new DataView(this.buffer.buffer)
  private at = 0
  private depth = 0
  private readonly seen = new Map<object, number>()
  private refused = ""
  /** The refused part's steps, innermost first. */
  private readonly steps: Array<string> = []

  /** What was written so far. The writer must not be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.at)
  }

  /**
   * Writes a value and gives `undefined`; or gives what cannot travel, after which
   * the writer is of no use. `root` names the value in the path.
   */
  write(value: unknown, root: string): Untravelable | undefined {
    return this.value(value) ? undefined : { path: root + this.steps.toReversed().join(""), what: this.refused }
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes
    if (needed <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    grown.set(this.buffer.subarray(0, this.at))
    this.buffer = grown
    this.view = new DataView(grown.buffer)
  }

  private byte(value: number): void {
    this.reserve(1)
    this.buffer[this.at++] = value
  }

  private count(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.buffer[this.at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.buffer[this.at++] = rest
  }

  private float(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.at, value)
    this.at += 8
  }

  private bytes(bytes: Uint8Array): void {
    this.count(bytes.length)
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  private utf8(text: string): void {
    this.bytes(textEncoder.encode(text))
  }

  /** Short texts of ASCII, as most names are, without a way through the encoder. */
  private shortText(text: string): boolean {
    const length = text.length
    this.reserve(length + 2)
    const start = this.at
    this.buffer[this.at++] = Tag.text
    this.buffer[this.at++] = length
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit >= 0x80) {
        this.at = start
        return false
      }
      this.buffer[this.at++] = unit
    }
    return true
  }

  private text(text: string): void {
    if (text.length <= shortTextLimit && this.shortText(text)) return
    if (text.isWellFormed()) {
      this.byte(Tag.text)
      this.utf8(text)
      return
    }
    this.byte(Tag.text16)
    this.count(text.length)
    this.reserve(text.length * 2)
    for (let index = 0; index < text.length; index++) {
      this.view.setUint16(this.at, text.charCodeAt(index))
      this.at += 2
    }
  }

  private refuse(what: string): false {
    this.refused = what
    return false
  }

  private value(value: unknown): boolean {
    switch (typeof value) {
      case "undefined":
        this.byte(Tag.undefined)
        return true
      case "boolean":
        this.byte(value ? Tag.true : Tag.false)
        return true
      case "number":
        this.number(value)
        return true
      case "string":
        this.text(value)
        return true
      case "bigint":
        this.byte(Tag.bigint)
        this.byte(value < 0n ? 1 : 0)
        this.utf8((value < 0n ? -value : value).toString(16))
        return true
      case "function":
        return this.refuse("a function")
      case "symbol":
        return this.refuse("a symbol")
      case "object":
        return value === null ? (this.byte(Tag.null), true) : this.object(value)
    }
  }

  private number(value: number): void {
    if (value === (value | 0) && !Object.is(value, -0)) {
      this.byte(Tag.integer)
      // The sign goes to the lowest bit, so that small negative numbers stay short.
      this.count(value < 0 ? -2 * value - 1 : 2 * value)
      return
    }
    this.byte(Tag.number)
    this.float(value)
  }

  private object(value: object): boolean {
    const known = this.seen.get(value)
    if (known !== undefined) {
      this.byte(Tag.reference)
      this.count(known)
      return true
    }
    if (this.depth === depthLimit) return this.refuse(`nested more than ${depthLimit} deep`)
    this.seen.set(value, this.seen.size)
    this.depth++
    const written = this.content(value)
    this.depth--
    return written
  }

  private content(value: object): boolean {
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === null) return this.properties(Tag.nullObject, value)
    const tag = toTag.call(value).slice(8, -1)
    const name: unknown = prototype.constructor?.name
    if (tag === "Object" || tag === "Arguments") {
      return isPlain(prototype) ? this.properties(Tag.object, value) : this.refuseInstance(name)
    }
    if (tag === "Error") return this.error(value as Error, name)
    if (ArrayBuffer.isView(value)) return this.bufferView(value, name)
    // The tag tells what it is, in any realm; another name tells of a subclass, whose
    // methods would be lost on the way.
    if (tag !== name) return this.refuseInstance(name)
    switch (tag) {
      case "Array":
        return this.array(value as ReadonlyArray<unknown>)
      case "Map":
        return this.map(value as ReadonlyMap<unknown, unknown>)
      case "Set":
        return this.set(value as ReadonlySet<unknown>)
      case "Date":
        this.byte(Tag.date)
        this.float((value as Date).getTime())
        return true
      case "RegExp":
        this.byte(Tag.regExp)
        this.utf8((value as RegExp).source)
        this.utf8((value as RegExp).flags)
        this.count(lengthOf((value as RegExp).lastIndex))
        return true
      case "ArrayBuffer":
        this.byte(Tag.arrayBuffer)
        this.bytes(new Uint8Array(value as ArrayBuffer))
        return true
      case "Promise":
        return this.refuse("a promise")
      default:
        return this.refuseInstance(name)
    }
  }

  private refuseInstance(name: unknown): false {
    return this.refuse(
      typeof name === "string" && name !== "" ? `an instance of ${name}` : "an object with a prototype of its own"
    )
  }

  private child(value: unknown, step: string | ((position: number) => string), position: number): boolean {
    if (this.value(value)) return true
    this.steps.push(typeof step === "string" ? member(step) : step(position))
    return false
  }

  private properties(tag: number, value: object): boolean {
    const symbol = Object.getOwnPropertySymbols(value).find(
      (key) => Object.getOwnPropertyDescriptor(value, key)?.enumerable
    )
    if (symbol !== undefined) return this.refuse(`an object with the symbol ${String(symbol)} among its properties`)
    this.byte(tag)
    return this.entries(value as Record<string, unknown>, Object.keys(value))
  }

  private entries(value: Record<string, unknown>, keys: ReadonlyArray<string>): boolean {
    this.count(keys.length)
    for (const key of keys) {
      this.text(key)
      if (!this.child(value[key], key, 0)) return false
    }
    return true
  }

  private array(value: ReadonlyArray<unknown>): boolean {
    const keys = Object.keys(value)
    const length = value.length
    // Keys that are indices come first and in order, so these two tell that every
    // index is there and nothing else is.
    if (keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))) {
      this.byte(Tag.array)
      this.count(length)
      for (let index = 0; index < length; index++) {
        if (!this.child(value[index], indexStep, index)) return false
      }
      return true
    }
    const named = keys.find((key) => !(String(Number(key) >>> 0) === key && Number(key) < length))
    if (named !== undefined) return this.refuse(`an array with the property ${JSON.stringify(named)}`)
    this.byte(Tag.sparseArray)
    this.count(length)
    this.count(keys.length)
    for (const key of keys) {
      const index = Number(key)
      this.count(index)
      if (!this.child(value[index], indexStep, index)) return false
    }
    return true
  }

  private map(value: ReadonlyMap<unknown, unknown>): boolean {
    this.byte(Tag.map)
    this.count(value.size)
    let position = 0
    for (const [key, entry] of value) {
      if (!this.child(key, entryKeyStep, position)) return false
      if (!this.value(entry)) {
        this.steps.push(mapKey(key, position))
        return false
      }
      position++
    }
    return true
  }

  private set(value: ReadonlySet<unknown>): boolean {
    this.byte(Tag.set)
    this.count(value.size)
    let position = 0
    for (const entry of value) {
      if (!this.child(entry, memberStep, position++)) return false
    }
    return true
  }

  private error(value: Error, name: unknown): boolean {
    const type = errorTypes.findIndex((candidate) => candidate.name === name)
    if (type < 0) return this.refuseInstance(name)
    this.byte(Tag.error)
    this.byte(type)
    const names = Object.getOwnPropertyNames(value)
    const properties = Object.fromEntries(names.map((name) => [name, (value as Error & Record<string, unknown>)[name]]))
    if (typeof properties.stack === "string") properties.stack = ownFrames(properties.stack)
    return this.entries(properties, names)
  }

  private bufferView(value: ArrayBufferView, name: unknown): boolean {
    // Node's Buffer is a Uint8Array and arrives as one.
    if (name === "Uint8Array" || name === "Buffer") {
      this.byte(Tag.bytes)
    } else {
      const type = viewTypes.findIndex((candidate) => candidate.name === name)
      if (type < 0) return this.refuseInstance(name)
      this.byte(Tag.typedArray)
      this.byte(type)
    }
    this.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    return true
  }
}

/** What a regular expression makes of its `lastIndex`, to which anything can be assigned. */
const lengthOf = (lastIndex: unknown): number =>
  Math.min(Math.max(Math.trunc(Number(lastIndex)) || 0, 0), Number.MAX_SAFE_INTEGER)

const indexStep = (index: number): string => `[${index}]`
const entryKeyStep = (position: number): string => `.entry(${position}).key`
const memberStep = (position: number): string => `.member(${position})`
