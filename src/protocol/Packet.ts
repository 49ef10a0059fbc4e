/**
 * The 42 packet types of the Gearman protocol: their numbers, names, fields and
 * directions, and the typed values the client, the worker and tests work with.
 *
 * The job server's hot path does not build these values; it reads fields straight
 * from a `Codec.Frame`. Both are derived from the one table below.
 *
 * @since 0.1.0
 */

/**
 * `REQ` travels to a job server, `RES` comes from one.
 *
 * @since 0.1.0
 * @category models
 */
export type Magic = "REQ" | "RES"

interface Definition<Fields extends ReadonlyArray<string>> {
  readonly number: number
  readonly fields: Fields
}

const define = <const Fields extends ReadonlyArray<string>>(number: number, ...fields: Fields): Definition<Fields> => ({
  number,
  fields
})

/**
 * Every packet type with its number and the names of its fields, in wire order.
 * Fields are separated by one NUL; the last one is the rest of the body and may
 * itself contain NULs. (Gearman protocol, "Binary Packet")
 *
 * Type 5 is reserved and never sent. The reduce submissions carry four fields
 * before the workload, as libgearman sends them, where the protocol text says three.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const { fields, number } = Packet.definitions.SUBMIT_JOB // 7; function, unique, workload
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const definitions = {
  CAN_DO: define(1, "function"),
  CANT_DO: define(2, "function"),
  RESET_ABILITIES: define(3),
  PRE_SLEEP: define(4),
  UNUSED: define(5),
  NOOP: define(6),
  SUBMIT_JOB: define(7, "function", "unique", "workload"),
  JOB_CREATED: define(8, "handle"),
  GRAB_JOB: define(9),
  NO_JOB: define(10),
  JOB_ASSIGN: define(11, "handle", "function", "workload"),
  WORK_STATUS: define(12, "handle", "numerator", "denominator"),
  WORK_COMPLETE: define(13, "handle", "data"),
  WORK_FAIL: define(14, "handle"),
  GET_STATUS: define(15, "handle"),
  ECHO_REQ: define(16, "data"),
  ECHO_RES: define(17, "data"),
  SUBMIT_JOB_BG: define(18, "function", "unique", "workload"),
  ERROR: define(19, "code", "text"),
  STATUS_RES: define(20, "handle", "known", "running", "numerator", "denominator"),
  SUBMIT_JOB_HIGH: define(21, "function", "unique", "workload"),
  SET_CLIENT_ID: define(22, "clientId"),
  CAN_DO_TIMEOUT: define(23, "function", "timeout"),
  ALL_YOURS: define(24),
  WORK_EXCEPTION: define(25, "handle", "data"),
  OPTION_REQ: define(26, "option"),
  OPTION_RES: define(27, "option"),
  WORK_DATA: define(28, "handle", "data"),
  WORK_WARNING: define(29, "handle", "data"),
  GRAB_JOB_UNIQ: define(30),
  JOB_ASSIGN_UNIQ: define(31, "handle", "function", "unique", "workload"),
  SUBMIT_JOB_HIGH_BG: define(32, "function", "unique", "workload"),
  SUBMIT_JOB_LOW: define(33, "function", "unique", "workload"),
  SUBMIT_JOB_LOW_BG: define(34, "function", "unique", "workload"),
  SUBMIT_JOB_SCHED: define(35, "function", "unique", "minute", "hour", "dayOfMonth", "month", "dayOfWeek", "workload"),
  SUBMIT_JOB_EPOCH: define(36, "function", "unique", "epoch", "workload"),
  SUBMIT_REDUCE_JOB: define(37, "function", "unique", "reducer", "aggregator", "workload"),
  SUBMIT_REDUCE_JOB_BACKGROUND: define(38, "function", "unique", "reducer", "aggregator", "workload"),
  GRAB_JOB_ALL: define(39),
  JOB_ASSIGN_ALL: define(40, "handle", "function", "unique", "reducer", "workload"),
  GET_STATUS_UNIQUE: define(41, "unique"),
  STATUS_RES_UNIQUE: define(42, "unique", "known", "running", "numerator", "denominator", "clients")
} as const

/**
 * The name of a packet type, as the protocol spells it.
 *
 * @since 0.1.0
 * @category models
 */
export type Name = keyof typeof definitions

/**
 * The field names of a packet type.
 *
 * @since 0.1.0
 * @category models
 */
export type Field<N extends Name> = (typeof definitions)[N]["fields"][number]

/**
 * A decoded packet: its name, its direction, and each field as bytes it owns.
 *
 * @since 0.1.0
 * @category models
 */
export type Packet<N extends Name = Name> = N extends Name
  ? { readonly _tag: N; readonly magic: Magic } & { readonly [F in Field<N>]: Uint8Array }
  : never

/**
 * What the constructors take for a field: bytes as they are, or a string that is
 * sent as UTF-8. A field that is not the last one must not contain a NUL.
 *
 * @since 0.1.0
 * @category models
 */
export type FieldInput = string | Uint8Array

/**
 * Highest type number that exists.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const isType = (number: number) => number >= 1 && number <= Packet.highestType
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const highestType = 42

/**
 * Type numbers by name: `PacketType.SUBMIT_JOB` is 7.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const isEnd = (type: number) => type === Packet.PacketType.WORK_COMPLETE || type === Packet.PacketType.WORK_FAIL
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const PacketType = Object.fromEntries(
  Object.entries(definitions).map(([name, definition]) => [name, definition.number])
) as { readonly [N in Name]: number }

const namesByNumber: ReadonlyArray<Name | undefined> = (() => {
  const names: Array<Name | undefined> = Array.from({ length: highestType + 1 }, () => undefined)
  for (const [name, definition] of Object.entries(definitions)) names[definition.number] = name as Name
  return names
})()

/**
 * The name of a type number, or `undefined` for a number that does not exist.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const name = Packet.nameOf(9) // "GRAB_JOB"
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const nameOf = (type: number): Name | undefined => namesByNumber[type]

/**
 * How many fields a packet type carries, by type number; one less is the number of
 * NULs that separate them.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const count = Packet.fieldCounts[Packet.PacketType.JOB_ASSIGN] // 3
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const fieldCounts: ReadonlyArray<number> = namesByNumber.map((name) =>
  name === undefined ? 0 : definitions[name].fields.length
)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Bytes of a field input; a string becomes UTF-8.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const bytes = Packet.toBytes("résumé") // 8 bytes
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toBytes = (input: FieldInput): Uint8Array =>
  typeof input !== "string" ? input : input.length > maxShortText ? encoder.encode(input) : shortToBytes(input)

// Names, uniques and handles: the encoder takes ten times as long, and memory outside V8's heap.
const maxShortText = 64

const shortToBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return encoder.encode(text)
    bytes[at] = code
  }
  return bytes
}

/**
 * A field as text, read as UTF-8; malformed sequences become U+FFFD.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const text = Packet.toText(Uint8Array.of(0x68, 0x69)) // "hi"
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toText = (bytes: Uint8Array): string => decoder.decode(bytes)

/**
 * Builds a packet of either direction. Prefer `request` and `response`.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const packet = Packet.make("RES", "JOB_CREATED", { handle: "H:1" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <N extends Name>(
  magic: Magic,
  name: N,
  fields: { readonly [F in Field<N>]: FieldInput }
): Packet<N> => {
  const packet: Record<string, unknown> = { _tag: name, magic }
  for (const field of definitions[name].fields) {
    packet[field] = toBytes((fields as Record<string, FieldInput>)[field]!)
  }
  return packet as Packet<N>
}

/**
 * A packet that travels to a job server.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const submit = Packet.request("SUBMIT_JOB", { function: "reverse", unique: "", workload: "hello" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const request = <N extends Name>(name: N, fields: { readonly [F in Field<N>]: FieldInput }): Packet<N> =>
  make("REQ", name, fields)

/**
 * A packet that comes from a job server.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 *
 * const packet = Packet.response("JOB_CREATED", { handle: "H:1" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const response = <N extends Name>(name: N, fields: { readonly [F in Field<N>]: FieldInput }): Packet<N> =>
  make("RES", name, fields)
