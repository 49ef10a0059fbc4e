/**
 * One connection to a job server, from dialling to its loss, for whoever dials: the
 * client and the worker. A synchronous machine decides what to say; this program
 * carries it. It reads batches of bytes, hands all their packets to the machine, and
 * writes all that the machine has to say in one go.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Socket from "effect/socket/Socket"
import * as Codec from "../Codec.ts"
import * as Network from "../Network.ts"
import * as Batch from "./Batch.ts"

/** Why a connection is no more, in words for people; `cause` is what was observed. */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{
  readonly problem: string
  readonly cause: unknown
}> {}

/** What a conversation decides. All of it is synchronous. */
export interface Machine {
  /** Open while there is something to take. */
  readonly wake: Latch.Latch
  /** Gives all there is to say, and closes `wake`. */
  readonly take: () => ReadonlyArray<Uint8Array>
  /** What the last `take` gave is with the transport now. */
  readonly sent: () => void
  /** A packet came. A returned text says how the peer broke the protocol. */
  readonly received: (frame: Codec.Frame) => string | undefined
  /**
   * A packet came that is larger than `maxPacketBytes`, with its beginning. True: the machine has
   * seen to it, and the connection goes on.
   */
  readonly oversized: (frame: Codec.Frame, bodyBytes: number) => boolean
  /** All packets of a batch have been handed over. */
  readonly batchEnd: () => void
  /** Opened when we want the connection closed. */
  readonly hangUp: Latch.Latch
  /** The peer is late with an answer it owes; it may be lost, or slow. */
  readonly suspect: () => void
  /** True while the peer owes an answer. */
  readonly isOwed: boolean
  /** Has an ECHO_REQ sent, so that a peer that lives shows it. */
  readonly probe: () => void
}

export interface Options {
  readonly address: Network.Address
  readonly connectTimeout: Duration.Duration
  readonly probeInterval: Duration.Duration
  readonly probeTimeout: Duration.Duration
  /** The server has answered for the first time. */
  readonly onReady: Effect.Effect<void>
}

/**
 * A job's assignment holds all that its submission held and its handle beside: the largest
 * packet that a server takes comes back a little larger. Refusing it here would cost the
 * connection each time, and the server would give us the same job for ever.
 */
export const maxPacketBytes = Codec.defaultLimits.maxPacketBytes + 1024

const limits = { ...Codec.defaultLimits, maxPacketBytes }

/** A peer that owes an answer is suspect after a fifth of the time after which it is given up. */
const suspicionsPerTimeout = 5

const lost = (problem: string, cause: unknown) => new ConnectionLost({ problem, cause })

/** Of OpenSSL's errors the reason alone: the rest is a place in its sources. */
const detailOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return "reason" in error && typeof error.reason === "string" ? error.reason : error.message
}

const fromSocketError = (error: Socket.SocketError): ConnectionLost => {
  switch (error.reason._tag) {
    case "SocketOpenError":
      return lost(`cannot connect: ${detailOf(error.reason.cause)}`, error)
    case "SocketCloseError":
      return lost("the connection was closed", error)
    case "SocketReadError":
    case "SocketWriteError":
      return lost(`the connection broke: ${detailOf(error.reason.cause)}`, error)
    default:
      return lost(`the connection broke: ${error.message}`, error)
  }
}

/**
 * Runs the machine over a fresh connection until it is lost. Interrupting it closes
 * the connection.
 */
export const run = (machine: Machine, options: Options): Effect.Effect<never, ConnectionLost, Network.Network> =>
  Effect.scoped(
    Effect.gen(function* () {
      const network = yield* Network.Network
      const answered = Deferred.makeUnsafe<void>()
      let heard = 0
      let violation: string | undefined
      const decoder = new Codec.Decoder(
        {
          packet: (frame) => {
            violation ??= machine.received(frame)
          },
          oversized: (frame, bodyBytes) => machine.oversized(frame, bodyBytes)
        },
        limits
      )
      const socket = yield* network.connect(options.address)
      const pull = yield* Socket.readerBytes(socket).pipe(
        Effect.mapError(fromSocketError),
        Effect.timeoutOrElse({
          duration: options.connectTimeout,
          orElse: () => Effect.fail(lost("cannot connect in time", undefined))
        })
      )
      const writer = yield* socket.writer

      const read = Effect.flatMap(Effect.mapError(pull, fromSocketError), (chunks) =>
        Effect.suspend(() => {
          heard++
          for (const chunk of chunks) {
            const failure = decoder.push(chunk)
            if (failure !== undefined)
              return Effect.fail(lost(`it does not speak Gearman: ${failure.message}`, failure))
            if (violation !== undefined) return Effect.fail(lost(`it broke the protocol: ${violation}`, undefined))
          }
          machine.batchEnd()
          Deferred.doneUnsafe(answered, Effect.void)
          return Effect.void
        })
      )

      // Whoever is ready to run in this turn adds to the same write.
      const write = Effect.andThen(
        Effect.andThen(machine.wake.await, Effect.yieldNow),
        Effect.suspend(() => {
          const [first, ...rest] = Batch.join(machine.take())
          return first === undefined
            ? Effect.void
            : Effect.tap(Effect.mapError(writer.writeAll([first, ...rest]), fromSocketError), () =>
                Effect.sync(() => machine.sent())
              )
        })
      )

      // A peer that owes an answer gives it at once, so its silence tells sooner than
      // that of one that merely has nothing to say.
      const interval = Duration.toMillis(options.probeInterval)
      const timeout = Duration.toMillis(options.probeTimeout)
      const tick = Math.max(1, Math.min(interval, timeout / suspicionsPerTimeout))
      const probe = Effect.gen(function* () {
        let silent = 0
        let owing = 0
        while (true) {
          const before = heard
          const wasOwed = machine.isOwed
          yield* Effect.sleep(tick)
          silent = heard === before ? silent + tick : 0
          owing = heard === before && wasOwed ? owing + tick : 0
          if (owing >= timeout) return yield* lost("it stopped answering", undefined)
          if (owing > 0) machine.suspect()
          if (silent >= interval && !machine.isOwed) machine.probe()
        }
      })

      const greet = Deferred.await(answered).pipe(
        Effect.timeoutOrElse({
          duration: options.connectTimeout,
          orElse: () => Effect.fail(lost("it accepted the connection but does not answer", undefined))
        }),
        Effect.andThen(options.onReady),
        Effect.andThen(probe)
      )

      yield* Effect.all(
        [
          Effect.forever(read, { disableYield: true }),
          Effect.forever(write, { disableYield: true }),
          greet,
          Effect.andThen(machine.hangUp.await, Effect.fail(lost("we hung up", undefined)))
        ],
        { concurrency: "unbounded", discard: true }
      )
      return yield* Effect.never
    })
  )
