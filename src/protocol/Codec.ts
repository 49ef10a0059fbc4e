/**
 * Bytes to packets and back.
 *
 * The decoder is incremental and strict by packet length: whatever way the bytes are
 * split, it finds the same packets. It works on the caller's chunk while a packet lies
 * whole in it, and copies only what is left over at a chunk's end, so nothing it keeps
 * points into a buffer that will be reused. What it hands out, a `Frame`, is a cursor
 * that is valid only during the call; take `field(i)` for a view, `copy(i)` to keep bytes.
 *
 * A job server's connection may also carry lines of the text protocol; a message is a
 * line when its first byte is not NUL.
 *
 * @since 0.1.0
 */
import { MissingFields } from "./codec/Errors.ts"
import type { Frame } from "./codec/Frame.ts"
import { headerBytes, writeHeader } from "./codec/Header.ts"
import * as Packet from "./Packet.ts"

export { Decoder, defaultLimits, type Limits, type Memory, type Receiver } from "./codec/Decoder.ts"
export { BadMagic, type DecodeError, type FatalError, MissingFields, TooLarge, UnknownType } from "./codec/Errors.ts"
export { Frame, fromLatin1, latin1 } from "./codec/Frame.ts"
export { headerBytes, writeHeader } from "./codec/Header.ts"

/**
 * The packet in a frame, with fields of its own, or what it lacks.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const decoder = new Codec.Decoder({
 *   packet: (frame) => {
 *     const packet = Codec.toPacket(frame)
 *     console.log(packet._tag === "MissingFields" ? packet.message : packet)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toPacket = (frame: Frame): Packet.Packet | MissingFields => {
  const name = Packet.nameOf(frame.type)!
  const fields: ReadonlyArray<string> = Packet.definitions[name].fields
  const found = frame.split(fields.length)
  if (found < fields.length) return new MissingFields({ type: frame.type, expected: fields.length, found })
  const packet: Record<string, unknown> = { _tag: name, magic: frame.isResponse ? "RES" : "REQ" }
  for (let index = 0; index < fields.length; index++) packet[fields[index]!] = frame.copy(index)
  return packet as Packet.Packet
}

/**
 * A packet's bytes. A NUL inside any field but the last would shift the fields after
 * it; the constructors of the library check names and uniques before they get here.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 * import * as Packet from "effect-gearman/Packet"
 *
 * const bytes = Codec.encode(Packet.request("CAN_DO", { function: "reverse" }))
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (packet: Packet.Packet): Uint8Array => {
  const { fields, number } = Packet.definitions[packet._tag] as {
    readonly number: number
    readonly fields: ReadonlyArray<string>
  }
  const values = packet as unknown as Record<string, Uint8Array>
  let bodyBytes = Math.max(0, fields.length - 1)
  for (const field of fields) bodyBytes += values[field]!.length
  const bytes = new Uint8Array(headerBytes + bodyBytes)
  writeHeader(bytes, 0, packet.magic === "RES", number, bodyBytes)
  let at = headerBytes
  for (const field of fields) {
    bytes.set(values[field]!, at)
    at += values[field]!.length + 1
  }
  return bytes
}
