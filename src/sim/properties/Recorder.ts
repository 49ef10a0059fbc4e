/**
 * Makes a history of what passes the taps, and shows it to the properties step by step.
 *
 * A job server applies a whole batch of packets from one connection and then says what it
 * has to say, to each connection at once. The recorder puts both back into the order of
 * cause and effect: each request, then its reply, then what else it caused.
 *
 * @since 0.1.0
 */
import * as Codec from "../../protocol/Codec.ts"
import * as Packet from "../../protocol/Packet.ts"
import type { Endpoint, Tap } from "../network/Endpoint.ts"
import { wordsOf } from "./Commands.ts"
import type { Event, LineEvent, Moment, PacketEvent } from "./History.ts"
import { Hooks } from "./Hooks.ts"
import type { Property } from "./Property.ts"
import { Scene } from "./Scene.ts"
import { isWorkError, ServerModel } from "./ServerModel.ts"

const replied = new Set(["JOB_CREATED", "NO_JOB", "STATUS_RES", "STATUS_RES_UNIQUE", "ECHO_RES", "OPTION_RES", "ERROR"])

/** What crosses a connection. */
type Word = PacketEvent | LineEvent

const isReply = (packet: Word): boolean =>
  packet._tag === "Line" || (replied.has(packet.name) ? !isWorkError(packet) : packet.name.startsWith("JOB_ASSIGN"))

const replying = new Set(
  Object.keys(Packet.definitions).filter((name) => /^(?:SUBMIT_|GRAB_JOB|GET_STATUS|ECHO_REQ|OPTION_REQ)/.test(name))
)

const needsReply = (packet: Word): boolean => replying.has(packet.name)

type Closed = Extract<Event, { readonly _tag: "Opened" | "Closed" }> & { readonly _tag: "Closed" }

/** What waits to be sent to one connection is told from here on. */
const muchBytes = 50_000

interface Streams {
  readonly got: Codec.Decoder
  readonly gave: Codec.Decoder
}

/**
 * @since 0.1.0
 * @category models
 */
export class Recorder implements Tap {
  readonly scene: Scene
  /** Everything that happened; kept only when asked for. */
  readonly moments: Array<Moment> = []
  /** Packets that crossed a job server's side. */
  packets = 0
  private readonly hooks: Hooks<Property>
  private readonly now: () => number
  private readonly attemptsMax: (node: string) => number
  private readonly keeps: boolean
  private readonly streams = new Map<Endpoint, Streams>()
  private readonly happenedNow: Array<Event> = []
  private readonly gotNow: Array<Word> = []
  private readonly gaveNow: Array<Word | Closed> = []
  /** Connections whose bytes make no sense any more: the server is done with them. */
  private readonly givenUpNow: Array<{ readonly node: string; readonly connection: number }> = []
  private readonly malformed = new WeakSet<Endpoint>()
  /** What `giveWhile` passed over; one of them is enough. */
  private readonly passed = new Set<number>()
  private changed = false

  constructor(
    properties: ReadonlyArray<Property>,
    now: () => number,
    attemptsMax: (node: string) => number,
    keeps: boolean
  ) {
    this.scene = new Scene(properties)
    this.hooks = new Hooks(properties)
    this.now = now
    this.attemptsMax = attemptsMax
    this.keeps = keeps
  }

  /**
   * Records something that is no packet. It is shown when the step is over: a property
   * that objected within a program would be taken for that program's own failure.
   */
  record(event: Event): void {
    this.happenedNow.push(event)
    this.changed = true
  }

  dialled(node: string, to: string): void {
    this.record({ _tag: "Dialled", node, to })
  }

  opened(endpoint: Endpoint): void {
    this.record({ _tag: "Opened", node: endpoint.host, connection: endpoint.connection, atServer: !endpoint.dialled })
  }

  closed(endpoint: Endpoint): void {
    const { connection, dialled, host: node } = endpoint
    const pendingBytes = this.streams.get(endpoint)?.got.pendingBytes ?? 0
    if (pendingBytes > 0) this.record({ _tag: "Cut", node, connection })
    this.streams.delete(endpoint)
    const event: Closed = { _tag: "Closed", node, connection, atServer: !dialled }
    // In its place among what the server gave: closing one connection may cause words to others.
    if (dialled) this.happenedNow.push(event)
    else this.gaveNow.push(event)
    this.changed = true
  }

  got(endpoint: Endpoint, bytes: Uint8Array): void {
    this.decode(endpoint, this.streamsOf(endpoint).got, bytes)
  }

  gave(endpoint: Endpoint, bytes: Uint8Array): void {
    this.decode(endpoint, this.streamsOf(endpoint).gave, bytes)
    const waiting = endpoint.outgoing.waiting
    if (waiting < muchBytes || endpoint.dialled) return
    this.record({ _tag: "Waiting", node: endpoint.host, connection: endpoint.connection, bytes: waiting })
  }

  /** The step is over: what the servers did in it is shown in order, and judged. */
  stepEnded(): void {
    if (!this.changed) return
    this.changed = false
    for (const event of this.happenedNow) {
      if (event._tag === "Started" && event.node.startsWith("server")) {
        this.scene.servers.set(
          event.node,
          new ServerModel(event.node, this.hooks, this.now, this.attemptsMax(event.node))
        )
      }
      this.show(event)
    }
    this.happenedNow.length = 0
    if (this.gotNow.length > 0 || this.gaveNow.length > 0 || this.givenUpNow.length > 0) this.untangle()
    this.hooks.tell("afterStep", this.scene)
  }

  /** Nobody has anything to do, and nothing happens until after `until`. */
  rests(until: number): void {
    this.hooks.tell("atRest", this.scene, until)
  }

  /** The run is over. */
  ended(): void {
    this.hooks.tell("atEnd", this.scene)
  }

  private streamsOf(endpoint: Endpoint): Streams {
    const known = this.streams.get(endpoint)
    if (known !== undefined) return known
    const streams: Streams = {
      got: new Codec.Decoder(this.receiver(endpoint, true)),
      gave: new Codec.Decoder(this.receiver(endpoint, false))
    }
    this.streams.set(endpoint, streams)
    return streams
  }

  private receiver(endpoint: Endpoint, got: boolean): Codec.Receiver {
    const { connection, dialled, host } = endpoint
    const place: Array<Event> = dialled ? this.happenedNow : got ? this.gotNow : this.gaveNow
    return {
      packet: (frame) => {
        // Whom the server has given up, it hears no more.
        if (got && !dialled && this.malformed.has(endpoint)) return
        const name = Packet.nameOf(frame.type)!
        const fields: Array<string> = []
        const found = frame.split()
        for (let index = 0; index < found; index++) fields.push(frame.key(index))
        const event: PacketEvent = { _tag: "Packet", node: host, connection, atServer: !dialled, got, name, fields }
        place.push(event)
        this.changed = true
      },
      line: (line) => {
        if (got && !dialled && this.malformed.has(endpoint)) return
        place.push({ _tag: "Line", node: host, connection, atServer: !dialled, got, name: "TEXT", fields: [line] })
        this.changed = true
        if (!got || dialled || wordsOf(line) !== undefined) return
        this.malformed.add(endpoint)
        this.givenUpNow.push({ node: host, connection })
      }
    }
  }

  private decode(endpoint: Endpoint, decoder: Codec.Decoder, bytes: Uint8Array): void {
    const error = decoder.push(bytes)
    if (error === undefined || this.malformed.has(endpoint)) return
    this.malformed.add(endpoint)
    if (decoder === this.streamsOf(endpoint).got && !endpoint.dialled) {
      this.givenUpNow.push({ node: endpoint.host, connection: endpoint.connection })
    }
    this.record({ _tag: "Malformed", node: endpoint.host, connection: endpoint.connection, problem: error.message })
  }

  private untangle(): void {
    const { gotNow } = this
    const [first] = gotNow
    const speaker = first === undefined ? undefined : this.modelOf(first)?.connection(first.connection)
    if (speaker !== undefined) speaker.noops = Math.min(1, speaker.noops)
    for (const packet of gotNow) {
      this.packets++
      const own = (next: Word) => next.connection === packet.connection
      // What it asked in an earlier step is answered before the server looks at what it says now.
      let owed = this.modelOf(packet)?.connection(packet.connection).awaiting.length ?? 0
      if (owed > 0) this.giveWhile((next) => owed > 0 && own(next) && (!isReply(next) || owed-- > 0))
      // What the server said to this connection before it answered has an earlier cause.
      if (needsReply(packet)) this.giveWhile((next) => own(next) && !isReply(next))
      this.show(packet)
      const model = this.modelOf(packet)
      if (packet._tag === "Line") {
        model?.line(packet)
        const commands = model?.connection(packet.connection).commands
        if (commands !== undefined) this.giveWhile((next) => own(next) && commands.owed > 0)
        continue
      }
      const attached = model?.jobs.get(packet.fields[0] ?? "")?.listeners ?? []
      model?.got(packet)
      if (packet.name.startsWith("WORK_")) this.giveForwards(packet, attached)
      if (!needsReply(packet)) continue
      let replies = false
      this.giveWhile((next) => {
        if (replies || !own(next)) return false
        replies = isReply(next)
        return true
      })
    }
    gotNow.length = 0
    // Before what the server says to others because of it.
    for (const { connection, node } of this.givenUpNow) {
      // What it was told itself was said before it was given up.
      this.giveWhile((next) => next.connection === connection && next.node === node)
      this.scene.servers.get(node)?.closed(connection)
    }
    this.givenUpNow.length = 0
    for (const event of this.gaveNow) {
      if (event._tag !== "Closed") this.give(event)
      else {
        this.show(event)
        this.scene.servers.get(event.node)?.closed(event.connection)
      }
    }
    this.gaveNow.length = 0
  }

  /** Two equal packets of a worker make two for each listener: only one of them is this one's. */
  private giveForwards(worked: PacketEvent, attached: ReadonlyArray<{ readonly id: number }>): void {
    const left = attached.map((listener) => listener.id)
    this.giveWhile((next) => {
      const index = left.indexOf(next.connection)
      if (index === -1 || !isForward(worked, next)) return false
      left.splice(index, 1)
      return true
    })
  }

  /** Shows, of what the server gave in this step, each connection's packets up to the first that does not fit. */
  private giveWhile(fits: (packet: Word) => boolean): void {
    const { gaveNow } = this
    if (gaveNow.length === 0) return
    const { passed } = this
    if (passed.size > 0) passed.clear()
    let kept = 0
    for (const event of gaveNow) {
      if (event._tag === "Closed" || passed.has(event.connection) || !fits(event)) {
        passed.add(event.connection)
        gaveNow[kept++] = event
        continue
      }
      this.give(event)
    }
    gaveNow.length = kept
  }

  private give(packet: Word): void {
    this.packets++
    this.show(packet)
    if (packet._tag === "Line") this.modelOf(packet)?.line(packet)
    else this.modelOf(packet)?.gave(packet)
  }

  private modelOf(packet: Word): ServerModel | undefined {
    return this.scene.servers.get(packet.node)
  }

  private show(event: Event): void {
    const moment: Moment = { at: this.now(), event }
    if (this.keeps) this.moments.push(moment)
    this.scene.show(event, moment.at)
    if (event._tag !== "Packet" || event.atServer) this.hooks.tell("observe", moment)
  }
}

/** A WORK_ packet and the one it became on its way to a listener. */
const isForward = (worked: PacketEvent, next: Word): boolean =>
  next.name.startsWith("WORK_") &&
  next.fields[0] === worked.fields[0] &&
  (next.name === worked.name || (worked.name === "WORK_EXCEPTION" && next.name === "WORK_FAIL")) &&
  (next.fields[1] ?? "") === (next.name === worked.name ? (worked.fields[1] ?? "") : "")
