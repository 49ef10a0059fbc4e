/**
 * `effect-gearman/promise`: client and worker for programs that do not use Effect. The
 * same client and worker as everywhere, on Node's sockets, behind Promises.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Client from "../protocol/Client.ts"
import { JobContext } from "../protocol/JobContext.ts"
import * as JobFunction from "../protocol/JobFunction.ts"
import * as Worker from "../protocol/Worker.ts"
import * as NodeNetwork from "../runtime/NodeNetwork.ts"

export * as JobFunction from "../protocol/JobFunction.ts"
export { GearmanError } from "../protocol/GearmanError.ts"

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
): JobFunction.JobFunction<string, Payload, Success, Error, Progress> =>
  (typeof fn === "string" ? JobFunction.utf8(fn) : fn) as JobFunction.JobFunction<
    string,
    Payload,
    Success,
    Error,
    Progress
  >

/**
 * A client. What goes wrong rejects with a `GearmanError`, or the function's own error.
 *
 * @since 0.1.0
 * @category models
 */
export interface PromiseClient {
  /** Submits a job and waits for its result. An aborted signal stops waiting; the job goes on. */
  readonly run: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.SubmitOptions & { readonly signal?: AbortSignal | undefined }
  ) => Promise<Success>
  /** Submits a job and gives what it says, its result (`Done`) last. */
  readonly events: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.SubmitOptions
  ) => AsyncIterable<Client.JobEvent<Success, Progress>>
  /** Submits a job whose result nobody waits for. */
  readonly background: <Payload = string, Success = string, Error = never, Progress = never>(
    fn: FunctionOrName<Payload, Success, Error, Progress>,
    payload: Payload,
    options?: Client.BackgroundOptions
  ) => Promise<Client.JobHandle>
  readonly status: (handle: Client.JobHandle) => Promise<Client.JobStatus>
  /** Closes all connections. */
  readonly close: () => Promise<void>
}

/**
 * A client. Servers are dialled when they are first needed.
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
  const runtime = ManagedRuntime.make(Client.layer(options).pipe(Layer.provide(NodeNetwork.layer)))
  const use = <A, E>(call: (client: Client.Client["Service"]) => Effect.Effect<A, E>, signal?: AbortSignal) =>
    runtime.runPromise(Effect.flatMap(Client.Client, call), signal === undefined ? undefined : { signal })
  return {
    run: (fn, payload, options) => use((client) => client.run(functionOf(fn), payload, options), options?.signal),
    background: (fn, payload, options) => use((client) => client.background(functionOf(fn), payload, options)),
    status: (handle) => use((client) => client.status(handle)),
    events: (fn, payload, options) => {
      const events = Stream.unwrap(
        Effect.flatMap(Client.Client, (client) =>
          Effect.map(client.submit(functionOf(fn), payload, options), (job) => Stream.ensuring(job.events, job.detach))
        )
      )
      return {
        async *[Symbol.asyncIterator]() {
          yield* Stream.toAsyncIterableWith(events, await runtime.context())
        }
      }
    },
    close: () => runtime.dispose()
  }
}

/**
 * What a handler knows of its job, and how it speaks to the job's callers.
 *
 * @since 0.1.0
 * @category models
 */
export interface PromiseJob {
  readonly handle: string
  readonly unique: string
  readonly function: string
  readonly workload: Uint8Array
  /** Aborted when the job's connection is lost, or its time is over: its result has nowhere to go. */
  readonly signal: AbortSignal
  readonly data: (bytes: Uint8Array) => Promise<void>
  readonly warning: (bytes: Uint8Array) => Promise<void>
  readonly progress: (numerator: number, denominator: number) => Promise<void>
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
 * Says how a function's jobs are run. What the handler throws reaches the caller as a
 * `JobException` with the error's text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const handle = <Payload = string, Success = string, Error = never, Progress = never>(
  fn: FunctionOrName<Payload, Success, Error, Progress>,
  handler: (payload: Payload, job: PromiseJob) => Promise<Success> | Success,
  options?: Worker.HandlerOptions
): Handler => ({
  layer: functionOf(fn).toLayer(
    (payload) =>
      Effect.flatMap(JobContext, (job) =>
        Effect.promise(async (signal) =>
          handler(payload, {
            ...job,
            signal,
            data: (bytes) => Effect.runPromise(job.data(bytes)),
            warning: (bytes) => Effect.runPromise(job.warning(bytes)),
            progress: (numerator, denominator) => Effect.runPromise(job.progress(numerator, denominator))
          })
        )
      ),
    options
  )
})

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
  const layers = handlers.map((handler) => handler.layer)
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(Layer.empty, ...layers).pipe(Layer.provide(Worker.layer(options)), Layer.provide(NodeNetwork.layer))
  )
  await runtime.context()
  return { close: () => runtime.dispose() }
}
