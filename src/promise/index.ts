/**
 * `effect-gearman/promise`: client and worker for programs that do not use Effect. The
 * same client and worker as everywhere, on Node's sockets, behind Promises.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Client from "../protocol/Client.ts"
import * as Servers from "../protocol/connection/Servers.ts"
import { ClientClosed, fromReason } from "../protocol/GearmanError.ts"
import { JobContext } from "../protocol/JobContext.ts"
import * as JobFunction from "../protocol/JobFunction.ts"
import type * as Network from "../protocol/Network.ts"
import * as Worker from "../protocol/Worker.ts"
import * as NodeNetwork from "../runtime/NodeNetwork.ts"

export * as JobFunction from "../protocol/JobFunction.ts"
export { GearmanError } from "../protocol/GearmanError.ts"
export { InvalidAddress } from "../protocol/Network.ts"
export { JobFail } from "../protocol/Worker.ts"

/**
 * A function, or merely its name for one of text to text.
 *
 * @since 0.1.0
 * @category models
 */
export type FunctionOrName<Payload, Success, Error = never, Progress = never> =
  | JobFunction.JobFunction<string, Payload, Success, Error, Progress>
  | (Payload extends string ? string : never)

const functionOf = <Payload, Success, Error, Progress>(
  fn: FunctionOrName<Payload, Success, Error, Progress>
): JobFunction.JobFunction<string, Payload, Success, Error, Progress> => {
  const definition: unknown = typeof fn === "string" ? JobFunction.utf8(fn) : fn
  if (typeof definition !== "object" || definition === null || !("payload" in definition)) {
    throw new TypeError(`a function is given by its name, or as JobFunction made it; this is ${String(definition)}`)
  }
  return definition as JobFunction.JobFunction<string, Payload, Success, Error, Progress>
}

/**
 * How to stop waiting: the call then rejects with the signal's reason. The job goes on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/**
 * A client. What goes wrong rejects with a `GearmanError`, or the function's own error;
 * a call after `close` with a `GearmanError` whose reason is `ClientClosed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface PromiseClient {
  /** Submits a job and waits for its result. */
  readonly run: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.RunOptions & Abortable
  ) => Promise<Success>
  /** Submits a job and gives what it says, its result (`Done`) last. Leaving the loop stops listening. */
  readonly events: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.SubmitOptions & Abortable
  ) => AsyncIterable<Client.JobEvent<Success, Progress>>
  /** Submits a job whose result nobody waits for. */
  readonly background: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.BackgroundOptions & Abortable
  ) => Promise<Client.JobHandle>
  /** Asks the job's server about it. */
  readonly status: (handle: Client.JobHandle, options?: Abortable) => Promise<Client.JobStatus>
  /** Asks about a job by its unique. */
  readonly statusByUnique: (
    fn: { readonly name: string } | string,
    unique: string,
    options?: Abortable
  ) => Promise<Client.JobStatus>
  /** Sends bytes to a server, or to the first that can be reached, and resolves with what came back: a health check. */
  readonly echo: (server?: Network.Address | string, bytes?: Uint8Array, options?: Abortable) => Promise<Uint8Array>
  /** Closes all connections. What still waits rejects: `ClientClosed`, or `Ambiguous` where a job was sent. */
  readonly close: () => Promise<void>
}

/** An abort is told as the signal tells it, everything else as the error that it is. */
const runPromise = async <A, E>(effect: Effect.Effect<A, E>, signal: AbortSignal | undefined): Promise<A> => {
  signal?.throwIfAborted()
  const exit = await Effect.runPromiseExit(effect, signal === undefined ? undefined : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) signal?.throwIfAborted()
  throw Cause.squash(exit.cause)
}

/**
 * A client. Servers are dialled when they are first needed. Throws `InvalidAddress` when
 * a server's text is no address, or there is no server, and a `RangeError` when another
 * option makes no sense.
 *
 * @example
 * ```ts
 * import { connect } from "effect-gearman/promise"
 *
 * const client = connect({ servers: ["127.0.0.1:4730"] })
 * console.log(await client.run("reverse", "hello"))
 * await client.close()
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = (options: Client.Options): PromiseClient => {
  const servers = Effect.runSync(Servers.resolve(options.servers))
  const runtime = ManagedRuntime.make(Client.layer({ ...options, servers }).pipe(Layer.provide(NodeNetwork.layer)))
  // At once, so that an option that makes no sense is told here, and not by every call.
  const client = runtime.runSync(Client.Client)
  let isClosed = false

  // Calls run beside the runtime, not in it, so that closing tells them what became of
  // their jobs instead of interrupting them.
  const service = (): Client.Client["Service"] => {
    if (isClosed) throw fromReason(new ClientClosed())
    return client
  }
  const use = async <A, E>(
    call: (client: Client.Client["Service"]) => Effect.Effect<A, E>,
    options: Abortable | undefined
  ): Promise<A> => runPromise(call(service()), options?.signal)

  const events: PromiseClient["events"] = (fn, payload, options) => ({
    async *[Symbol.asyncIterator]() {
      const job = await runPromise(service().submit(functionOf(fn), payload, options), options?.signal)
      const { signal } = options ?? {}
      const aborted = Effect.callback<never>((resume) => {
        const stop = () => resume(Effect.interrupt)
        if (signal?.aborted === true) stop()
        else signal?.addEventListener("abort", stop)
        return Effect.sync(() => signal?.removeEventListener("abort", stop))
      })
      const heard = signal === undefined ? job.events : Stream.interruptWhen(job.events, aborted)
      try {
        yield* Stream.toAsyncIterable(heard)
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      } finally {
        Effect.runSync(job.detach)
      }
    }
  })

  return {
    run: (fn, payload, options) => use((client) => client.run(functionOf(fn), payload, options), options),
    events,
    background: (fn, payload, options) => use((client) => client.background(functionOf(fn), payload, options), options),
    status: (handle, options) => use((client) => client.status(handle), options),
    statusByUnique: (fn, unique, options) =>
      use((client) => client.statusByUnique(typeof fn === "string" ? { name: fn } : fn, unique), options),
    echo: (server, bytes, options) => use((client) => client.echo(server, bytes), options),
    close: () => {
      isClosed = true
      return runtime.dispose()
    }
  }
}

/**
 * What a handler knows of its job, and how it speaks to the job's callers.
 *
 * @since 0.1.0
 * @category models
 */
export interface PromiseJob<Progress = never> {
  readonly handle: string
  readonly unique: string
  readonly function: string
  /** The job server, as `host:port`. */
  readonly server: string
  readonly workload: Uint8Array
  /** Aborted when the job's connection is lost, or its time is over: its result has nowhere to go. */
  readonly signal: AbortSignal
  readonly data: (bytes: Uint8Array) => Promise<void>
  readonly warning: (bytes: Uint8Array) => Promise<void>
  readonly progress: (numerator: number, denominator: number) => Promise<void>
  /** A value of the function's `progress` schema. */
  readonly report: (value: Progress) => Promise<void>
}

/**
 * A function with its handler, for `serve`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Handler {
  readonly layer: Layer.Layer<never, never, Worker.Worker>
}

/**
 * Says how a function's jobs are run. What the handler throws reaches the caller: a
 * value of the function's `error` schema as that error, `JobFail` as `JobFailed`, and
 * everything else as a `JobException` with the error's text.
 *
 * @example
 * ```ts
 * import { handle, JobFail } from "effect-gearman/promise"
 *
 * const even = handle("even", (text, job) => {
 *   if (Number(text) % 2 !== 0) throw new JobFail()
 *   return `${text} of ${job.server}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const handle = <Payload = string, Success = string, Error = never, Progress = never>(
  fn: FunctionOrName<Payload, Success, Error, Progress>,
  handler: (payload: Payload, job: PromiseJob<Progress>) => Promise<Success> | Success,
  options?: Worker.HandlerOptions
): Handler => {
  const definition = functionOf(fn)
  if (typeof handler !== "function") {
    throw new TypeError(`the handler of "${definition.name}" must be a function, not ${String(handler)}`)
  }

  const thrown = (error: unknown): Effect.Effect<never, Error | Worker.JobFail> => {
    if (error instanceof Worker.JobFail) return Effect.fail(error)
    return definition.error === undefined
      ? Effect.die(error)
      : Effect.matchCauseEffect(
          Effect.suspend(() => definition.error!.encode(error as Error)),
          {
            onFailure: () => Effect.die(error),
            onSuccess: () => Effect.fail(error as Error)
          }
        )
  }

  return {
    layer: definition.toLayer(
      (payload) =>
        Effect.flatMap(JobContext, (job) =>
          Effect.tryPromise({
            try: async (signal) =>
              handler(payload, {
                ...job,
                signal,
                data: (bytes) => Effect.runPromise(job.data(bytes)),
                warning: (bytes) => Effect.runPromise(job.warning(bytes)),
                progress: (numerator, denominator) => Effect.runPromise(job.progress(numerator, denominator)),
                report: (value) => Effect.runPromise(Effect.provideService(definition.report(value), JobContext, job))
              }),
            catch: (error) => ({ error })
          })
        ).pipe(Effect.catch(({ error }) => thrown(error))),
      options
    )
  }
}

/**
 * Starts a worker. Resolves once it is set up; `close` finishes the jobs that run and
 * takes no more.
 *
 * @example
 * ```ts
 * import { handle, serve } from "effect-gearman/promise"
 *
 * const worker = await serve({ servers: ["127.0.0.1:4730"], concurrency: 4 }, [
 *   handle("reverse", async (text) => [...text].reverse().join(""))
 * ])
 * process.once("SIGTERM", () => worker.close())
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const serve = async (
  options: Worker.Options,
  handlers: ReadonlyArray<Handler>
): Promise<{ readonly close: () => Promise<void> }> => {
  // Whoever has no types would be told something else.
  const given: unknown = handlers
  if (!Array.isArray(given) || given.some((handler) => handler?.layer === undefined)) {
    throw new TypeError("serve wants a list of what `handle` made: serve(options, [handle(name, handler), …])")
  }
  const layers = handlers.map((handler) => handler.layer)
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(Layer.empty, ...layers).pipe(Layer.provide(Worker.layer(options)), Layer.provide(NodeNetwork.layer))
  )
  await runtime.context()
  return { close: () => runtime.dispose() }
}
