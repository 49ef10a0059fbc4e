/**
 * A job server that does only what a test says, for the answers that a real one gives
 * rarely or never.
 */
import * as Effect from "effect/Effect"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"

export interface Peer {
  readonly connection: Network.Connection
  readonly send: <N extends Packet.Name>(
    name: N,
    fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }
  ) => void
}

export type Script = (peer: Peer, packet: Packet.Packet) => void

/** Answers what every client and worker asks first; everything else is the script's. */
export const start = (address: Network.Address, script: Script) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const listener = yield* network.listen(address)
    const run = listener.run((connection) => {
      const peer: Peer = {
        connection,
        send: (name, fields) => connection.send([Codec.encode(Packet.response(name, fields))])
      }
      const decoder = new Codec.Decoder({
        packet: (frame) => {
          const packet = Codec.toPacket(frame) as Packet.Packet
          if (packet._tag === "OPTION_REQ") peer.send("OPTION_RES", { option: packet.option })
          else if (packet._tag === "ECHO_REQ") peer.send("ECHO_RES", { data: packet.data })
          else script(peer, packet)
        }
      })
      return Effect.ignore(connection.receive((bytes) => void decoder.push(bytes), { pauseAboveBytes: 1024 * 1024 }))
    })
    // It listens before it returns: whoever dials next gets through.
    return yield* Effect.forkScoped(run)
  })
