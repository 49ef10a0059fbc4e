/**
 * A job server without sockets: connections whose bytes go straight into the state machine
 * and whose answers are collected, and a clock that stands still until it is told.
 */
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { type Entrance, JobServerCore } from "../../../src/protocol/server/JobServerCore.ts"
import type { Options } from "../../../src/protocol/server/Options.ts"
import type { Peer } from "../../../src/protocol/server/Outbox.ts"
import type { Session } from "../../../src/protocol/server/Session.ts"

export class Connection {
  readonly session: Session
  readonly decoder: Codec.Decoder
  /** Chunks as the transport got them, and not yet read. */
  chunks: Array<Uint8Array> = []
  /** The last of them, not a copy. */
  lastChunk: Uint8Array | undefined = undefined
  sends = 0
  /** The pretended peer does not read: what is sent stays in the transport. */
  isStalled = false
  unsent = 0
  closed: "no" | "ended" | "destroyed" = "no"
  private readonly server: Server

  constructor(server: Server, peer: Pick<Peer, "peerNames" | "probe"> = {}, entrance?: Entrance) {
    this.server = server
    const transport: Peer = {
      peerHost: "127.0.0.1",
      ...peer,
      send: (chunks) => {
        this.sends++
        for (const chunk of chunks) {
          this.chunks.push(Uint8Array.from(chunk))
          this.lastChunk = chunk
          if (this.isStalled) this.unsent += chunk.length
        }
      },
      unsentBytes: () => this.unsent,
      end: () => void (this.closed = "ended"),
      destroy: () => void (this.closed = "destroyed")
    }
    const session = server.core.connected(transport, server.now, entrance)
    if (session === undefined) throw new Error("the server took no more connections")
    this.session = session
    this.decoder = new Codec.Decoder(
      {
        packet: (frame) => server.core.received(session, frame, server.now),
        line: (line) => server.core.line(session, line, server.now)
      },
      server.core.options,
      server.core.buffers
    )
  }

  /** Bytes arrive, all in one batch, and nothing more after them. */
  bytes(...batches: ReadonlyArray<Uint8Array>): void {
    this.bytesBeforeMore(...batches)
    this.server.core.flush()
  }

  /** Bytes arrive, all in one batch, and more is about to come. */
  bytesBeforeMore(...batches: ReadonlyArray<Uint8Array>): void {
    this.hear(batches)
    this.server.core.send()
  }

  /** The same on a server that has much to do. */
  bytesInRush(...batches: ReadonlyArray<Uint8Array>): void {
    this.hear(batches)
    this.server.core.send(true)
  }

  private hear(batches: ReadonlyArray<Uint8Array>): void {
    for (const batch of batches) {
      const failure = this.decoder.push(batch)
      if (failure !== undefined) this.server.core.malformed(this.session, failure, this.server.now)
    }
    if (!this.session.isOpen) this.decoder.halt()
  }

  send<N extends Packet.Name>(name: N, fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }): void {
    this.bytes(Codec.encode(Packet.request(name, fields)))
  }

  /** A packet whose body may be anything. */
  raw(type: number, body: string, magic: "REQ" | "RES" = "REQ"): void {
    this.bytes(rawPacket(type, body, magic))
  }

  /** A text command; answers what came back. */
  command(line: string): string {
    this.bytes(Codec.fromLatin1(`${line}\n`))
    return this.readText()
  }

  /** All bytes that came since the last reading. */
  readBytes(): Uint8Array {
    const all = concat(this.chunks)
    this.chunks = []
    return all
  }

  readText(): string {
    return Codec.latin1(this.readBytes())
  }

  /** All packets that came since the last reading, as `NAME a|b|c`. */
  read(): ReadonlyArray<string> {
    const packets: Array<string> = []
    const failure = new Codec.Decoder({ packet: (frame) => packets.push(show(frame)) }).push(this.readBytes())
    if (failure !== undefined) throw failure
    return packets
  }

  /** Drops what came; used where only what follows matters. */
  drop(): this {
    this.chunks = []
    return this
  }

  close(): void {
    this.server.core.disconnected(this.session, this.server.now)
    this.server.core.flush()
  }

  submit(fn: string, unique = "", workload = "x"): void {
    this.send("SUBMIT_JOB", { function: fn, unique, workload })
  }

  background(fn: string, unique = "", workload = "x"): void {
    this.send("SUBMIT_JOB_BG", { function: fn, unique, workload })
  }

  canDo(...functions: ReadonlyArray<string>): this {
    for (const fn of functions) this.send("CAN_DO", { function: fn })
    return this
  }

  grab(): ReadonlyArray<string> {
    this.send("GRAB_JOB_UNIQ", {})
    return this.read()
  }

  sleep(): ReadonlyArray<string> {
    this.send("PRE_SLEEP", {})
    return this.read()
  }

  complete(handle: string, data = ""): void {
    this.send("WORK_COMPLETE", { handle, data })
  }
}

export class Server {
  readonly core: JobServerCore
  now = { monotonicMillis: 1_000, wallMillis: Date.UTC(2026, 0, 1) }

  /** Handles are `H:1`, `H:2`, … unless the options say otherwise. */
  constructor(options: Partial<Options> = {}) {
    this.core = new JobServerCore(
      { jobHandlePrefix: "H", allowCancel: true, ...options },
      { handlePrefix: "H:drawn", merging: 1 }
    )
  }

  connect(peer?: Pick<Peer, "peerNames" | "probe">, entrance?: Entrance): Connection {
    return new Connection(this, peer, entrance)
  }

  /** A connection that can do these functions. */
  worker(...functions: ReadonlyArray<string>): Connection {
    return this.connect().canDo(...functions)
  }

  /** Both clocks go on, stopping at each deadline on the way. */
  advance(millis: number): void {
    const end = this.now.monotonicMillis + millis
    while (true) {
      const left = end - this.now.monotonicMillis
      const step = Math.min(left, this.core.nextDeadlineMillis(this.now))
      this.now = { monotonicMillis: this.now.monotonicMillis + step, wallMillis: this.now.wallMillis + step }
      this.core.timeReached(this.now)
      this.core.flush()
      if (step === left) return
    }
  }

  /** Somebody sets the wall clock. */
  setWallClock(millis: number): void {
    this.now = { ...this.now, wallMillis: millis }
  }
}

export const rawPacket = (type: number, body: string, magic: "REQ" | "RES" = "REQ"): Uint8Array => {
  const bytes = new Uint8Array(Codec.headerBytes + body.length)
  Codec.writeHeader(bytes, 0, magic === "RES", type, body.length)
  bytes.set(Codec.fromLatin1(body), Codec.headerBytes)
  return bytes
}

export const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

const show = (frame: Codec.Frame): string => {
  const body = Codec.latin1(frame.bytes, frame.start, frame.end).replaceAll("\0", "|")
  return `${Packet.nameOf(frame.type)} ${body}`.trimEnd()
}
