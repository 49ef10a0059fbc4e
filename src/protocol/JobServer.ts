/**
 * The job server's program: it accepts connections, hands their bytes to the state machine
 * in `server/`, and sends what that has to say. Per packet nothing of Effect runs; a batch
 * of bytes is worked off synchronously, and when all that has come together is, each
 * connection it concerned is flushed once.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Codec from "./Codec.ts"
import * as Network from "./Network.ts"
import { drawPrefix } from "./server/Handles.ts"
import { type Entrance, JobServerCore, type ShutdownKind } from "./server/JobServerCore.ts"
import type { Now } from "./server/Now.ts"
import { defaults, type Options as CoreOptions } from "./server/Options.ts"
import type { Session } from "./server/Session.ts"

/**
 * Settings of a job server; each has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends CoreOptions {
  /** Where to listen. The default is loopback: opening it to the world is a decision to take. */
  readonly address: Network.Address
  /** Who the connections there are, unless a certificate tells. Default: `anonymous`. */
  readonly identity?: string | undefined
  /** Whether text commands are taken there. */
  readonly textProtocol: boolean
  /** Where else to listen. */
  readonly listeners: ReadonlyArray<ListenerOptions>
}

/**
 * One more listener of a job server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListenerOptions {
  readonly address: Network.Address
  /** Who the connections there are, unless a certificate tells. Default: `anonymous`. */
  readonly identity?: string | undefined
  /** Whether text commands are taken there. Default: true. */
  readonly textProtocol?: boolean | undefined
}

/**
 * The defaults: `127.0.0.1:4730`, and gearmand 2.0's settings.
 *
 * @example
 * ```ts
 * import * as JobServer from "effect-gearman/JobServer"
 *
 * const { address, jobRetries } = JobServer.defaultOptions
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultOptions: Options = {
  ...defaults,
  address: Network.tcp("127.0.0.1"),
  textProtocol: true,
  listeners: []
}

/**
 * A server that is bound to its address.
 *
 * @since 0.1.0
 * @category models
 */
export interface Running {
  /** The bound address, with the real port where 0 was asked for. */
  readonly address: Network.Address
  /** The bound addresses of all listeners, this one first. */
  readonly addresses: ReadonlyArray<Network.Address>
  /**
   * Serves. Ends only when a shutdown was asked for: by `shutdown`, or by the text command
   * where that is allowed.
   */
  readonly run: Effect.Effect<void, Network.NetworkError>
  /**
   * `now` ends `run` at once. `graceful` stops listening, goes on with the connections
   * there are, and ends `run` when no job is left. `drain` does the same and refuses new jobs
   * with ERROR `SHUTTING_DOWN`, at which this library's clients turn to other servers.
   */
  readonly shutdown: (kind: ShutdownKind) => Effect.Effect<void>
  /** The state machine: counters, and what there is to look at. */
  readonly core: JobServerCore
}

/** A clock's readings, renewed in place: one object serves all packets of a batch. */
class Readings implements Now {
  monotonicMillis = 0
  wallMillis = 0
  /** They are of this batch: to read two clocks costs as much as to decode three packets. */
  areFresh = false
  private readonly clock: Clock.Clock

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.renew()
  }

  ofBatch(): this {
    if (this.areFresh) return this
    this.areFresh = true
    return this.renew()
  }

  renew(): this {
    this.monotonicMillis = Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
    this.wallMillis = this.clock.currentTimeMillisUnsafe()
    return this
  }
}

/** What comes in on one connection. A class, for idle connections are many, and closures would be much of each. */
class Intake implements Codec.Receiver {
  private readonly core: JobServerCore
  private readonly session: Session
  private readonly now: Readings
  private readonly decoder: Codec.Decoder

  constructor(core: JobServerCore, session: Session, now: Readings) {
    this.core = core
    this.session = session
    this.now = now
    this.decoder = new Codec.Decoder(this, core.options, core.buffers)
  }

  take(bytes: Uint8Array): void {
    const { core, decoder, session } = this
    const now = this.now.ofBatch()
    core.traffic.receivedBytes += bytes.length
    const failure = decoder.push(bytes)
    if (failure !== undefined) core.malformed(session, failure, now)
    if (!session.isOpen) decoder.halt()
  }

  packet(frame: Codec.Frame): void {
    this.core.received(this.session, frame, this.now)
  }

  line(line: string): void {
    this.core.line(this.session, line, this.now)
  }
}

/**
 * Binds the address and gives the server that is ready to run. Fails when the address is
 * taken or not ours. Closing the scope unbinds it.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobServer from "effect-gearman/JobServer"
 * import * as Network from "effect-gearman/Network"
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* JobServer.listen({ address: Network.tcp("127.0.0.1", 0) })
 *   yield* Effect.log(Network.format(server.address))
 *   yield* server.run
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const listen = Effect.fnUntraced(function* (options: Partial<Options> = {}) {
  const network = yield* Network.Network
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const core = new JobServerCore(options, {
    handlePrefix: drawPrefix(() => random.nextDoubleUnsafe()),
    merging: Math.floor(random.nextDoubleUnsafe() * 2 ** 32)
  })
  // The listener has a scope of its own: a graceful shutdown closes it and lets the
  // connections go on.
  const listening = yield* Scope.fork(yield* Effect.scope)
  const { address, identity, listeners, textProtocol } = { ...defaultOptions, ...options }
  const bound = yield* Effect.forEach([{ address, identity, textProtocol }, ...listeners], (one) =>
    Effect.map(Scope.provide(network.listen(one.address), listening), (listener) => ({
      listener,
      entrance: { identity: one.identity, textProtocol: one.textProtocol ?? true }
    }))
  )
  const now = new Readings(clock)
  const deadlineMoved = Latch.makeUnsafe()
  const shutdownMoved = Latch.makeUnsafe()
  let wakingAtMillis = Infinity

  /** After each batch: send, and see whether somebody has to be woken. */
  const afterBytes = (isBusy = false): Network.Later | undefined => {
    now.areFresh = false
    core.send(isBusy && core.shutdown === "no")
    if (now.monotonicMillis + core.nextDeadlineMillis(now) < wakingAtMillis) deadlineMoved.openUnsafe()
    if (core.shutdown !== "no") shutdownMoved.openUnsafe()
    return core.owesAnswers ? settle : undefined
  }

  /** After all else: nothing is left to be answered. */
  const settle = (): void => {
    core.flush()
    afterBytes()
  }

  const receiving: Network.ReceiveOptions = { pauseAboveBytes: core.options.pauseAboveBytes, afterBytes }

  const hasEnded = (): boolean => core.shutdown === "now" || (core.shutdown !== "no" && core.isIdle)

  const serveConnection = (connection: Network.Connection, entrance: Entrance): Effect.Effect<void> =>
    Effect.suspend(() => {
      const session = core.connected(connection, now.renew(), entrance)
      if (session === undefined) {
        connection.destroy()
        return Effect.void
      }
      const intake = new Intake(core, session, now)
      const onBytes = (bytes: Uint8Array): void => intake.take(bytes)
      return connection.receive(onBytes, receiving).pipe(
        Effect.onExit(() => {
          core.disconnected(session, now.renew())
          settle()
          return Effect.void
        }),
        // However a connection ends, all there is to do is to take it apart.
        Effect.ignore
      )
    })

  const keepDeadlines = Effect.gen(function* () {
    while (true) {
      core.timeReached(now.renew())
      settle()
      const waitMillis = core.nextDeadlineMillis(now)
      wakingAtMillis = now.monotonicMillis + waitMillis
      deadlineMoved.closeUnsafe()
      yield* waitMillis === Infinity
        ? deadlineMoved.await
        : Effect.raceFirst(deadlineMoved.await, Effect.sleep(Math.ceil(waitMillis)))
    }
  })

  const awaitShutdown = Effect.gen(function* () {
    while (!hasEnded()) {
      shutdownMoved.closeUnsafe()
      // Whoever is connected goes on; nobody new comes in.
      if (core.shutdown !== "no") yield* Scope.close(listening, Exit.void)
      yield* shutdownMoved.await
    }
  })

  const addresses = bound.map(({ listener }) => listener.address)
  const running: Running = {
    core,
    address: addresses[0]!,
    addresses,
    run: Effect.raceAllFirst([
      ...bound.map(({ entrance, listener }) => listener.run((connection) => serveConnection(connection, entrance))),
      keepDeadlines,
      awaitShutdown
    ]),
    shutdown: (kind) =>
      Effect.sync(() => {
        // Who could wait for an answer has it before its connection may end.
        core.send()
        core.requestShutdown(kind)
        shutdownMoved.openUnsafe()
      })
  }
  return running
})

/**
 * Listens and serves, and logs `listening on host:port` when it can be reached. Ends only
 * when a shutdown was asked for by a text command, where that is allowed.
 *
 * @example
 * ```ts
 * import * as JobServer from "effect-gearman/JobServer"
 *
 * const program = JobServer.serve({ jobRetries: 3 })
 * ```
 *
 * @since 0.1.0
 * @category programs
 */
export const serve = (options: Partial<Options> = {}): Effect.Effect<void, Network.NetworkError, Network.Network> =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* listen(options)
      yield* Effect.logInfo(`listening on ${Network.format(server.address)}`)
      yield* server.run
    })
  )

/**
 * A job server that runs beside whatever the layer is built for.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobServer from "effect-gearman/JobServer"
 * import * as Network from "effect-gearman/Network"
 * import { NodeNetwork } from "effect-gearman/node"
 * import * as Layer from "effect/Layer"
 *
 * const port = Effect.map(JobServer.JobServer, ({ address }) => (address._tag === "Tcp" ? address.port : 0)).pipe(
 *   Effect.provide(JobServer.layer({ address: Network.tcp("127.0.0.1", 0) }).pipe(Layer.provide(NodeNetwork.layer)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class JobServer extends Context.Service<JobServer, Omit<Running, "run">>()("effect-gearman/JobServer") {}

/**
 * Runs a job server for as long as the layer lives. Fails when the address cannot be bound.
 *
 * @example
 * ```ts
 * import * as Layer from "effect/Layer"
 * import * as JobServer from "effect-gearman/JobServer"
 * import * as MemoryNetwork from "effect-gearman/MemoryNetwork"
 *
 * const serverTest = JobServer.layer().pipe(Layer.provideMerge(MemoryNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Partial<Options> = {}): Layer.Layer<JobServer, Network.NetworkError, Network.Network> =>
  Layer.effect(
    JobServer,
    Effect.gen(function* () {
      const { run, ...server } = yield* listen(options)
      // A listener that breaks later has nobody to tell but the log.
      yield* Effect.forkScoped(Effect.catch(run, (error) => Effect.logError(error.message)))
      return JobServer.of(server)
    })
  )
