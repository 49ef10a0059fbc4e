/**
 * The codec's rules one by one: sizes, hostile headers, early refusal, halting, and
 * that nothing it keeps points into a chunk it was given.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import * as Coverage from "./coverage.ts"

const coverage = await Coverage.begin()

const bytes = Codec.fromLatin1

const header = (magic: string, type: number, length: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(12))
  bytes(magic).forEach((byte, at) => view.setUint8(at, byte))
  view.setUint32(4, type)
  view.setUint32(8, length)
  return new Uint8Array(view.buffer)
}

const collect = (limits: Codec.Limits = Codec.defaultLimits) => {
  const found: Array<unknown> = []
  const decoder = new Codec.Decoder(
    { packet: (frame) => found.push(Codec.toPacket(frame)), line: (line) => found.push(line) },
    limits
  )
  return { decoder, found }
}

describe("Packet", () => {
  it("knows each number by one name, and no other number", () => {
    const numbers = Object.values(Packet.PacketType)
    assert.deepStrictEqual(
      [...numbers].sort((a, b) => a - b),
      Array.from({ length: 42 }, (_, index) => index + 1)
    )
    for (const [name, number] of Object.entries(Packet.PacketType)) {
      assert.strictEqual(Packet.nameOf(number), name)
      assert.strictEqual(Packet.fieldCounts[number], Packet.definitions[name as Packet.Name].fields.length)
    }
    assert.strictEqual(Packet.nameOf(0), undefined)
    assert.strictEqual(Packet.nameOf(43), undefined)
  })

  it("takes text as UTF-8 and gives it back", () => {
    const packet = Packet.response("ERROR", { code: "QUEUE_ERROR", text: "größer" })
    assert.strictEqual(packet.magic, "RES")
    assert.strictEqual(packet.text.length, 8)
    assert.strictEqual(Packet.toText(packet.text), "größer")
  })
})

describe("Codec", () => {
  it("writes the protocol's own example", () => {
    const submit = Packet.request("SUBMIT_JOB", { function: "reverse", unique: "", workload: "test" })
    assert.deepStrictEqual(Codec.encode(submit), bytes("\0REQ\0\0\0\x07\0\0\0\x0dreverse\0\0test"))
    assert.deepStrictEqual(Codec.encode(Packet.response("NO_JOB", {})), bytes("\0RES\0\0\0\x0a\0\0\0\0"))
  })

  it("writes lengths over 16 bits", () => {
    const bytesOfHeader = new Uint8Array(12)
    Codec.writeHeader(bytesOfHeader, 0, false, 16, 0x01020304)
    assert.deepStrictEqual(bytesOfHeader, header("\0REQ", 16, 0x01020304))
    const data = new Uint8Array(0x012345)
    const encoded = Codec.encode(Packet.request("ECHO_REQ", { data }))
    assert.deepStrictEqual(encoded.slice(0, 12), header("\0REQ", 16, 0x012345))
    const { decoder, found } = collect()
    for (let at = 0; at < encoded.length; at += 4000) decoder.push(encoded.subarray(at, at + 4000))
    assert.deepStrictEqual(found, [Packet.request("ECHO_REQ", { data })])
    assert.strictEqual(decoder.pendingBytes, 0)
  })

  it("ignores a body where the type has no fields", () => {
    const { decoder, found } = collect()
    decoder.push(bytes("\0REQ\0\0\0\x09\0\0\0\x04junk\0REQ\0\0\0\x04\0\0\0\0"))
    assert.deepStrictEqual(found, [Packet.request("GRAB_JOB", {}), Packet.request("PRE_SLEEP", {})])
  })

  it("reads text and packets on one connection, and drops one carriage return", () => {
    const { decoder, found } = collect()
    decoder.push(bytes("status\n\0REQ\0\0\0\x09\0\0\0\0\r\n\nworkers\r\r\n"))
    assert.deepStrictEqual(found, ["status", Packet.request("GRAB_JOB", {}), "", "", "workers\r"])
  })

  it("finds the same whether a header comes word by word or a chunk holds the end of one packet and the start of the next", () => {
    const packet = Packet.response("JOB_ASSIGN", { handle: "H:1", function: "f", workload: "" })
    const stream = Codec.fromLatin1(Codec.latin1(Codec.encode(packet)).repeat(3))
    for (const size of [1, 2, 4, 8, 12, 20, 25, stream.length]) {
      const { decoder, found } = collect()
      for (let at = 0; at < stream.length; at += size) decoder.push(stream.subarray(at, at + size))
      assert.deepStrictEqual(found, [packet, packet, packet])
    }
  })

  it("tells which fields a packet lacks", () => {
    const { decoder, found } = collect()
    decoder.push(bytes("\0REQ\0\0\0\x07\0\0\0\x06func\0u"))
    const missing = found[0] as Codec.MissingFields
    assert.deepStrictEqual([missing._tag, missing.type, missing.expected, missing.found], ["MissingFields", 7, 3, 2])
    assert.strictEqual(missing.message, "a SUBMIT_JOB packet has 2 of 3 fields; each but the last ends in a NUL")
  })

  it("lets a receiver read fields as views, copies and keys", () => {
    const seen: Array<unknown> = []
    const decoder = new Codec.Decoder({
      packet: (frame) => {
        assert.isTrue(frame.isResponse)
        assert.strictEqual(frame.split(), 3)
        const view = frame.field(2)
        assert.strictEqual(view.buffer, frame.bytes.buffer)
        assert.strictEqual(frame.fieldEnd(2) - frame.fieldStart(2), frame.fieldLength(2))
        seen.push(frame.key(0), frame.copy(1), Codec.latin1(view))
      }
    })
    const workload = "w".repeat(50)
    decoder.push(
      Codec.encode(Packet.response("JOB_ASSIGN", { handle: "H:1", function: Uint8Array.of(0xff, 1), workload }))
    )
    assert.deepStrictEqual(seen, ["H:1", Uint8Array.of(0xff, 1), workload])
  })

  describe("refuses", () => {
    it("bad magic as soon as four bytes are there", () => {
      const { decoder } = collect()
      decoder.push(Codec.encode(Packet.request("GRAB_JOB", {})))
      assert.strictEqual(decoder.push(bytes("\0BA")), undefined)
      const error = decoder.push(bytes("D")) as Codec.BadMagic
      assert.strictEqual(error._tag, "BadMagic")
      assert.strictEqual(error.offset, 12)
      assert.include(error.message, "byte 12 starts no packet: found 00 42 41 44")
    })

    it("every kind of wrong magic", () => {
      for (const magic of ["\0XEQ", "\0RXQ", "\0REX", "\0RE\0"]) {
        assert.strictEqual(collect().decoder.push(bytes(magic))?._tag, "BadMagic")
      }
      assert.strictEqual(collect().decoder.push(bytes("\0REQ")), undefined)
      assert.strictEqual(collect().decoder.push(bytes("\0RES")), undefined)
    })

    it("types that do not exist, also with the top bit set, as soon as they are read", () => {
      for (const type of [0, 43, 0x7fffffff, 0x80000000, 0x80000007, 0xffffffff]) {
        const error = collect().decoder.push(header("\0REQ", type, 0).subarray(0, 8)) as Codec.UnknownType
        assert.strictEqual(error._tag, "UnknownType")
        assert.strictEqual(error.type, type)
        assert.include(error.message, `has type ${type}; types are 1 to 42`)
      }
    })

    it("a length of 4 GiB at the header, without keeping anything", () => {
      const { decoder, found } = collect()
      const error = decoder.push(header("\0REQ", 16, 0xffffffff)) as Codec.TooLarge
      assert.strictEqual(error._tag, "TooLarge")
      assert.deepStrictEqual([error.what, error.bytes, error.limitBytes], ["packet", 0xffffffff, 64 * 1024 * 1024])
      assert.strictEqual(decoder.pendingBytes, 0)
      assert.deepStrictEqual(found, [])
    })

    it("a packet one byte over the limit, and takes one that fills it", () => {
      const limits = { maxPacketBytes: 10, maxLineBytes: 10 }
      const whole = collect(limits)
      assert.strictEqual(
        whole.decoder.push(Codec.encode(Packet.request("ECHO_REQ", { data: "0123456789" }))),
        undefined
      )
      assert.strictEqual(whole.found.length, 1)
      assert.strictEqual(collect(limits).decoder.push(header("\0REQ", 16, 11))?._tag, "TooLarge")
    })

    it("a line over the limit, however it comes, at the byte that fills it", () => {
      const limits = { maxPacketBytes: 10, maxLineBytes: 10 }
      const whole = collect(limits)
      assert.strictEqual(whole.decoder.push(bytes("012345678\n")), undefined)
      assert.deepStrictEqual(whole.found, ["012345678"])
      const error = collect(limits).decoder.push(bytes("0123456789\n")) as Codec.TooLarge
      assert.deepStrictEqual([error.what, error.bytes, error.limitBytes], ["line", 11, 10])
      assert.include(error.message, "the line at byte 0 has 11 bytes or more; the limit is 10")
      const slow = collect(limits)
      for (const byte of bytes("012345678")) assert.strictEqual(slow.decoder.push(Uint8Array.of(byte)), undefined)
      assert.strictEqual(slow.decoder.push(bytes("9"))?._tag, "TooLarge")
      assert.strictEqual(slow.decoder.pendingBytes <= 10, true)
    })

    it("text where none is understood, at its first byte", () => {
      const decoder = new Codec.Decoder({ packet: () => assert.fail("no packet was sent") })
      const error = decoder.push(bytes("HTTP/1.1")) as Codec.BadMagic
      assert.strictEqual(error._tag, "BadMagic")
      assert.include(error.message, "found 48 54 54 50")
    })

    it("everything after an error, with the same error", () => {
      const { decoder, found } = collect()
      const error = decoder.push(bytes("status\n\0BAD"))
      assert.strictEqual(decoder.push(bytes("status\n")), error)
      assert.deepStrictEqual(found, ["status"])
    })
  })

  it("hands over what came before an error in the same chunk", () => {
    const { decoder, found } = collect()
    assert.strictEqual(decoder.push(bytes("a\n\0REQ\0\0\0\x09\0\0\0\0\0nope"))?._tag, "BadMagic")
    assert.deepStrictEqual(found, ["a", Packet.request("GRAB_JOB", {})])
  })

  it("drops the rest of a chunk when its receiver halts it, also from within a held message", () => {
    for (const split of [0, 3, 7, 9]) {
      const lines: Array<string> = []
      const decoder: Codec.Decoder = new Codec.Decoder({
        packet: () => assert.fail("the line before it halted the decoder"),
        line: (line) => {
          lines.push(line)
          decoder.halt()
        }
      })
      const chunk = bytes("shutdown\n\0REQ\0\0\0\x09\0\0\0\0more")
      assert.strictEqual(decoder.push(chunk.subarray(0, split)), undefined)
      assert.strictEqual(decoder.push(chunk.subarray(split)), undefined)
      assert.strictEqual(decoder.push(bytes("status\n")), undefined)
      assert.deepStrictEqual(lines, ["shutdown"])
      assert.strictEqual(decoder.pendingBytes, 0)
    }
  })

  it("grows with the bytes that came, not with the length that a header claims", () => {
    const before = process.memoryUsage().arrayBuffers
    const decoders = Array.from({ length: 500 }, () => collect().decoder)
    for (const decoder of decoders) {
      assert.strictEqual(decoder.push(header("\0REQ", 16, 64 * 1024 * 1024)), undefined)
      assert.strictEqual(decoder.pendingBytes, 12)
    }
    for (const decoder of decoders) decoder.push(new Uint8Array(1_000))
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 16 * 1024 * 1024)
  })

  it("lets a large packet that came in pieces be kept without a copy, and no other", () => {
    const body = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
    const large = Codec.encode(Packet.request("ECHO_REQ", { data: body }))
    const small = Codec.encode(Packet.request("ECHO_REQ", { data: body.subarray(0, 1_000) }))
    const kept: Array<Uint8Array> = []
    const decoder = new Codec.Decoder({ packet: (frame) => kept.push(frame.keep(frame.start, frame.end)) })
    const chunk = new Uint8Array(65_536)
    const push = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; at += chunk.length) {
        const piece = bytes.subarray(at, at + chunk.length)
        chunk.set(piece)
        decoder.push(chunk.subarray(0, piece.length))
        chunk.fill(255)
      }
    }
    for (const bytes of [large, small, large, small]) push(bytes)
    push(small.subarray(0, 500))
    push(small.subarray(500))
    const [one, two] = [body, body.subarray(0, 1_000)]
    assert.deepStrictEqual(kept, [one, two, one, two, two])
    assert.deepStrictEqual(
      kept.map((bytes) => bytes.byteOffset > 0),
      [true, false, true, false, false]
    )
  })

  it("has lent memory for large packets, and gives back what nobody keeps", () => {
    const lent = new Set<Uint8Array>()
    const memory: Codec.Memory = {
      take: (bytes) => {
        const buffer = new Uint8Array(bytes * 2).fill(255)
        lent.add(buffer)
        return buffer
      },
      give: (buffer) => assert.isTrue(lent.delete(buffer))
    }
    const kept: Array<Uint8Array> = []
    let keeps = false
    const receiver = { packet: (frame: Codec.Frame) => void (keeps && kept.push(frame.keep(frame.start, frame.end))) }
    const decoder = new Codec.Decoder(receiver, Codec.defaultLimits, memory)
    const body = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
    const large = Codec.encode(Packet.request("ECHO_REQ", { data: body }))
    for (const isKept of [false, true, false]) {
      keeps = isKept
      decoder.push(large.subarray(0, 5_000))
      decoder.push(large.subarray(5_000, 150_000))
      assert.isAbove(lent.size, kept.length)
      decoder.push(large.subarray(150_000))
      assert.strictEqual(lent.size, kept.length)
    }
    assert.deepStrictEqual(kept, [body])
    assert.deepStrictEqual(
      Array.from(lent, ({ buffer }) => buffer),
      [kept[0]!.buffer]
    )
  })

  it("gives a large buffer back once its packet is through", () => {
    const { decoder, found } = collect()
    const large = Codec.encode(Packet.request("ECHO_REQ", { data: new Uint8Array(200_000) }))
    decoder.push(large.subarray(0, 100_000))
    assert.strictEqual(decoder.pendingBytes, 100_000)
    decoder.push(large.subarray(100_000))
    assert.strictEqual(decoder.pendingBytes, 0)
    decoder.push(large.subarray(0, 20))
    decoder.push(large.subarray(20))
    assert.strictEqual(found.length, 2)
  })
})

describe("these tests", () => {
  it("reach every branch of the codec", async () => {
    assert.deepStrictEqual(await coverage.unreached("src/protocol/Codec.ts"), [])
  })
})
