/**
 * Random packets against the codec and the job server's state machine, in-process and
 * without sockets: nothing may be thrown, the state must keep its invariants, a healthy
 * connection must be answered all the while, and memory must stay flat.
 */
import * as Codec from "../../../src/protocol/Codec.ts"
import { JobServerCore } from "../../../src/protocol/server/JobServerCore.ts"
import type { Peer } from "../../../src/protocol/server/Outbox.ts"
import type { Session } from "../../../src/protocol/server/Session.ts"
import { Bytes, Draw } from "./Bytes.ts"

export interface Report {
  readonly packets: number
  readonly connections: number
  readonly seconds: number
  /** Bytes of live heap after each quarter, when garbage could be collected. */
  readonly heapBytes: ReadonlyArray<number>
  /** How many packets of each type the server sent. */
  readonly answers: ReadonlyMap<number, number>
}

const slots = 24

// Small, so that each limit is met and what is kept stays small.
const limits = {
  maxPacketBytes: 64 * 1024,
  maxJobs: 2000,
  maxFunctions: 50,
  maxOutputBytes: 256 * 1024,
  jobRetries: 5,
  jobHandlePrefix: "H:fuzz"
}

/** A connection without a socket that remembers the handles it is told. */
class FakePeer implements Peer {
  readonly peerHost = "127.0.0.1"
  assigned = "H:fuzz:1"
  created = "H:fuzz:1"
  closed = false
  echoed = 0
  private unsent = 0
  private readonly reads: boolean
  private readonly answers: Map<number, number>

  constructor(reads: boolean, answers: Map<number, number>) {
    this.reads = reads
    this.answers = answers
  }

  send(chunks: ReadonlyArray<Uint8Array>): void {
    for (const chunk of chunks) if (!this.reads) this.unsent += chunk.length
    const bytes = chunks[0]!
    if (bytes[0] !== 0 || bytes.length < 12) return
    const type = bytes[7]!
    this.answers.set(type, (this.answers.get(type) ?? 0) + 1)
    if (type === 8) this.created = Codec.latin1(bytes, 12, 12 + bytes[11]!)
    else if (type === 11 || type === 31 || type === 40) this.assigned = Codec.latin1(bytes, 12, bytes.indexOf(0, 12))
    else if (type === 17) this.echoed++
  }

  unsentBytes(): number {
    return this.unsent
  }

  end(): void {
    this.closed = true
  }

  destroy(): void {
    this.closed = true
  }
}

interface Slot {
  readonly peer: FakePeer
  readonly session: Session
  readonly decoder: Codec.Decoder
}

const echo = Codec.fromLatin1("\0REQ\0\0\0\x10\0\0\0\x02hi")

/** What a packet becomes when it is read and written again is what it was. */
const checkRoundTrip = (frame: Codec.Frame): void => {
  const packet = Codec.toPacket(frame)
  if (packet._tag === "MissingFields" || Object.keys(packet).length === 2) return
  const written = Codec.encode(packet)
  for (let at = 0; at < written.length; at++) {
    if (written[at] === frame.bytes[frame.start - Codec.headerBytes + at]) continue
    throw new Error(`a ${packet._tag} packet is written otherwise than it was read, at byte ${at}`)
  }
}

const assertNone = (violations: ReadonlyArray<string>): void => {
  if (violations.length > 0) throw new Error(`the server's state is broken: ${violations.join("; ")}`)
}

export const fuzzCore = (packets: number, seed: number, collectGarbage?: () => void): Report => {
  const draw = new Draw(seed)
  const bytes = new Bytes(draw)
  const now = { monotonicMillis: 0, wallMillis: 1_800_000_000_000 }
  const core = new JobServerCore(limits, { handlePrefix: "unused", merging: seed })
  const answers = new Map<number, number>()
  let connections = 0

  const connect = (reads: boolean): Slot => {
    connections++
    const peer = new FakePeer(reads, answers)
    const session = core.connected(peer, now)!
    const decoder: Codec.Decoder = new Codec.Decoder(
      {
        packet: (frame) => {
          if ((frame.end & 7) === 0) checkRoundTrip(frame)
          core.received(session, frame, now)
        },
        line: (line) => core.line(session, line, now)
      },
      core.options,
      core.buffers
    )
    return { peer, session, decoder }
  }

  const push = ({ decoder, session }: Slot, chunk: Uint8Array): void => {
    const failure = decoder.push(chunk)
    if (failure !== undefined) core.malformed(session, failure, now)
    if (!session.isOpen) decoder.halt()
    core.flush()
  }

  const started = performance.now()
  const healthy = connect(true)
  const table = Array.from({ length: slots }, () => connect(true))
  const heapBytes: Array<number> = []
  let done = 0
  let quarter = 1
  for (let batch = 1; done < packets; batch++) {
    const at = draw.below(slots)
    let slot = table[at]!
    if (slot.peer.closed || draw.below(200) === 0) {
      core.disconnected(slot.session, now)
      core.flush()
      slot = table[at] = connect(draw.below(16) > 0)
    }
    const { bytes: chunk, packets: written } = bytes.next(1 + draw.below(40), slot.peer)
    done += written
    if (draw.below(4) === 0) {
      const cut = draw.below(chunk.length + 1)
      push(slot, chunk.subarray(0, cut))
      push(slot, chunk.subarray(cut))
    } else push(slot, chunk)
    now.monotonicMillis += draw.below(20)
    now.wallMillis += draw.below(20)
    core.timeReached(now)
    core.flush()
    if (batch % 64 === 0) {
      const before = healthy.peer.echoed
      push(healthy, echo)
      if (healthy.peer.echoed !== before + 1) throw new Error("a healthy connection got no answer")
    }
    if (batch % 4096 === 0) assertNone(core.violations())
    if (collectGarbage !== undefined && done >= (packets * quarter) / 4) {
      quarter++
      collectGarbage()
      heapBytes.push(process.memoryUsage().heapUsed)
    }
  }
  for (const slot of [...table, healthy]) core.disconnected(slot.session, now)
  core.flush()
  assertNone(core.violations())
  const seconds = (performance.now() - started) / 1000
  return { packets: done, connections, seconds, heapBytes, answers }
}
