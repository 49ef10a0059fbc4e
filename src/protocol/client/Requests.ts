/**
 * A client's calls as effects over the fleet: how a caller attaches, waits, and leaves.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Codec from "../Codec.ts"
import type * as Tracing from "../connection/Tracing.ts"
import * as GearmanErrors from "../GearmanError.ts"
import type { GearmanError } from "../GearmanError.ts"
import type { Fleet, Link } from "./Fleet.ts"
import type { Description, Event, Listener } from "./Submission.ts"

export interface Handle {
  readonly server: string
  readonly handle: string
}

export const fail = (reason: GearmanErrors.Reason) => Effect.fail(GearmanErrors.fromReason(reason))

export const timeoutOf = (timeout: Duration.Duration, operation: string) =>
  new GearmanErrors.Timeout({ operation, milliseconds: Duration.toMillis(timeout) })

export const withTimeout = (timeout: Duration.Duration | undefined, operation: string) =>
  timeout === undefined
    ? <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | GearmanError> => effect
    : <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | GearmanError> =>
        Effect.timeoutOrElse(effect, { duration: timeout, orElse: () => fail(timeoutOf(timeout, operation)) })

const noEvent = (): void => {}

/** Submits and waits for the result's bytes. Interruption leaves. */
export const result = (
  fleet: Fleet,
  description: Description,
  onHandle: (handle: Handle) => void
): Effect.Effect<Uint8Array, GearmanError> =>
  Effect.callback((resume) => {
    const listener: Listener = {
      hasDeadline: description.hasDeadline,
      event: (event) => {
        if (event._tag === "Created") onHandle(event.handle)
      },
      succeeded: (bytes) => resume(Effect.succeed(bytes)),
      failed: (error) => resume(Effect.fail(error))
    }
    const submission = fleet.submit(description, listener)
    return Effect.sync(() => submission.detach(listener))
  })

/** Submits and waits until a server has accepted it. */
export const handle = (fleet: Fleet, description: Description): Effect.Effect<Handle, GearmanError> =>
  Effect.callback((resume) => {
    const listener: Listener = {
      hasDeadline: description.hasDeadline,
      event: (event) => {
        if (event._tag === "Created") resume(Effect.succeed(event.handle))
      },
      succeeded: noEvent,
      failed: (error) => resume(Effect.fail(error))
    }
    const submission = fleet.submit(description, listener)
    return Effect.sync(() => submission.detach(listener))
  })

/** A job that is listened to. */
export interface Listened {
  readonly handle: () => Handle
  readonly events: Queue.Queue<Event, Cause.Done>
  /** How many events nobody read in time since this was called last. */
  readonly takeDropped: () => number
  readonly result: Deferred.Deferred<Uint8Array, GearmanError>
  /** Leaves; whoever waits then is told so. */
  readonly leave: (why: Exit.Exit<never, GearmanError>) => void
}

/** Submits, and returns once a server has accepted it; the caller then listens until it leaves. */
export const listen = (
  fleet: Fleet,
  description: Description,
  events: { readonly capacity: number; readonly strategy: "sliding" | "dropping" },
  watch: Tracing.Watch
): Effect.Effect<Listened, GearmanError> =>
  Effect.flatMap(Queue.make<Event, Cause.Done>(events), (queue) => {
    const result = Deferred.makeUnsafe<Uint8Array, GearmanError>()
    return Effect.callback<Listened, GearmanError>((resume) => {
      let handle: Handle | undefined
      let dropped = 0
      const end = (exit: Exit.Exit<Uint8Array, GearmanError>) => {
        watch.ended(exit)
        Deferred.doneUnsafe(result, exit)
        Queue.endUnsafe(queue)
        // Nobody may be waiting for the acceptance any more: then this does nothing.
        if (exit._tag === "Failure") resume(Effect.failCause(exit.cause))
      }
      const listener: Listener = {
        hasDeadline: description.hasDeadline,
        event: (event) => {
          const isFull = Queue.sizeUnsafe(queue) >= events.capacity
          Queue.offerUnsafe(queue, event)
          if (isFull) dropped++
          if (event._tag !== "Created") return
          const isFirst = handle === undefined
          handle = event.handle
          watch.begun(handle)
          if (isFirst) resume(Effect.succeed(listened))
        },
        succeeded: (bytes) => end(Exit.succeed(bytes)),
        failed: (error) => end(Exit.fail(error))
      }
      const listened: Listened = {
        handle: () => handle!,
        events: queue,
        takeDropped: () => {
          const count = dropped
          dropped = 0
          return count
        },
        result,
        leave: (why) => {
          submission.detach(listener)
          end(why)
        }
      }
      const submission = fleet.submit(description, listener)
      return Effect.sync(() => submission.detach(listener))
    })
  })

/** Asks a server one thing. */
export const ask = <A>(
  fleet: Fleet,
  link: Link,
  packet: Uint8Array,
  answer: number,
  read: (frame: Codec.Frame) => A
): Effect.Effect<A, GearmanError> =>
  Effect.callback((resume) => {
    const request = fleet.ask(link, packet, {
      answer,
      answered: (frame) => resume(Effect.succeed(read(frame))),
      refused: (code, text, cause) =>
        resume(
          Effect.fail(
            GearmanErrors.fromReason(
              code === ""
                ? fleet.isClosed
                  ? new GearmanErrors.ClientClosed()
                  : new GearmanErrors.NoServer({ servers: [{ server: link.server, problem: text }], cause })
                : new GearmanErrors.Refused({ server: link.server, code, text })
            )
          )
        )
    })
    return Effect.sync(() => {
      request.isWithdrawn = true
    })
  })
