/**
 * The client's program: a fiber per server that keeps it connected, one that gives up
 * on submissions no server came for, and the calls of the `Client` service.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Stream from "effect/Stream"
import type { Client, Job, JobEvent, Options, RunOptions } from "../Client.ts"
import * as Codec from "../Codec.ts"
import { Books } from "../connection/Books.ts"
import { count, time, wait } from "../connection/Count.ts"
import * as Metrics from "../connection/Metrics.ts"
import * as Monotonic from "../connection/Monotonic.ts"
import * as Reconnecting from "../connection/Reconnecting.ts"
import * as Servers from "../connection/Servers.ts"
import * as Tracing from "../connection/Tracing.ts"
import * as GearmanErrors from "../GearmanError.ts"
import type { GearmanError } from "../GearmanError.ts"
import type { JobFunction } from "../JobFunction.ts"
import * as Network from "../Network.ts"
import * as Packet from "../Packet.ts"
import * as ServerSelection from "../ServerSelection.ts"
import { Conversation } from "./Conversation.ts"
import * as Encoding from "./Encoding.ts"
import { Fleet } from "./Fleet.ts"
import * as Queries from "./Queries.ts"
import { fail, timeoutOf, withTimeout } from "./Requests.ts"
import * as Requests from "./Requests.ts"
import type { Description, Event } from "./Submission.ts"

const defaults = {
  connectTimeout: "5 seconds",
  noServerTimeout: "5 seconds",
  requestTimeout: "30 seconds",
  probeInterval: "10 seconds",
  probeTimeout: "5 seconds",
  maxJobs: 16_384,
  maxUnsentBytes: 1024 * 1024,
  eventCapacity: 1024
} as const

// Comparing longer workloads byte by byte is the server's job, not worth a copy here.
const maxMergedKeyBytes = 4096

const noBytes = new Uint8Array(0)

const schemaError = (fn: { readonly name: string }, what: GearmanErrors.DecodeError["what"]) => (cause: unknown) =>
  GearmanErrors.fromReason(new GearmanErrors.DecodeError({ function: fn.name, what, cause }))

const giveUpParked = (fleet: Fleet) =>
  Effect.forever(
    Effect.andThen(
      fleet.hasParked.await,
      Effect.suspend(() => {
        const wait = fleet.expireParked()
        return wait === undefined ? Effect.void : Effect.sleep(wait)
      })
    )
  )

export const make = Effect.fnUntraced(function* (options: Options) {
  const addresses = yield* Servers.resolve(options.servers)
  const clock = yield* Clock.Clock
  const timers = yield* FiberSet.make<unknown, unknown>()
  const names = addresses.map(Network.format)
  const limits = {
    maxJobs: count("maxJobs", options.maxJobs ?? defaults.maxJobs),
    maxUnsentBytes: count("maxUnsentBytes", options.maxUnsentBytes ?? defaults.maxUnsentBytes),
    noServerMilliseconds: Duration.toMillis(
      wait("noServerTimeout", options.noServerTimeout ?? defaults.noServerTimeout)
    )
  }
  const fleet = new Fleet(names, limits, () => Monotonic.millis(clock))
  yield* Effect.addFinalizer(() => Effect.sync(() => fleet.close()))
  const read = yield* Books
  read(() => {
    const listened = fleet.links.reduce((sum, { conversation }) => sum + (conversation?.size.listened ?? 0), 0)
    return { ...fleet.size, listened }
  })
  for (const link of fleet.links) {
    const connected = Reconnecting.forever({
      session: {
        address: addresses[link.index]!,
        connectTimeout: time("connectTimeout", options.connectTimeout ?? defaults.connectTimeout),
        probeInterval: time("probeInterval", options.probeInterval ?? defaults.probeInterval),
        probeTimeout: time("probeTimeout", options.probeTimeout ?? defaults.probeTimeout)
      },
      open: () => (link.conversation = new Conversation(link.outbox)),
      onReady: () => fleet.up(link),
      onLost: (_, { cause, problem }) => fleet.down(link, problem, cause),
      role: "client",
      demand: fleet.hasParked.await
    })
    // Servers that are never needed are never dialled.
    yield* Effect.forkScoped(Effect.andThen(link.wanted.await, connected))
  }
  yield* Effect.forkScoped(giveUpParked(fleet))

  const choose = (options.selection ?? ServerSelection.rendezvous).prepare(names)
  let spread = 0

  const all = fleet.links.map((link) => link.index)

  /** `name` and `key` have one character per byte. */
  const orderFor = (name: string, key: string): ReadonlyArray<number> => {
    const order = choose({ function: name, key })
    if (order !== undefined) return order
    if (all.length === 1) return all
    // Spread over those that live, so that a dead server's share is everybody's.
    const alive = all.filter((index) => fleet.links[index]!.isAlive)
    const start = spread++ % Math.max(1, alive.length)
    const rest = alive.length === all.length ? [] : all.filter((index) => !fleet.links[index]!.isAlive)
    return [...alive.slice(start), ...alive.slice(0, start), ...rest]
  }

  /** What is the same for all of a function's calls. */
  const named = new WeakMap<object, Queries.Named>()
  const namedOf = (fn: { readonly name: string }): Queries.Named => {
    let found = named.get(fn)
    if (found === undefined) {
      const bytes = Packet.toBytes(fn.name)
      found = { bytes, key: Codec.latin1(bytes), problem: Encoding.checkFunction(bytes) }
      named.set(fn, found)
    }
    return found
  }

  const workloadOf = <Payload, Success, Error, Progress>(
    fn: JobFunction<string, Payload, Success, Error, Progress>,
    payload: Payload
  ): Effect.Effect<Uint8Array, GearmanError> => {
    const encoded = Effect.mapError(fn.payload.encode(payload), schemaError(fn, "payload"))
    return fn.trace ? Effect.flatMap(encoded, Tracing.wrap) : encoded
  }

  const describe = <Payload, Success, Error, Progress>(
    fn: JobFunction<string, Payload, Success, Error, Progress>,
    payload: Payload,
    options: Omit<RunOptions, "hedge"> | undefined,
    background: { readonly epochSeconds: number } | undefined
  ): Effect.Effect<Description, GearmanError> =>
    Effect.flatMap(workloadOf(fn, payload), (workload) => {
      const name = namedOf(fn)
      if (name.problem !== undefined) return fail(name.problem)
      const unique = options?.unique ?? (fn.unique === "none" ? "" : fn.unique === "payload" ? "-" : fn.unique(payload))
      if (typeof unique !== "string") {
        return fail(new GearmanErrors.InvalidRequest({ field: "unique", problem: "it must be a text" }))
      }
      const priority = options?.priority ?? fn.priority
      const uniqueBytes = unique === "" ? noBytes : Packet.toBytes(unique)
      const packet = Encoding.submission({
        function: name.bytes,
        unique: uniqueBytes,
        workload,
        priority,
        isBackground: background !== undefined,
        epochSeconds: background?.epochSeconds ?? 0
      })
      if (!(packet instanceof Uint8Array)) return fail(packet)
      const key = ServerSelection.keyOf(uniqueBytes, workload)
      const isMergedHere = background === undefined && key !== "" && key.length <= maxMergedKeyBytes
      const description: Description = {
        function: fn.name,
        packet,
        isBackground: background !== undefined,
        isIdempotent: fn.idempotent,
        hasDeadline: Duration.isFinite(timeoutFor(fn, options) ?? Duration.infinity),
        order: orderFor(name.key, key),
        mergeKey: !isMergedHere
          ? undefined
          : `${fn.name}\0${priority}\0${fn.idempotent}\0${unique === "-" ? "-" : "="}${key}`
      }
      return Effect.succeed(description)
    })

  const decoded = <Payload, Success, Error, Progress>(
    fn: JobFunction<string, Payload, Success, Error, Progress>,
    result: Effect.Effect<Uint8Array, GearmanError>
  ): Effect.Effect<Success, GearmanError | Error> =>
    Effect.matchEffect(result, {
      onSuccess: (bytes) => Effect.mapError(fn.success.decode(bytes), schemaError(fn, "success")),
      onFailure: (error): Effect.Effect<never, GearmanError | Error> =>
        error.reason._tag === "JobException" && fn.error !== undefined
          ? Effect.matchEffect(fn.error.decode(error.reason.data), {
              onSuccess: (typed) => Effect.fail(typed),
              onFailure: () => Effect.fail(error)
            })
          : Effect.fail(error)
    })

  const run: Client["Service"]["run"] = (fn, payload, options) => {
    const once = (attempts: Tracing.Attempts) => (description: Description) => {
      const first = attempts.follow((begun) => Requests.result(fleet, description, begun))
      if (options?.hedge === undefined) return decoded(fn, first)
      const hedge = wait("hedge", options.hedge)
      if (!fn.idempotent) return decoded(fn, first)
      const [head, ...others] = description.order
      // There is no second server, and the only one would do the same again.
      if (others.length === 0) return decoded(fn, first)
      const { mergeKey } = description
      const hedged = {
        ...description,
        order: [...others, head!],
        mergeKey: mergeKey === undefined ? undefined : `second\0${mergeKey}`
      }
      let open = 1
      // A server that cannot have it has not answered: another that was asked still may.
      const answer = (attempt: Effect.Effect<Uint8Array, GearmanError>) =>
        Effect.catch(attempt, (error) => (isJobFailure(error) || --open === 0 ? Effect.fail(error) : Effect.never))
      const second = Effect.suspend(() => {
        open++
        return answer(attempts.follow((begun) => Requests.result(fleet, hedged, begun)))
      })
      return decoded(fn, Effect.raceFirst(answer(first), Effect.delay(second, hedge)))
    }
    const effect = Effect.flatMap(Tracing.attempts(fn.name, clock), (attempts) => {
      const call = Effect.flatMap(describe(fn, payload, options, undefined), once(attempts))
      return fn.retry === undefined ? call : Effect.retry(call, { schedule: fn.retry, while: isJobFailure })
    })
    return Effect.suspend(() => {
      const limited = withTimeout(timeoutFor(fn, options), fn.name)(effect)
      const startedAt = Monotonic.millis(clock)
      return Effect.onExit(limited, (exit) =>
        Metrics.clientJob(fn.name, outcomeOf(exit), (Monotonic.millis(clock) - startedAt) / 1000)
      )
    }).pipe(Tracing.withSpan("gearman.run", () => ({ kind: "client", attributes: { "gearman.function": fn.name } })))
  }

  const submit: Client["Service"]["submit"] = (fn, payload, options) => {
    const created = Effect.flatMap(Tracing.attempts(fn.name, clock), (attempts) =>
      Effect.flatMap(describe(fn, payload, options, undefined), (description) =>
        Requests.listen(
          fleet,
          description,
          {
            capacity: count("eventCapacity", options?.eventCapacity ?? defaults.eventCapacity),
            strategy: options?.overflow === "dropNewest" ? "dropping" : "sliding"
          },
          attempts.submission()
        )
      )
    )
    return Effect.suspend(() => {
      const timeout = timeoutFor(fn, options)
      if (timeout === undefined) return Effect.map(created, (listened) => jobOf(fn, listened))
      const deadline = Monotonic.millis(clock) + Duration.toMillis(timeout)
      const accepted = withTimeout(timeout, fn.name)(created)
      return Effect.flatMap(accepted, (listened) =>
        Effect.as(FiberSet.run(timers, limit(listened, deadline, timeoutOf(timeout, fn.name))), jobOf(fn, listened))
      )
    }).pipe(spanOf("gearman.submit", fn))
  }

  /** What the acceptance took of the caller's time is gone. */
  const limit = (listened: Requests.Listened, deadline: number, reason: GearmanErrors.Timeout) =>
    Effect.timeoutOrElse(Deferred.await(listened.result), {
      duration: Math.max(0, deadline - Monotonic.millis(clock)),
      orElse: () => Effect.sync(() => listened.leave(Exit.fail(GearmanErrors.fromReason(reason))))
    })

  const jobOf = <Payload, Success, Error, Progress>(
    fn: JobFunction<string, Payload, Success, Error, Progress>,
    listened: Requests.Listened
  ): Job<Success, Error, Progress> => {
    const result = decoded(fn, Deferred.await(listened.result))
    let isDetached = false
    const done = Stream.fromEffect(Effect.map(result, (value) => ({ _tag: "Done", value }) as const))
    const dropped = () => {
      const count = listened.takeDropped()
      return count === 0 ? [] : [{ _tag: "Dropped", count } as const]
    }
    const toEvent = (event: Event): Effect.Effect<JobEvent<Success, Progress>, GearmanError> =>
      event._tag === "Data" && fn.progress !== undefined
        ? Effect.matchEffect(fn.progress.decode(event.data), {
            onSuccess: (value) => Effect.succeed({ _tag: "Progress", value } as const),
            onFailure: (cause) => Effect.fail(schemaError(fn, "progress")(cause))
          })
        : Effect.succeed(event)
    return {
      handle: Effect.sync(listened.handle),
      events: Stream.fromQueue(listened.events).pipe(
        Stream.mapEffect((event) => Effect.map(toEvent(event), (event) => [...dropped(), event])),
        Stream.flattenIterable,
        Stream.concat(Stream.suspend(() => Stream.fromIterable(dropped()))),
        Stream.concat(
          Stream.catchCause(done, (cause) =>
            isDetached && Cause.hasInterruptsOnly(cause) ? Stream.empty : Stream.failCause(cause)
          )
        )
      ),
      await: result,
      detach: Effect.sync(() => {
        isDetached = true
        listened.leave(Exit.interrupt())
      })
    }
  }

  const background: Client["Service"]["background"] = (fn, payload, options = {}) =>
    Effect.suspend(() =>
      Effect.flatMap(
        describe(fn, payload, options, {
          epochSeconds: Encoding.epochSeconds(options, clock.currentTimeMillisUnsafe())
        }),
        (description) => placed(Requests.handle(fleet, description), (handle) => handle)
      ).pipe(withTimeout(timeoutFor(fn, options), fn.name))
    ).pipe(spanOf("gearman.background", fn))

  const queries = Queries.make({
    fleet,
    requestTimeout: time("requestTimeout", options.requestTimeout ?? defaults.requestTimeout),
    namedOf,
    orderFor
  })

  return { run, submit, background, ...queries } satisfies Client["Service"]
})

const timeoutFor = (
  fn: { readonly timeout: Duration.Duration | undefined },
  options: { readonly timeout?: Duration.Input | undefined } | undefined
): Duration.Duration | undefined => (options?.timeout === undefined ? fn.timeout : wait("timeout", options.timeout))

const spanOf = (name: string, fn: { readonly name: string }) =>
  Tracing.withSpan(name, () => ({ kind: "producer", attributes: { "gearman.function": fn.name } }))

/** Notes on the submission's span where the job is. */
const placed = <A, E>(accepted: Effect.Effect<A, E>, placeOf: (accepted: A) => Tracing.Place): Effect.Effect<A, E> =>
  Effect.tap(accepted, (accepted) => Tracing.annotate(placeOf(accepted)))

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (exit._tag === "Success") return "success"
  const failure = Cause.findErrorOption(exit.cause)
  if (failure._tag === "None") return Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "defect"
  return failure.value instanceof GearmanErrors.GearmanError ? failure.value.reason._tag : "error"
}

/** Only the job's own failures: of all others another try may do harm or no good. */
const isJobFailure = (error: unknown): boolean =>
  !(error instanceof GearmanErrors.GearmanError) ||
  error.reason._tag === "JobFailed" ||
  error.reason._tag === "JobException"
