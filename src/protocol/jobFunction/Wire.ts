/**
 * Values to bytes and back, for each codec.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Wire, WireCodec } from "../JobFunction.ts"
import * as Packet from "../Packet.ts"

// Programs without types send what is neither, and nobody would notice at the other end.
const encodeBytes = Schema.encodeUnknownEffect(Schema.Uint8Array)
const encodeText = Schema.encodeUnknownEffect(Schema.String)

export const bytesWire: Wire<Uint8Array> = {
  encode: (bytes) => (bytes instanceof Uint8Array ? Effect.succeed(bytes) : encodeBytes(bytes)),
  decode: Effect.succeed
}

export const utf8Wire: Wire<string> = {
  encode: (text) =>
    typeof text === "string" ? Effect.succeed(Packet.toBytes(text)) : Effect.map(encodeText(text), Packet.toBytes),
  decode: (bytes) => Effect.succeed(Packet.toText(bytes))
}

export const wireOf = <A>(schema: Schema.Codec<A, unknown>, codec: WireCodec): Wire<A> => {
  if (codec === "bytes") {
    return { encode: asBytes(Schema.encodeEffect(schema)), decode: Schema.decodeUnknownEffect(schema) }
  }
  const text: Schema.Codec<A, unknown> = codec === "utf8" ? schema : Schema.fromJsonString(Schema.toCodecJson(schema))
  const encode = Schema.encodeEffect(text)
  const decode = Schema.decodeUnknownEffect(text)
  return {
    encode: (value) => Effect.map(encode(value), (encoded) => Packet.toBytes(encoded as string)),
    decode: (bytes) => decode(Packet.toText(bytes))
  }
}

const asBytes =
  <A>(encode: (value: A) => Effect.Effect<unknown, Schema.SchemaError>): Wire<A>["encode"] =>
  (value) =>
    Effect.map(encode(value), (encoded) => encoded as Uint8Array)
