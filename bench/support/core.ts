/**
 * The job server's state machine without sockets, for benches that measure it by itself:
 * packets to push into it, and connections that take all it says and count it.
 */
import * as Codec from "../../src/protocol/Codec.ts"
import { JobServerCore } from "../../src/protocol/server/JobServerCore.ts"
import type { Options } from "../../src/protocol/server/Options.ts"

export const request = (type: number, ...fields: ReadonlyArray<string>): Uint8Array => {
  const body = fields.join("\0")
  const packet = new Uint8Array(Codec.headerBytes + body.length)
  Codec.writeHeader(packet, 0, false, type, body.length)
  packet.set(Codec.fromLatin1(body), Codec.headerBytes)
  return packet
}

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const now = { monotonicMillis: 0, wallMillis: 0 }

export class Core {
  readonly core: JobServerCore
  /** Bytes that all connections were sent. */
  sentBytes = 0

  constructor(options: Partial<Options> = {}) {
    this.core = new JobServerCore(options, { handlePrefix: "H", merging: 1 })
  }

  connect(): Connection {
    return new Connection(this)
  }
}

export class Connection {
  private readonly owner: Core
  private readonly session
  private readonly decoder: Codec.Decoder

  constructor(owner: Core) {
    this.owner = owner
    const { core } = owner
    const session = core.connected(
      {
        peerHost: "127.0.0.1",
        send: (chunks) => {
          for (const chunk of chunks) owner.sentBytes += chunk.length
        },
        unsentBytes: () => 0,
        end: () => {},
        destroy: () => {}
      },
      now
    )!
    this.session = session
    this.decoder = new Codec.Decoder({
      packet: (frame) => core.received(session, frame, now),
      line: (line) => core.line(session, line, now)
    })
  }

  /** Bytes arrive together, and what they ask for is answered. */
  push(bytes: Uint8Array): void {
    this.decoder.push(bytes)
    this.owner.core.flush()
  }

  close(): void {
    this.owner.core.disconnected(this.session, now)
    this.owner.core.flush()
  }
}
