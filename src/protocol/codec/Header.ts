/**
 * The bytes before a packet's body.
 */

/**
 * Bytes before a packet's body: magic, type, length, four bytes each.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 *
 * const wholeBytes = (bodyBytes: number) => Codec.headerBytes + bodyBytes
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const headerBytes = 12

/**
 * Writes a packet's twelve header bytes.
 *
 * @example
 * ```ts
 * import * as Codec from "effect-gearman/Codec"
 * import * as Packet from "effect-gearman/Packet"
 *
 * const noJob = new Uint8Array(Codec.headerBytes)
 * Codec.writeHeader(noJob, 0, true, Packet.PacketType.NO_JOB, 0)
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const writeHeader = (
  into: Uint8Array,
  at: number,
  isResponse: boolean,
  type: number,
  bodyBytes: number
): void => {
  into[at] = 0
  into[at + 1] = 0x52
  into[at + 2] = 0x45
  into[at + 3] = isResponse ? 0x53 : 0x51
  into[at + 4] = 0
  into[at + 5] = 0
  into[at + 6] = 0
  into[at + 7] = type
  into[at + 8] = bodyBytes >>> 24
  into[at + 9] = bodyBytes >>> 16
  into[at + 10] = bodyBytes >>> 8
  into[at + 11] = bodyBytes
}
