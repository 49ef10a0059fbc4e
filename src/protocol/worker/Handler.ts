/**
 * One job, from its assignment to what is said about it: the payload is decoded, the
 * handler runs, and what becomes of it is told to the server.
 *
 * - a value: WORK_COMPLETE;
 * - `JobFail`: WORK_FAIL;
 * - an error that the function's schema describes: WORK_EXCEPTION with its encoding;
 * - a defect, or a payload or result that does not fit its schema or one packet:
 *   WORK_EXCEPTION with a text for people.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Codec from "../Codec.ts"
import * as Metrics from "../connection/Metrics.ts"
import * as Monotonic from "../connection/Monotonic.ts"
import * as Tracing from "../connection/Tracing.ts"
import { DecodeError } from "../GearmanError.ts"
import { JobContext } from "../JobContext.ts"
import type { JobFunction } from "../JobFunction.ts"
import * as Packet from "../Packet.ts"
import type { JobFail } from "../Worker.ts"
import type { Running } from "./Crew.ts"

const { PacketType } = Packet

/** A WORK_ packet with a handle and bytes; `data` is absent in WORK_FAIL. */
const packet = (type: number, handle: string, data: Uint8Array | undefined): Uint8Array => {
  const bodyBytes = data === undefined ? handle.length : handle.length + 1 + data.length
  const bytes = new Uint8Array(Codec.headerBytes + bodyBytes)
  Codec.writeHeader(bytes, 0, false, type, bodyBytes)
  for (let at = 0; at < handle.length; at++) bytes[Codec.headerBytes + at] = handle.charCodeAt(at)
  if (data !== undefined) bytes.set(data, Codec.headerBytes + handle.length + 1)
  return bytes
}

/** A server closes the connection of whoever sends more, and gives the job to the next one. */
const isTooLarge = (handle: string, data: Uint8Array): boolean =>
  handle.length + 1 + data.length > Codec.defaultLimits.maxPacketBytes

const tooLarge = (data: Uint8Array) =>
  new RangeError(
    `${data.length} bytes do not fit in one packet of ${Codec.defaultLimits.maxPacketBytes}; send them in parts, with JobContext.data`
  )

const maxProgress = 0xffffffff

const isProgress = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= maxProgress

const contextOf = (run: Running, name: string, workload: Uint8Array): JobContext["Service"] => {
  const { assignment, conversation } = run
  const send = (make: () => Uint8Array) =>
    Effect.andThen(
      conversation.room.await,
      Effect.sync(() => {
        if (!run.isLost) conversation.say(make())
      })
    )
  const sendBytes = (type: number, bytes: Uint8Array) => {
    // Programs without types send what is none, and callers would get as many zeros.
    if (!(bytes instanceof Uint8Array)) {
      return Effect.die(new TypeError(`data and warnings are bytes (a Uint8Array), not ${typeof bytes}`))
    }
    return isTooLarge(assignment.handle, bytes)
      ? Effect.die(tooLarge(bytes))
      : send(() => packet(type, assignment.handle, bytes))
  }
  return {
    handle: assignment.handle,
    unique: assignment.unique,
    function: name,
    server: conversation.server,
    workload,
    data: (bytes) => sendBytes(PacketType.WORK_DATA, bytes),
    warning: (bytes) => sendBytes(PacketType.WORK_WARNING, bytes),
    progress: (numerator, denominator) =>
      isProgress(numerator) && isProgress(denominator)
        ? send(() => packet(PacketType.WORK_STATUS, assignment.handle, Packet.toBytes(`${numerator}\0${denominator}`)))
        : Effect.die(
            new RangeError(
              `progress is ${numerator} of ${denominator}; both must be whole numbers from 0 to ${maxProgress}, such as 50 of 100`
            )
          )
  }
}

type Outcome = "success" | "fail" | "exception" | "lost"

/** What is to be said at a job's end. */
type Answer = readonly [type: number, data: Uint8Array | undefined]

const failed: Answer = [PacketType.WORK_FAIL, undefined]

const say = (run: Running, [type, data]: Answer): Outcome => {
  const { assignment, conversation } = run
  if (run.isLost) return "lost"
  if (data !== undefined && isTooLarge(assignment.handle, data)) {
    return say(run, [PacketType.WORK_EXCEPTION, textOf(tooLarge(data))])
  }
  conversation.say(packet(type, assignment.handle, data))
  if (type === PacketType.WORK_EXCEPTION && conversation.needsFailAfterException) {
    conversation.say(packet(PacketType.WORK_FAIL, assignment.handle, undefined))
  }
  return type === PacketType.WORK_COMPLETE ? "success" : type === PacketType.WORK_FAIL ? "fail" : "exception"
}

/** What people read of an error that has no schema: no stack, which would tell callers of our files. */
const textOf = (error: unknown): Uint8Array =>
  Packet.toBytes(String(error instanceof Error ? error : Cause.prettyErrors(Cause.die(error))[0]))

/** What people read of a value that does not fit its schema. */
const unfit = (fn: { readonly name: string }, what: DecodeError["what"], cause: Schema.SchemaError): Uint8Array =>
  Packet.toBytes(`DecodeError: ${new DecodeError({ function: fn.name, what, cause }).message}`)

/** A job of a function that nobody here serves, or one that cannot be run. */
export const refuse = (run: Running): void => {
  const problem = run.assignment.problem ?? "this worker does not serve the function"
  say(run, [PacketType.WORK_EXCEPTION, Packet.toBytes(`Error: ${problem}`)])
}

/** A job whose program broke off so hard that nothing of it was said: what a handler returned is no effect, say. */
export const brokeOff = (run: Running, cause: Cause.Cause<unknown>): void => {
  say(run, [PacketType.WORK_EXCEPTION, textOf(Cause.squash(cause))])
}

/** After a timeout the server gives the job to another worker; only if it does not, the job is failed. */
const timeoutGraceMillis = 1000

export const make = <Payload, Success, Error, Progress, R>(
  fn: JobFunction<string, Payload, Success, Error, Progress>,
  handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
  context: Context.Context<Exclude<R, JobContext | Scope.Scope>>,
  timeout: Duration.Duration | undefined
): ((run: Running) => Effect.Effect<void>) => {
  /** Runs the handler and returns what is to be said of its end. */
  const respond = Effect.fnUntraced(function* (run: Running, workload: Uint8Array): Effect.fn.Return<Answer> {
    const payload = yield* Effect.result(fn.payload.decode(workload))
    if (payload._tag === "Failure") {
      return [PacketType.WORK_EXCEPTION, unfit(fn, "payload", payload.failure)]
    }
    // A handler that needs a scope gets one of its own.
    const exit = yield* Effect.scoped(Effect.suspend(() => handler(payload.success))).pipe(
      Effect.provideContext(
        Context.add(context, JobContext, contextOf(run, fn.name, workload)) as Context.Context<Exclude<R, Scope.Scope>>
      ),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) {
      const result = yield* Effect.result(fn.success.encode(exit.value))
      if (result._tag === "Success") return [PacketType.WORK_COMPLETE, result.success]
      yield* Effect.logWarning("A handler's result does not fit its schema", result.failure)
      return [PacketType.WORK_EXCEPTION, unfit(fn, "success", result.failure)]
    }
    const failure = Cause.findErrorOption(exit.cause)
    if (failure._tag === "None") return yield* died(run, exit.cause)
    if (isJobFail(failure.value)) return failed
    if (fn.error === undefined) return [PacketType.WORK_EXCEPTION, textOf(failure.value)]
    const error = yield* Effect.result(fn.error.encode(failure.value))
    if (error._tag === "Success") return [PacketType.WORK_EXCEPTION, error.success]
    yield* Effect.logWarning("A handler's error does not fit its schema", error.failure)
    return [PacketType.WORK_EXCEPTION, unfit(fn, "error", error.failure)]
  })

  const died = (run: Running, cause: Cause.Cause<unknown>): Effect.Effect<Answer> => {
    const answer: Answer = [PacketType.WORK_EXCEPTION, textOf(Cause.squash(cause))]
    return run.isLost ? Effect.succeed(answer) : Effect.as(Effect.logWarning("A handler died", cause), answer)
  }

  /** Whatever throws on the way, a schema's own code too, the caller gets an answer. */
  const answered = (run: Running, workload: Uint8Array): Effect.Effect<Answer> =>
    Effect.catchCause(respond(run, workload), (cause) => died(run, cause))

  /** Says how the job ended, and returns it in the words of the metrics. */
  const limited = (run: Running, workload: Uint8Array): Effect.Effect<Outcome> => {
    const answer =
      timeout === undefined
        ? answered(run, workload)
        : Effect.timeoutOrElse(answered(run, workload), {
            duration: timeout,
            orElse: () => Effect.as(Effect.sleep(timeoutGraceMillis), failed)
          })
    // Only now it is decided whether it was in time: what had been said before could not be taken back.
    return Effect.map(answer, (it) => say(run, it))
  }

  return Effect.fnUntraced(function* (run: Running) {
    const clock = yield* Clock.Clock
    const { assignment, conversation } = run
    const { parent, payload } = fn.trace
      ? Tracing.unwrap(assignment.workload)
      : { parent: undefined, payload: assignment.workload }
    const labels = { function: fn.name, handle: assignment.handle, server: conversation.server }
    const startedAt = Monotonic.millis(clock)
    const outcome = yield* limited(run, payload).pipe(
      Effect.annotateLogs(labels),
      Effect.onInterrupt(() => Metrics.workerJob(fn.name, "lost")),
      Tracing.withSpan("gearman.handle", () => ({
        kind: "consumer",
        parent,
        attributes: {
          "gearman.function": labels.function,
          "gearman.handle": labels.handle,
          "gearman.server": labels.server
        }
      })),
      // For spans and requests of the handler's own, where only those are traced.
      (effect) => (parent === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, parent))
    )
    yield* Metrics.workerJob(fn.name, outcome)
    yield* Metrics.handlerSeconds(fn.name, (Monotonic.millis(clock) - startedAt) / 1000)
  })
}

const isJobFail = (error: unknown): error is JobFail =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "JobFail"
