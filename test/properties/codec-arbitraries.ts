/**
 * What the codec's properties are drawn from: every packet type in both directions,
 * text lines, and ways of cutting a stream of them into chunks.
 */
import * as fc from "fast-check"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"

export const names = Object.keys(Packet.definitions) as ReadonlyArray<Packet.Name>

const withoutNul = fc.uint8Array({ min: 1, maxLength: 20 })
// Headers and line ends inside a field must not be taken for the real ones.
const treacherous = fc.constantFrom("\0REQ\0\0\0\x09", "\n", "\r\n", "\0", "\0RES").map(Codec.fromLatin1)
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  treacherous,
  fc.uint8Array({ minLength: 200, maxLength: 600 })
)

/** A packet of the type; a field may hold a NUL only where it is the last. */
export const packetOf = (name: Packet.Name): fc.Arbitrary<Packet.Packet> => {
  const fields: ReadonlyArray<string> = Packet.definitions[name].fields
  return fc
    .tuple(
      fc.constantFrom<Packet.Magic>("REQ", "RES"),
      ...fields.map((_, index) => (index === fields.length - 1 ? anything : withoutNul))
    )
    .map(([magic, ...values]) =>
      Packet.make(magic, name, Object.fromEntries(fields.map((field, index) => [field, values[index]!])) as never)
    )
}

export const packet: fc.Arbitrary<Packet.Packet> = fc.constantFrom(...names).chain(packetOf)

/** A text line without its end: any bytes that neither end it nor make it a packet. */
export const line: fc.Arbitrary<string> = fc
  .array(
    fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 10),
    { maxLength: 30 }
  )
  .map((bytes) => String.fromCharCode(...bytes))
  .filter((text) => !text.endsWith("\r"))

/** What a decoder is to find, with the bytes that say it. */
export type Message =
  | { readonly _tag: "packet"; readonly packet: Packet.Packet; readonly bytes: Uint8Array }
  | { readonly _tag: "line"; readonly line: string; readonly bytes: Uint8Array }

export const message: fc.Arbitrary<Message> = fc.oneof(
  packet.map((packet): Message => ({ _tag: "packet", packet, bytes: Codec.encode(packet) })),
  fc
    .tuple(line, fc.constantFrom("\n", "\r\n"))
    .map(([line, end]): Message => ({ _tag: "line", line, bytes: Codec.fromLatin1(line + end) }))
)

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Cuts bytes into chunks of the sizes given, over and over; 0 gives an empty chunk. */
export const cut = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  return chunks
}

/** Sizes of chunks that make progress. */
export const sizes: fc.Arbitrary<ReadonlyArray<number>> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 700 })), { minLength: 1, maxLength: 12 })
  .filter((sizes) => sizes.some((size) => size > 0))

export interface Decoded {
  readonly found: ReadonlyArray<Packet.Packet | Codec.MissingFields | string>
  readonly error: Codec.FatalError | undefined
  readonly pendingBytes: number
}

/**
 * Decodes chunks through one buffer that is overwritten after each push, as a socket's
 * static read buffer is: whatever points into it afterwards shows as a wrong value.
 */
export const decode = (chunks: ReadonlyArray<Uint8Array>, limits: Codec.Limits = Codec.defaultLimits): Decoded => {
  const found: Array<Packet.Packet | Codec.MissingFields | string> = []
  const decoder = new Codec.Decoder(
    { packet: (frame) => found.push(Codec.toPacket(frame)), line: (line) => found.push(line) },
    limits
  )
  const shared = new Uint8Array(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  let error: Codec.FatalError | undefined
  for (const chunk of chunks) {
    shared.set(chunk)
    error = decoder.push(shared.subarray(0, chunk.length))
    shared.fill(0xee)
  }
  return { found, error, pendingBytes: decoder.pendingBytes }
}
