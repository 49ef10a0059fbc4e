/**
 * The network of a simulated world: machines by name, links between them, listeners, and
 * the dialling of connections. Each node gets its own face of it, `networkOf`, which is the
 * `Network` service that the job server, worker and client are written against.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Network from "../../protocol/Network.ts"
import type { Kernel, Owner } from "../Kernel.ts"
import { accepted } from "./accepted.ts"
import { dialled } from "./dialled.ts"
import { Broken, Endpoint, type Tap } from "./Endpoint.ts"
import { Link, type NetworkOptions } from "./Link.ts"
import { Pipe } from "./Pipe.ts"

/**
 * A machine's place in the network.
 *
 * @since 0.1.0
 * @category models
 */
export class Host {
  readonly name: string
  /** False while it has no power: it answers nothing at all. */
  hasPower = true
  /** How many faults make it refuse, swallow, or not be found. */
  refuses = 0
  swallows = 0
  nameless = 0
  /** Connections that are being dialled from here. */
  dials = 0
  readonly listeners = new Map<number, ListenerState>()
  /** Connection ends of the program that runs here. */
  endpoints: Array<Endpoint> = []

  constructor(name: string) {
    this.name = name
  }
}

interface ListenerState {
  readonly owner: Owner
  readonly backlog: Array<Endpoint>
  /** Waits for the next connection. */
  accept: (() => void) | undefined
}

interface Dial {
  readonly owner: Owner
  readonly from: Host
  readonly to: Host
  readonly port: number
  readonly succeed: (endpoint: Endpoint) => void
  readonly fail: (cause: Error) => void
}

// As Linux sends the first packet of a connection again.
const retryMillis = 1000

/**
 * @since 0.1.0
 * @category models
 */
export class SimulatedNetwork {
  readonly options: NetworkOptions
  readonly hosts = new Map<string, Host>()
  private readonly links = new Map<string, Link>()
  private readonly kernel: Kernel
  private readonly tap: Tap
  private connections = 0

  constructor(kernel: Kernel, options: NetworkOptions, tap: Tap) {
    this.kernel = kernel
    this.options = options
    this.tap = tap
  }

  host(name: string): Host {
    const known = this.hosts.get(name)
    if (known !== undefined) return known
    const host = new Host(name)
    this.hosts.set(name, host)
    return host
  }

  link(from: string, to: string): Link {
    const key = `${from}→${to}`
    const known = this.links.get(key)
    if (known !== undefined) return known
    const link = new Link(this.kernel, this.options, from, to)
    this.links.set(key, link)
    return link
  }

  /** Ends that programs hold open now; not those that a program has never seen yet. */
  openEndpoints(): ReadonlyArray<Endpoint> {
    return [...this.hosts.values()].flatMap((host) => host.endpoints.filter((endpoint) => endpoint.isOpen))
  }

  /** Something may come over the network for the program of this machine. */
  serves(name: string, owner: Owner): boolean {
    const { dials, endpoints, listeners } = this.host(name)
    const isOwn = (one: { readonly owner: Owner }) => one.owner === owner
    return dials > 0 || [...listeners.values()].some(isOwn) || endpoints.some((one) => isOwn(one) && !one.closed)
  }

  /**
   * The program of this machine is no more. Its system closes what it left open, unless
   * the machine lost power: then its peers learn nothing until they give up.
   */
  programEnded(name: string, owner: Owner, lostPower: boolean): void {
    const host = this.host(name)
    for (const [port, listener] of host.listeners) if (listener.owner === owner) this.unlisten(host, port)
    for (const endpoint of host.endpoints) {
      if (endpoint.owner !== owner || endpoint.closed) continue
      if (lostPower) {
        endpoint.forget()
        this.giveUpLater(endpoint.peer)
      } else endpoint.close(false)
    }
    host.endpoints = []
    if (lostPower) host.hasPower = false
  }

  /** Breaks this end when its peer stays silent for too long. */
  giveUpLater(endpoint: Endpoint): void {
    this.kernel.timer(this.kernel.world, this.options.giveUpAfterMillis, () => {
      if (!endpoint.closed) endpoint.break(new Broken("ETIMEDOUT", "the peer did not answer"))
    })
  }

  /** The `Network` of one incarnation of a node. */
  networkOf(name: string, owner: Owner): Network.Network["Service"] {
    const host = this.host(name)
    return Network.Network.of({
      listen: (address) => this.listen(host, owner, address),
      connect: (address) => Effect.sync(() => dialled(this.dial(host, owner, address)))
    })
  }

  private listen(host: Host, owner: Owner, address: Network.Address) {
    const self = this
    return Effect.gen(function* () {
      const scope = yield* Effect.scope
      const port = address._tag === "Tcp" ? address.port || 4730 : 0
      if (host.listeners.has(port)) {
        return yield* new Network.NetworkError({
          operation: "listen",
          address: Network.format(address),
          hint: "Stop the program that listens there, or choose another port",
          cause: new Error("EADDRINUSE: the address is in use")
        })
      }
      const listener: ListenerState = { owner, backlog: [], accept: undefined }
      host.listeners.set(port, listener)
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          if (host.listeners.get(port) === listener) self.unlisten(host, port)
        })
      )
      const next = Effect.callback<Endpoint>((resume) => {
        let waits = true
        const take = () => {
          if (!waits) return
          const endpoint = listener.backlog.shift()
          waits = endpoint === undefined
          if (endpoint !== undefined) return resume(Effect.succeed(endpoint))
          listener.accept = () => {
            listener.accept = undefined
            self.kernel.schedule(listener.owner, take)
          }
        }
        take()
        return Effect.sync(() => {
          waits = false
          listener.accept = undefined
        })
      })
      // What else has come by now is read first.
      const soon = (later: Network.Later) =>
        void self.kernel.timer(self.kernel.world, 0, () => self.kernel.schedule(listener.owner, later))
      const run: Network.Listener["run"] = (handler) =>
        Effect.scoped(
          Effect.gen(function* () {
            const handlers = yield* Effect.scope
            while (true) {
              const endpoint = yield* next
              endpoint.open()
              const connection = accepted(endpoint, soon)
              yield* handler(connection).pipe(
                Effect.ensuring(Effect.sync(() => endpoint.close(false))),
                Effect.forkIn(handlers)
              )
            }
          })
        )
      return { address, run } satisfies Network.Listener
    })
  }

  private unlisten(host: Host, port: number): void {
    const listener = host.listeners.get(port)
    host.listeners.delete(port)
    for (const endpoint of listener?.backlog ?? []) endpoint.sendReset()
  }

  private dial(host: Host, owner: Owner, address: Network.Address) {
    const self = this
    return Effect.gen(function* () {
      const scope = yield* Effect.scope
      let endpoint: Endpoint | undefined
      let abandoned = false
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          abandoned = true
          endpoint?.close(true)
        })
      )
      return yield* Effect.callback<Endpoint, Socket.SocketError>((resume) => {
        const later = (run: () => void) => self.kernel.schedule(owner, run)
        const fail = (cause: Error) =>
          later(() =>
            resume(
              Effect.fail(new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) }))
            )
          )
        const name = address._tag === "Tcp" ? address.host : host.name
        self.tap.dialled?.(host.name, name)
        const to = self.hosts.get(name)
        if (to === undefined || to.nameless > 0) {
          self.kernel.timer(self.kernel.world, 5, () => fail(new Error(`ENOTFOUND: no such host: ${name}`)))
          return
        }
        const port = address._tag === "Tcp" ? address.port : 0
        self.knock({
          owner,
          from: host,
          to,
          port,
          fail,
          succeed: (connected) => {
            if (abandoned || !owner.live) return connected.close(true)
            endpoint = connected
            later(() => {
              // The program may have given up since.
              if (abandoned) return
              connected.open()
              resume(Effect.succeed(connected))
            })
          }
        })
      })
    })
  }

  private knock(dial: Dial): void {
    const { kernel, options } = this
    const { from, to } = dial
    const there = this.link(from.name, to.name)
    const back = this.link(to.name, from.name)
    let settled = false
    from.dials++
    const settle = (after: () => void) => () => {
      if (settled) return
      settled = true
      from.dials--
      kernel.cancel(patience)
      after()
    }
    const patience = kernel.timer(
      kernel.world,
      options.giveUpAfterMillis,
      settle(() => dial.fail(new Error("ETIMEDOUT: nobody answered")))
    )
    const attempt = (): void => there.carry(there.delay(), arrive)
    const arrive = (): void => {
      if (settled) return
      const listener = to.listeners.get(dial.port)
      const full = listener !== undefined && listener.backlog.length >= options.backlog
      if (!to.hasPower || to.swallows > 0 || (full && to.refuses === 0)) {
        kernel.timer(kernel.world, retryMillis, attempt)
      } else if (listener === undefined || to.refuses > 0) {
        back.carry(
          back.delay(),
          settle(() => dial.fail(new Error("ECONNREFUSED: nobody listens there")))
        )
      } else {
        const [near, far] = this.pair(dial, listener.owner)
        listener.backlog.push(far)
        listener.accept?.()
        back.carry(back.delay(), () => {
          // Whoever gave up meanwhile must not leave a connection behind.
          if (settled) near.close(true)
          else settle(() => dial.succeed(near))()
        })
      }
    }
    attempt()
  }

  private pair(dial: Dial, acceptor: Owner): readonly [near: Endpoint, far: Endpoint] {
    const connection = ++this.connections
    const end = (host: Host, owner: Owner, isDialled: boolean) => {
      const endpoint = new Endpoint(this.kernel, this.options, this.tap, {
        connection,
        host: host.name,
        owner,
        dialled: isDialled,
        hasPower: () => host.hasPower
      })
      host.endpoints = host.endpoints.filter((other) => !other.closed)
      host.endpoints.push(endpoint)
      return endpoint
    }
    const near = end(dial.from, dial.owner, true)
    const far = end(dial.to, acceptor, false)
    near.peer = far
    far.peer = near
    this.join(near, far)
    this.join(far, near)
    return [near, far]
  }

  private join(writer: Endpoint, reader: Endpoint): void {
    const pipe = new Pipe(this.kernel, this.options, this.link(writer.host, reader.host), {
      onReceived: () => reader.received(),
      onSent: () => writer.notifyWritable()
    })
    writer.outgoing = pipe
    reader.incoming = pipe
  }
}
