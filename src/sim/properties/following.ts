/**
 * What several properties keep of clients and workers: whose program is about to stop, what
 * is known of each connection till it is closed or its program is no more, and which
 * submissions are under way over it.
 *
 * @since 0.1.0
 */
import { endsJob, isAwaited, type Moment, type PacketEvent } from "./History.ts"

/** Longer than a program takes to notice a server's first answer. */
export const noticeMillis = 200

/**
 * What is known of a connection besides what a property keeps itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly node: string
  /** Since when the server has answered. */
  goodSince: number | undefined
}

/**
 * Clients and workers, for a property that sees packets at their side. `make` gives what it
 * keeps of a connection.
 *
 * @since 0.1.0
 * @category models
 */
export class Peers<A = unknown> {
  readonly connections = new Map<number, A & Connection>()
  /** Programs that were told to stop. */
  readonly stopping = new Set<string>()
  /** By connection, the job server that has accepted it. */
  readonly serverOf = new Map<number, string>()
  private readonly make: () => A

  constructor(make: () => A) {
    this.make = make
  }

  /** The connection of a packet. */
  of({ connection, node }: PacketEvent): A & Connection {
    const known = this.connections.get(connection)
    if (known !== undefined) return known
    const made = { node, goodSince: undefined, ...this.make() }
    this.connections.set(connection, made)
    return made
  }

  /** Those of a machine over which a server had answered well before. */
  goodBefore(machine: string, at: number): ReadonlyArray<number> {
    return [...this.connections].flatMap(([connection, { goodSince = Infinity, node }]) =>
      node === machine && goodSince + noticeMillis < at ? [connection] : []
    )
  }

  follow({ at, event }: Moment): void {
    switch (event._tag) {
      case "Packet":
        if (event.got) this.of(event).goodSince ??= at
        return
      case "Opened":
        if (event.atServer) this.serverOf.set(event.connection, event.node)
        return
      case "Closed":
        if (!event.atServer) this.connections.delete(event.connection)
        return
      case "Stopping":
        this.stopping.add(event.node)
        return
      case "Started":
        this.stopping.delete(event.node)
        return forgetNode(this.connections, event.node)
      case "Ended":
        forgetNode(this.connections, event.node)
    }
  }
}

/**
 * Nothing of this machine is known any more.
 *
 * @since 0.1.0
 * @category mutations
 */
export const forgetNode = <K>(known: Map<K, { readonly node: string }>, node: string): void => {
  for (const [key, one] of known) if (one.node === node) known.delete(key)
}

/**
 * What a client has submitted over a connection, and has not heard the end of.
 *
 * @since 0.1.0
 * @category models
 */
export class Submissions<A extends { readonly packet: string }> {
  /** How many there are. */
  size = 0
  /** Not answered yet, the oldest first. */
  private readonly sent: Array<A> = []
  /** Of those that have an end, by handle. */
  private readonly held = new Map<string, ReadonlyArray<A>>()

  submit(one: A): void {
    this.sent.push(one)
    this.size++
  }

  /** A packet has come from the server. */
  hear({ fields: [handle = ""], name }: PacketEvent): void {
    if (name === "JOB_CREATED" || name === "ERROR") {
      const one = this.sent.shift()
      if (one === undefined) return
      if (name === "ERROR" || !isAwaited(one.packet)) this.size--
      else this.held.set(handle, [...(this.held.get(handle) ?? []), one])
    } else if (endsJob.has(name)) {
      this.size -= this.held.get(handle)?.length ?? 0
      this.held.delete(handle)
    }
  }

  *[Symbol.iterator](): Iterator<A> {
    yield* this.sent
    yield* this.accepted()
  }

  /** Those that the server has given a handle. */
  accepted(): ReadonlyArray<A> {
    return [...this.held.values()].flat()
  }
}
