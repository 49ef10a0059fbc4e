/**
 * Properties of the codec: what is encoded is decoded again, however the bytes were
 * cut, and nothing that comes in makes it do anything but decode or refuse.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { concat, cut, decode, message, names, packet, packetOf, sizes } from "./codec-arbitraries.ts"

const expected = (messages: ReadonlyArray<{ readonly packet?: Packet.Packet; readonly line?: string }>) =>
  messages.map((message) => message.packet ?? message.line)

describe("Codec, properties", () => {
  for (const name of names) {
    it(`${name} survives the journey in both directions`, () => {
      fc.assert(
        fc.property(packetOf(name), (packet) => {
          assert.deepStrictEqual(decode([Codec.encode(packet)]), { found: [packet], error: undefined, pendingBytes: 0 })
        }),
        { numRuns: 50 }
      )
    })
  }

  it("finds the same packets and lines for every way of cutting the stream", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), sizes, (messages, sizes) => {
        const bytes = concat(messages.map((message) => message.bytes))
        assert.deepStrictEqual(decode(cut(bytes, sizes)), {
          found: expected(messages) as never,
          error: undefined,
          pendingBytes: 0
        })
      }),
      { numRuns: 1000 }
    )
  })

  it("finds the same for each single cut and byte by byte", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
        const bytes = concat(messages.map((message) => message.bytes))
        const found = expected(messages) as never
        assert.deepStrictEqual(decode(cut(bytes, [1])).found, found)
        for (let at = 0; at <= bytes.length; at++) {
          assert.deepStrictEqual(decode([bytes.subarray(0, at), bytes.subarray(at)]).found, found)
        }
      }),
      { numRuns: 60 }
    )
  })

  it("says the same of arbitrary bytes for every way of cutting them", () => {
    const limits = { maxPacketBytes: 300, maxLineBytes: 40 }
    const broken = fc
      .tuple(
        fc.array(message, { maxLength: 5 }),
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.nat(2000), { maxLength: 3 })
      )
      .map(([messages, garbage, flips]) => {
        const bytes = concat([...messages.map((message) => message.bytes), garbage])
        for (const flip of flips) if (bytes.length > 0) bytes[flip % bytes.length]! ^= 1 << (flip % 8)
        return bytes
      })
    fc.assert(
      fc.property(broken, sizes, (bytes, sizes) => {
        const whole = decode([bytes], limits)
        const parts = decode(cut(bytes, sizes), limits)
        assert.deepStrictEqual(parts.found, whole.found)
        assert.strictEqual(parts.error?.message, whole.error?.message)
        if (whole.error === undefined) assert.strictEqual(parts.pendingBytes, whole.pendingBytes)
      }),
      { numRuns: 2000 }
    )
  })

  it("stays in step when a packet lacks its separators", () => {
    fc.assert(
      fc.property(packet, packet, fc.nat(), (broken, next, at) => {
        const bytes = Codec.encode(broken)
        const fields = Packet.definitions[broken._tag].fields.length
        fc.pre(fields > 1)
        // Dropping a separator joins two fields; the length says so, hence no bytes are missing.
        const first = Codec.headerBytes + (Object.values(broken)[2] as Uint8Array).length
        const body = concat([bytes.slice(Codec.headerBytes, first), Uint8Array.of(1 + (at % 255))])
        const packetBytes = new Uint8Array(Codec.headerBytes + body.length)
        Codec.writeHeader(packetBytes, 0, false, Packet.PacketType[broken._tag], body.length)
        packetBytes.set(body, Codec.headerBytes)
        const { error, found } = decode([concat([packetBytes, Codec.encode(next)])])
        assert.strictEqual(error, undefined)
        assert.strictEqual((found[0] as Codec.MissingFields)._tag, "MissingFields")
        assert.deepStrictEqual(found[1], next)
      })
    )
  })

  it("drops what is too large, wherever it is cut, and finds all that comes before and after", () => {
    const maxPacketBytes = 200
    const large = fc.integer({ min: maxPacketBytes + 1, max: 3000 }).map((bodyBytes) => {
      const bytes = new Uint8Array(Codec.headerBytes + bodyBytes).fill(0xab)
      Codec.writeHeader(bytes, 0, true, Packet.PacketType.WORK_DATA, bodyBytes)
      // Whoever takes the rest for packets is misled.
      for (let at = Codec.headerBytes + 40; at + 12 <= bytes.length; at += 40) {
        Codec.writeHeader(bytes, at, true, Packet.PacketType.NOOP, 0)
      }
      return { bytes, told: `${bodyBytes} ${Math.min(bodyBytes, 1024)}` }
    })
    const small = packet
      .map((packet) => ({ bytes: Codec.encode(packet), told: packet._tag as string }))
      .filter(({ bytes }) => bytes.length <= Codec.headerBytes + maxPacketBytes)
    fc.assert(
      fc.property(fc.array(fc.oneof(large, small), { maxLength: 8 }), sizes, (messages, sizes) => {
        const found: Array<string> = []
        const decoder = new Codec.Decoder(
          {
            packet: (frame) => found.push(Packet.nameOf(frame.type)!),
            oversized: (frame, bodyBytes) => {
              found.push(`${bodyBytes} ${frame.end - frame.start}`)
              return true
            }
          },
          { ...Codec.defaultLimits, maxPacketBytes }
        )
        const all = concat(messages.map(({ bytes }) => bytes))
        for (const chunk of cut(all, sizes)) assert.isUndefined(decoder.push(chunk))
        assert.deepStrictEqual(
          found,
          messages.map(({ told }) => told)
        )
        assert.strictEqual(decoder.pendingBytes, 0)
      }),
      { numRuns: 1000 }
    )
  })

  it("refuses what is too large where nobody wants it to go on", () => {
    const bytes = new Uint8Array(Codec.headerBytes + 20)
    Codec.writeHeader(bytes, 0, true, Packet.PacketType.WORK_DATA, 20)
    const decoder = new Codec.Decoder(
      { packet: () => {}, oversized: () => false },
      { maxPacketBytes: 10, maxLineBytes: 80 }
    )
    assert.strictEqual(decoder.push(bytes)?._tag, "TooLarge")
  })

  it("turns any bytes into a key and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.deepStrictEqual(Codec.fromLatin1(Codec.latin1(bytes)), bytes)
      })
    )
  })
})
