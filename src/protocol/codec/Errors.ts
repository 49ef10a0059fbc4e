/**
 * What can be wrong with a peer's bytes.
 */
import * as Schema from "effect/Schema"
import * as Packet from "../Packet.ts"

/**
 * The connection's bytes are not Gearman: the first four bytes of a packet are
 * neither `\0REQ` nor `\0RES`, or a text line came where none is understood.
 * Nothing after this point can be decoded; close the connection.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const failure = new Codec.Decoder({ packet: () => {} }).push(Uint8Array.of(0, 1, 2, 3))
 * if (failure?._tag === "BadMagic") console.log(failure.message)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class BadMagic extends Schema.TaggedError<BadMagic>("effect-gearman/Codec/BadMagic")("BadMagic", {
  /** Position of the packet's first byte, counted from the connection's start. */
  offset: Schema.Number,
  magic: Schema.Uint8Array
}) {
  override get message() {
    const hex = Array.from(this.magic, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
    return `byte ${this.offset} starts no packet: found ${hex}, expected 00 52 45 51 (\\0REQ) or 00 52 45 53 (\\0RES)`
  }
}

/**
 * A packet's type number does not exist. The connection cannot go on.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const failure = new Codec.Decoder({ packet: () => {} }).push(Uint8Array.of(0, 0x52, 0x45, 0x51, 0, 0, 0, 99))
 * if (failure?._tag === "UnknownType") console.log(failure.type) // 99
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownType extends Schema.TaggedError<UnknownType>("effect-gearman/Codec/UnknownType")("UnknownType", {
  offset: Schema.Number,
  type: Schema.Number
}) {
  override get message() {
    return `the packet at byte ${this.offset} has type ${this.type}; types are 1 to ${Packet.highestType}`
  }
}

/**
 * A packet's declared length, or a text line, is over the limit. Nothing of that size
 * was allocated. The connection cannot go on.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const decoder = new Codec.Decoder({ packet: () => {} }, { maxPacketBytes: 8, maxLineBytes: 80 })
 * const failure = decoder.push(Uint8Array.of(0, 0x52, 0x45, 0x51, 0, 0, 0, 9, 0, 0, 0, 9))
 * if (failure?._tag === "TooLarge") console.log(failure.limitBytes) // 8
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class TooLarge extends Schema.TaggedError<TooLarge>("effect-gearman/Codec/TooLarge")("TooLarge", {
  offset: Schema.Number,
  what: Schema.Literals(["packet", "line"]),
  bytes: Schema.Number,
  limitBytes: Schema.Number
}) {
  override get message() {
    return `the ${this.what} at byte ${this.offset} has ${this.bytes} bytes or more; the limit is ${this.limitBytes}`
  }
}

/**
 * A packet's body lacks the NULs that separate its fields. The packet is lost, the
 * connection is not: the next packet begins where the length says.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const describe = (frame: Codec.Frame) => {
 *   const packet = Codec.toPacket(frame)
 *   return packet._tag === "MissingFields" ? `${packet.found} of ${packet.expected} fields` : packet._tag
 * }
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class MissingFields extends Schema.TaggedError<MissingFields>("effect-gearman/Codec/MissingFields")(
  "MissingFields",
  {
    type: Schema.Number,
    expected: Schema.Number,
    found: Schema.Number
  }
) {
  override get message() {
    return `a ${Packet.nameOf(this.type)} packet has ${this.found} of ${this.expected} fields; each but the last ends in a NUL`
  }
}

/**
 * Errors after which a connection's bytes make no sense any more.
 *
 * @since 0.1.0
 * @category errors
 */
export type FatalError = BadMagic | UnknownType | TooLarge

/**
 * Anything that can be wrong with a peer's bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export type DecodeError = FatalError | MissingFields
