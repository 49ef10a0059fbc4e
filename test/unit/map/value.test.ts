/**
 * The value format: what survives the journey, what is refused and with which path, and
 * that no bytes at all can upset the reader.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { isDeepStrictEqual } from "node:util"
import * as Value from "../../../src/protocol/map/Value.ts"

const encoded = (value: unknown): Uint8Array => Result.getOrThrow(Value.encode(value, "value"))
const journey = (value: unknown): unknown => Result.getOrThrow(Value.decode(encoded(value)))
const refusal = (value: unknown, root = "value"): string => {
  const result = Value.encode(value, root)
  return Result.isFailure(result) ? `${result.failure.path}: ${result.failure.what}` : "travelled"
}

const bytes = fc.uint8Array({ maxLength: 24 })
const buffer = bytes.map((content) => content.slice().buffer as ArrayBuffer)
const words = fc.uint8Array({ maxLength: 6 }).map((content) => {
  const aligned = new Uint8Array(content.length * 8)
  aligned.set(content)
  return aligned.buffer
})

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, Number.NaN, -0, 0, Infinity, -Infinity),
  fc.integer(),
  fc.double(),
  fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, 1e300),
  fc.bigInt(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.constantFrom("\ufeffmark", "", "__proto__"),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a/, /[\]/\n]+(?<name>x)/gi, new RegExp("")),
  bytes,
  buffer,
  buffer.map((content) => new Int8Array(content)),
  buffer.map((content) => new Uint8ClampedArray(content)),
  buffer.map((content) => new DataView(content)),
  words.chain((content) =>
    fc.constantFrom(
      new Int16Array(content),
      new Uint16Array(content),
      new Int32Array(content),
      new Uint32Array(content),
      new Float32Array(content),
      new Float64Array(content),
      new BigInt64Array(content),
      new BigUint64Array(content)
    )
  ),
  fc
    .tuple(fc.constantFrom(Error, RangeError, TypeError, SyntaxError, EvalError, URIError, ReferenceError), fc.string())
    .map(([Type, message]) => new Type(message))
)

const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "0", "-1"))

const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.sparseArray(tie("value"), { maxNumElements: 4, maxLength: 50 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: false }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie("value"), { maxLength: 4 }).map((members) => new Set(members)),
    tie("value").map((cause) => new Error("outer", { cause })),
    tie("value").map((value) => Object.assign(new TypeError("with a code"), { code: value }))
  )
})).value

describe("value format", () => {
  it("any value survives", () => {
    fc.assert(
      fc.property(anything, (value) => {
        assert.isTrue(isDeepStrictEqual(journey(value), value))
      }),
      { numRuns: 2000 }
    )
  })

  it("equal values have equal bytes", () => {
    fc.assert(
      fc.property(anything, (value) => {
        assert.deepStrictEqual(encoded(journey(value)), encoded(value))
      })
    )
  })

  it("the details of what survives", () => {
    const expression = /a+/y
    expression.lastIndex = 7
    assert.strictEqual((journey(expression) as RegExp).lastIndex, 7)
    for (const [odd, meant] of [
      [-1, 0],
      [2.5, 2],
      [Number.NaN, 0],
      [Infinity, Number.MAX_SAFE_INTEGER]
    ] as const) {
      expression.lastIndex = odd
      const [arrived, after] = journey([expression, "after"]) as readonly [RegExp, string]
      assert.deepStrictEqual([arrived.source, arrived.lastIndex, after], ["a+", meant, "after"])
    }
    assert.isTrue(Object.is(journey(-0), -0))
    assert.isTrue(Number.isNaN((journey(new Date(Number.NaN)) as Date).getTime()))
    const error = new AggregateError([new Error("inner")], "outer")
    const arrived = journey(error) as AggregateError
    assert.instanceOf(arrived, AggregateError)
    assert.strictEqual(arrived.stack, error.stack)
    assert.strictEqual((arrived.errors[0] as Error).message, "inner")
    assert.deepStrictEqual(Object.keys(arrived), [])
    const holes = journey([1, , 3]) as Array<unknown> // oxlint-disable-line eslint/no-sparse-arrays -- it is what is tested
    assert.isFalse(1 in holes)
    assert.strictEqual(holes.length, 3)
    assert.strictEqual(Object.getPrototypeOf(journey(Object.create(null))), null)
    assert.deepStrictEqual(journey(Buffer.from("abc")), Uint8Array.of(97, 98, 99))
    assert.strictEqual((journey(Object.assign([], { length: 4_000_000_000 })) as Array<unknown>).length, 4_000_000_000)
  })

  it("a view takes only its own part of a buffer along", () => {
    const view = new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2)
    const arrived = journey(view) as Uint16Array
    assert.deepStrictEqual([...arrived], [2, 3])
    assert.strictEqual(arrived.buffer.byteLength, 4)
  })

  it("shared parts stay shared, and cycles travel", () => {
    const shared = { name: "shared" }
    const [first, second] = journey([shared, shared]) as [object, object]
    assert.strictEqual(first, second)
    const node: { self?: unknown; readonly children: Array<unknown> } = { children: [] }
    node.self = node
    node.children.push(new Map([[node, new Set([node])]]))
    const arrived = journey(node) as typeof node
    assert.strictEqual(arrived.self, arrived)
    const [[mapKey, members]] = arrived.children[0] as Map<unknown, Set<unknown>> as unknown as [
      [unknown, Set<unknown>]
    ]
    assert.strictEqual(mapKey, arrived)
    assert.isTrue(members.has(arrived))
  })

  it("what cannot travel is refused with its path", () => {
    class Point {
      readonly x = 1
    }
    class Names extends Map<string, string> {}
    class Failure extends Error {}
    class Bytes extends Uint8Array {}
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [[1, 2, 3, { callback: () => 1 }], "items[3].callback: a function"],
      [{ "two words": [Symbol("s")] }, `items["two words"][0]: a symbol`],
      [Promise.resolve(1), "items: a promise"],
      [new WeakMap(), "items: an instance of WeakMap"],
      [{ at: new Point() }, "items.at: an instance of Point"],
      [new Map([["on", () => 1]]), `items.get("on"): a function`],
      [new Map([[{}, [Symbol.iterator]]]), "items.entry(0).value[0]: a symbol"],
      [new Map([[() => 1, 1]]), "items.entry(0).key: a function"],
      [new Set([1, () => 1]), "items.member(1): a function"],
      [new Names(), "items: an instance of Names"],
      [new Failure("x"), "items: an instance of Failure"],
      [new Error("x", { cause: () => 1 }), "items.cause: a function"],
      [new Bytes(2), "items: an instance of Bytes"],
      [new URL("http://localhost"), "items: an instance of URL"],
      [new SharedArrayBuffer(1), "items: an instance of SharedArrayBuffer"],
      [Object.create({ inherited: 1 }), "items: an instance of Object"],
      [Object("boxed"), "items: an instance of String"],
      [Object.assign([1], { extra: 1 }), `items: an array with the property "extra"`],
      ["ab".match(/a/), `items: an array with the property "index"`],
      [{ [Symbol.iterator]: 1 }, "items: an object with the symbol Symbol(Symbol.iterator) among its properties"],
      [
        Object.defineProperty({}, "x", {
          enumerable: true,
          get: () => {
            throw new Error("no")
          }
        }),
        "items: a value that throws when it is read (Error: no)"
      ]
    ]
    for (const [value, expected] of cases) assert.strictEqual(refusal(value, "items"), expected)
  })

  it("nesting has a limit on both sides, well before the stack has", () => {
    const nested = (depth: number): unknown => {
      let value: unknown = 0
      for (let level = 0; level < depth; level++) value = [value]
      return value
    }
    assert.isTrue(isDeepStrictEqual(journey(nested(1000)), nested(1000)))
    assert.match(refusal(nested(1001)), /nested more than 1000 deep$/)
    const tooDeep = new Uint8Array(3000).fill(1)
    for (let at = 0; at < tooDeep.length; at += 2) tooDeep[at] = 10
    assert.isTrue(Result.isFailure(Value.decode(tooDeep)))
  })

  it("bytes that are cut short or altered give an error, or another value, and nothing else", () => {
    fc.assert(
      fc.property(anything, fc.nat(), fc.nat({ max: 255 }), (value, position, byte) => {
        const good = encoded(value)
        for (let length = 0; length < good.length; length += 1 + Math.floor(good.length / 20)) {
          assert.isTrue(Result.isFailure(Value.decode(good.subarray(0, length))), `${length} of ${good.length} bytes`)
        }
        const altered = good.slice()
        altered[position % altered.length] = byte
        Value.decode(altered)
        assert.isTrue(Result.isFailure(Value.decode(new Uint8Array([...good, 0]))))
      })
    )
  })

  it("random bytes give an error or a value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => void Value.decode(noise)),
      { numRuns: 2000 }
    )
  })

  it("a claimed size costs nothing when the bytes are not there", () => {
    for (const tag of [6, 7, 10, 12, 14, 15, 19, 20]) {
      assert.isTrue(Result.isFailure(Value.decode(Uint8Array.of(tag, 0xff, 0xff, 0xff, 0xff, 0x0f))))
    }
  })
})
