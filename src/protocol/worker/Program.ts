/**
 * The worker's program: a fiber per server that keeps it connected, a fiber per job, and
 * an end that loses nothing: no further job is taken, those that run are finished, and
 * the servers confirm that they have read the results.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Scope from "effect/Scope"
import * as Codec from "../Codec.ts"
import { checkFunction } from "../client/Encoding.ts"
import { Books } from "../connection/Books.ts"
import { count, time, wait } from "../connection/Count.ts"
import * as Reconnecting from "../connection/Reconnecting.ts"
import * as Servers from "../connection/Servers.ts"
import { InvalidRequest } from "../GearmanError.ts"
import type { JobContext } from "../JobContext.ts"
import type { JobFunction } from "../JobFunction.ts"
import * as Network from "../Network.ts"
import * as Packet from "../Packet.ts"
import type { HandlerOptions, JobFail, Options, Worker } from "../Worker.ts"
import { Conversation } from "./Conversation.ts"
import { Crew, type Running } from "./Crew.ts"
import * as Handler from "./Handler.ts"
import { Lane, type Registration } from "./Lane.ts"

const defaults = {
  concurrency: 1,
  drainTimeout: "30 seconds",
  connectTimeout: "5 seconds",
  probeInterval: "10 seconds",
  probeTimeout: "5 seconds",
  prefetch: 0,
  maxGrabs: 8,
  maxUnsentBytes: 1024 * 1024
} as const

// How long the servers get at the end to confirm that they have read all results.
const confirmTimeout = "2 seconds"

// `workers` separates its columns by blanks, and gearmand cuts off what is longer.
const isClientId = /^[\x21-\x7e]{1,127}$/

// gearmand counts CAN_DO_TIMEOUT in milliseconds and raises less than this to it.
const minTimeoutMilliseconds = 1000

const announcementOf = (name: Uint8Array, timeout: Duration.Duration | undefined): Uint8Array =>
  timeout === undefined
    ? Codec.encode(Packet.request("CAN_DO", { function: name }))
    : Codec.encode(
        Packet.request("CAN_DO_TIMEOUT", {
          function: name,
          timeout: String(Math.max(minTimeoutMilliseconds, Math.ceil(Duration.toMillis(timeout))))
        })
      )

/** Servers have no word for a time that never passes. */
const timeoutOf = (name: string, given: Duration.Input | undefined): Duration.Duration | undefined => {
  const timeout = given === undefined ? Duration.infinity : time(`${name}'s timeout`, given)
  return Duration.isFinite(timeout) ? timeout : undefined
}

export const make = Effect.fnUntraced(function* (options: Options) {
  const addresses = yield* Servers.resolve(options.servers)
  const drainTimeout = wait("drainTimeout", options.drainTimeout ?? defaults.drainTimeout)
  const maxGrabs = count("maxGrabs", options.maxGrabs ?? defaults.maxGrabs)
  const maxUnsentBytes = count("maxUnsentBytes", options.maxUnsentBytes ?? defaults.maxUnsentBytes)
  const clientId = options.clientId ?? (yield* Network.Network).processName
  if (clientId !== undefined && !isClientId.test(clientId)) {
    return yield* Effect.die(
      new InvalidRequest({ field: "clientId", problem: "it must be 1 to 127 graphic ASCII characters" })
    )
  }
  const greeting = clientId === undefined ? [] : [Codec.encode(Packet.request("SET_CLIENT_ID", { clientId }))]

  const handlers = yield* FiberSet.make<void>()
  const fork = yield* FiberSet.runtime(handlers)()
  const concurrency = count("concurrency", options.concurrency ?? defaults.concurrency)
  const crew = new Crew({
    concurrency,
    prefetch: count("prefetch", options.prefetch ?? defaults.prefetch, 0),
    onUnknown: (run) => {
      Handler.refuse(run)
      crew.finished(run)
    }
  })

  const read = yield* Books
  read(() => crew.size)

  const times = {
    connectTimeout: time("connectTimeout", options.connectTimeout ?? defaults.connectTimeout),
    probeInterval: time("probeInterval", options.probeInterval ?? defaults.probeInterval),
    probeTimeout: time("probeTimeout", options.probeTimeout ?? defaults.probeTimeout)
  }

  const keepConnected = (address: Network.Address, lane: Lane) => {
    const server = Network.format(address)
    return Reconnecting.forever({
      role: "worker",
      session: { address, ...times },
      open: () =>
        new Conversation({
          server,
          lane,
          greeting,
          hooks: {
            answered: (conversation, assignment) => crew.answered(conversation, assignment),
            woken: () => crew.fill(),
            refused: (_conversation, reason) => {
              fork(
                Effect.annotateLogs(Effect.logWarning(`A function is refused: ${reason}`), { role: "worker", server })
              )
              crew.fill()
            }
          },
          maxGrabs,
          maxUnsentBytes
        }),
      onReady: (conversation) => crew.joined(conversation),
      onLost: (conversation) => crew.left(conversation)
    })
  }

  const network = yield* Effect.context<Network.Network>()
  // Made before the worker's own end is, which comes first then.
  const connections = yield* Scope.fork(yield* Effect.scope)

  /** Keeps a lane connected until the scope closes. */
  const connect = Effect.fnUntraced(function* (lane: Lane, scope: Scope.Scope) {
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        for (const conversation of crew.openConversations(lane)) crew.left(conversation)
      })
    )
    for (const address of addresses) {
      yield* Effect.forkIn(Effect.provideContext(keepConnected(address, lane), network), scope)
    }
  })

  /** A lane of a function's own, connected until the function's scope closes, or the worker's. */
  const ownLane = Effect.fnUntraced(function* (limit: number) {
    const scope = yield* Effect.acquireRelease(Scope.fork(connections), (scope) => Scope.close(scope, Exit.void))
    const lane = new Lane(limit)
    yield* connect(lane, scope)
    return lane
  })

  /** Of all functions without a limit of their own. */
  const shared = new Lane(Infinity)
  yield* connect(shared, connections)

  const when = (until: () => boolean) =>
    Effect.callback<void>((resume) => {
      const stop = crew.when(until, () => resume(Effect.void))
      return Effect.sync(stop)
    })

  const confirmed = (conversation: Conversation) =>
    Effect.callback<void>((resume) => {
      conversation.confirm(() => resume(Effect.void))
    })

  const confirmAll = (conversations: ReadonlyArray<Conversation>) =>
    Effect.forEach(conversations, confirmed, { concurrency: "unbounded", discard: true }).pipe(
      Effect.interruptible,
      Effect.timeoutOption(confirmTimeout)
    )

  /** Gives up on what did not finish in time: the server gives it to somebody else once the connection is closed. */
  const handBack = (isMeant: (run: Running) => boolean): ReadonlyArray<Conversation> => {
    const conversations = new Set<Conversation>()
    for (const { conversation } of crew.abandonAll(isMeant)) {
      conversation.isClosing = true
      conversations.add(conversation)
    }
    return [...conversations]
  }

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      crew.end()
      const isQuiet = () => crew.running.size === 0 && crew.openConversations().every(({ grabs }) => grabs === 0)
      yield* Effect.timeoutOption(Effect.interruptible(when(isQuiet)), drainTimeout)
      handBack(() => true)
      yield* confirmAll(crew.openConversations())
    })
  )

  const register = Effect.fnUntraced(function* <Payload, Success, Error, Progress, R>(
    fn: JobFunction<string, Payload, Success, Error, Progress>,
    handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
    handlerOptions?: HandlerOptions
  ) {
    const name = Packet.toBytes(fn.name)
    const problem = checkFunction(name)
    if (problem !== undefined) return yield* Effect.die(problem)
    const context = yield* Effect.context<Exclude<R, JobContext | Scope.Scope>>()
    const timeout = timeoutOf(fn.name, handlerOptions?.timeout)
    const limit =
      handlerOptions?.concurrency === undefined
        ? concurrency
        : count(`${fn.name}'s concurrency`, handlerOptions.concurrency)
    const run = Handler.make(fn, handler, context, timeout)
    const lane = yield* limit < concurrency ? ownLane(limit) : Effect.succeed(shared)
    const registration: Registration = {
      lane,
      name: Codec.latin1(name),
      announcement: announcementOf(name, timeout),
      withdrawal: Codec.encode(Packet.request("CANT_DO", { function: name })),
      isTimed: timeout !== undefined,
      start: (running) => {
        running.fiber = fork(run(running))
        // Not a finalizer: one that is interrupted before it begins has none.
        running.fiber.addObserver((exit) => {
          if (exit._tag === "Failure") Handler.brokeOff(running, exit.cause)
          crew.finished(running)
        })
      }
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => crew.register(registration)),
      () =>
        Effect.gen(function* () {
          crew.drain(registration)
          yield* Effect.timeoutOption(Effect.interruptible(when(() => crew.isQuiet(registration))), drainTimeout)
          const handedBack = handBack((running) => running.registration === registration)
          // Who was asked and has not answered in all that time may still send a job of it.
          const silent = crew.openConversations(lane).filter(({ grabs, isClosing }) => grabs > 0 && !isClosing)
          for (const conversation of silent) conversation.isClosing = true
          const left = [...handedBack, ...silent]
          yield* confirmAll(lane === shared ? left : crew.openConversations(lane))
          for (const conversation of left) conversation.hangUp.openUnsafe()
          yield* when(() => crew.isIdle(registration))
          crew.unregister(registration)
        })
    )
  })

  return { register } satisfies Worker["Service"]
})
