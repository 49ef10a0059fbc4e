/** The machine's parts that are worth a look by themselves. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import * as Codec from "../../../src/protocol/Codec.ts"
import { Traffic } from "../../../src/protocol/server/Traffic.ts"
import { Buffers } from "../../../src/protocol/server/Buffers.ts"
import { Deadlines } from "../../../src/protocol/server/Deadlines.ts"
import { Fifo } from "../../../src/protocol/server/Fifo.ts"
import { drawPrefix, Handles } from "../../../src/protocol/server/Handles.ts"
import { parseInt64, parseUint32 } from "../../../src/protocol/server/Numbers.ts"
import { byReferenceBytes, Outbox } from "../../../src/protocol/server/Outbox.ts"
import { concat } from "./harness.ts"

interface Member {
  readonly number: number
  previous: Member | undefined
  next: Member | undefined
  dueMillis: number
  heapIndex: number
}

const member = (number: number): Member => ({
  number,
  previous: undefined,
  next: undefined,
  dueMillis: 0,
  heapIndex: -1
})

describe("Fifo", () => {
  it("behaves like a list from which anything may be taken", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.nat(9)), (operations) => {
        const members = Array.from({ length: 10 }, (_, id) => member(id))
        const fifo = new Fifo<Member>()
        let model: Array<number> = []
        for (const id of operations) {
          if (model.includes(id)) {
            model = model.filter((other) => other !== id)
            fifo.remove(members[id]!)
          } else if (id === 9) assert.strictEqual(fifo.shift()?.number, model.shift())
          else {
            model.push(id)
            fifo.push(members[id]!)
          }
          assert.deepStrictEqual(
            Array.from(fifo, (other) => other.number),
            model
          )
          assert.strictEqual(fifo.size, model.length)
          assert.strictEqual(fifo.last?.number, model.at(-1))
        }
      })
    )
  })
})

describe("Deadlines", () => {
  it("give what is due in the order of time, and nothing that was cleared", () => {
    const operation = FastCheck.tuple(FastCheck.nat(9), FastCheck.option(FastCheck.nat(9)))
    FastCheck.assert(
      FastCheck.property(FastCheck.array(operation), FastCheck.nat(9), (operations, now) => {
        const members = Array.from({ length: 10 }, (_, id) => member(id))
        const deadlines = new Deadlines<Member>()
        const model = new Map<number, number>()
        for (const [id, due] of operations) {
          if (due === null) {
            deadlines.clear(members[id]!)
            model.delete(id)
          } else {
            deadlines.set(members[id]!, due)
            model.set(id, due)
          }
          assert.strictEqual(deadlines.earliestMillis, Math.min(...model.values()))
        }
        const due: Array<number> = []
        for (let next = deadlines.takeDue(now); next !== undefined; next = deadlines.takeDue(now)) due.push(next.number)
        assert.deepStrictEqual(
          due,
          Array.from(model)
            .filter(([, time]) => time <= now)
            .toSorted((one, other) => one[1] - other[1] || one[0] - other[0])
            .map(([id]) => id)
        )
        assert.strictEqual(deadlines.size, model.size - due.length)
      })
    )
  })
})

describe("Handles", () => {
  it("read back every number they write, and nothing else", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.maxSafeNat(), FastCheck.boolean(), (large, hasConstantWidth) => {
        const handles = new Handles("H:x", hasConstantWidth)
        for (const number of [1, 9, 10, 99, 100, 999_999_999, 9_999_999_999, 10_000_000_000, large % 1e15]) {
          const handle = handles.textOf(number)
          assert.strictEqual(handle, `H:x:${hasConstantWidth ? `${number}`.padStart(10, "0") : number}`)
          const bytes = new Uint8Array(handles.bytesOf(number))
          handles.write(bytes, 0, number)
          assert.strictEqual(Codec.latin1(bytes), handle)
          assert.strictEqual(handles.numberOf(bytes, 0, bytes.length), number)
        }
      })
    )
    const handles = new Handles("H", false)
    for (const text of ["H:01", "H:", "H:-1", "H:1 ", "X:1", "H1", `H:${"1".repeat(16)}`]) {
      assert.strictEqual(handles.numberOf(Codec.fromLatin1(text), 0, text.length), -1, text)
    }
  })

  it("draw prefixes that differ between starts and that texts can carry", () => {
    const prefixes = Array.from({ length: 100 }, () => drawPrefix(Math.random))
    assert.strictEqual(new Set(prefixes).size, 100)
    for (const prefix of prefixes) assert.match(prefix, /^H:[0-9a-z]{12}$/)
  })
})

describe("numbers", () => {
  it("are read as C reads them", () => {
    const int64 = (text: string) => parseInt64(Codec.fromLatin1(text), 0, text.length)
    const uint32 = (text: string) => parseUint32(Codec.fromLatin1(text), 0, text.length)
    for (const [text, value] of [
      ["", 0],
      ["0", 0],
      ["-0", 0],
      ["12", 12],
      ["-12", -12],
      [" \t\n+12x", 12],
      ["- 1", 0],
      ["x", 0],
      ["00000000000000000000000000000012", 12],
      ["999999999999999", 999999999999999],
      ["-9223372036854775807", -(2 ** 63)],
      ["9223372036854779999", undefined],
      ["99999999999999999999", undefined]
    ] as const) {
      assert.strictEqual(int64(text), value, text)
    }
    for (const [text, value] of [
      ["4294967295", 4294967295],
      ["4294967296", 0],
      ["-1", 4294967295],
      ["-4294967296", 0],
      ["123456789012", 3197704724]
    ] as const) {
      assert.strictEqual(uint32(text), value, text)
    }
  })
})

describe("Outbox", () => {
  const part = FastCheck.oneof(
    FastCheck.uint8Array({ maxLength: 300 }),
    FastCheck.nat(70_000).map((length) => new Uint8Array(length).fill(length % 251))
  )

  it("sends the packets it was given, whatever their sizes, and does not touch what the transport holds", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(FastCheck.record({ bytes: part, flush: FastCheck.boolean(), unsent: FastCheck.nat(1) })),
        (writes) => {
          const held: Array<{ readonly chunk: Uint8Array; readonly copy: Uint8Array }> = []
          const sent: Array<Uint8Array> = []
          const expected: Array<Uint8Array> = []
          let unsent = 0
          const outbox = new Outbox(
            {
              peerHost: "",
              end: () => {},
              destroy: () => {},
              unsentBytes: () => unsent,
              send: (chunks) => {
                for (const chunk of chunks) {
                  const copy = Uint8Array.from(chunk)
                  sent.push(copy)
                  if (unsent > 0) held.push({ chunk, copy })
                }
              }
            },
            1e9,
            new Buffers(),
            new Traffic()
          )
          for (const write of writes) {
            const { bytes } = write
            const isLarge = bytes.length >= byReferenceBytes
            assert.isTrue(outbox.begin(16, bytes.length, isLarge ? 0 : bytes.length))
            if (isLarge) outbox.putReference(bytes)
            else outbox.put(bytes)
            const header = new Uint8Array(Codec.headerBytes)
            Codec.writeHeader(header, 0, true, 16, bytes.length)
            expected.push(header, bytes)
            if (!write.flush) continue
            unsent = write.unsent
            outbox.flush()
            assert.strictEqual(outbox.waitingBytes, 0)
          }
          outbox.flush()
          assert.deepStrictEqual(concat(sent), concat(expected))
          for (const { chunk, copy } of held) assert.deepStrictEqual(Uint8Array.from(chunk), copy)
        }
      )
    )
  })
})
