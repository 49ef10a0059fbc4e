/**
 * Keeps one server connected: dials, serves until the connection is lost, waits a
 * growing and jittered time, dials again.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as Network from "../Network.ts"
import * as Backoff from "./Backoff.ts"
import * as Metrics from "./Metrics.ts"
import * as Monotonic from "./Monotonic.ts"
import * as Session from "./Session.ts"

export interface Options<M extends Session.Machine> {
  readonly role: "client" | "worker"
  readonly session: Omit<Session.Options, "onReady">
  /** A machine for a fresh connection. */
  readonly open: () => M
  /** The server has answered over it. */
  readonly onReady: (machine: M) => void
  /** The connection is lost, or there never was one. */
  readonly onLost: (machine: M, lost: Session.ConnectionLost) => void
  /** Succeeds when somebody urgently needs a server; the wait is then short. Default: nobody ever does. */
  readonly demand?: Effect.Effect<void>
}

/**
 * A worker's callers are elsewhere, so whoever runs it learns of a server that is not there
 * by the log alone: once when it is gone, once when it is back. A client tells its callers.
 */
const levelOf = (role: Options<never>["role"], isNews: boolean, level: LogLevel.Severity): LogLevel.Severity =>
  role === "worker" && isNews ? level : "Debug"

/** A connection that lasted this long was a good one, however long it had been waited for. */
const stableMillis = 1000

export const forever = Effect.fnUntraced(function* <M extends Session.Machine>(
  options: Options<M>
): Effect.fn.Return<never, never, Network.Network> {
  const clock = yield* Clock.Clock
  let failures = 0
  let delay = 0
  const server = Network.format(options.session.address)
  const log = (level: LogLevel.Severity, message: string) =>
    Effect.annotateLogs(Effect.logWithLevel(level)(message), { role: options.role, server })
  while (true) {
    const machine = options.open()
    let readyAt: number | undefined
    const lost = yield* Effect.flip(
      Session.run(machine, {
        ...options.session,
        onReady: Effect.suspend(() => {
          readyAt = Monotonic.millis(clock)
          options.onReady(machine)
          return log(levelOf(options.role, failures > 0, "Info"), "Connected")
        })
      })
    )
    options.onLost(machine, lost)
    yield* Metrics.connectionLost(options.role, server)
    const what = readyAt === undefined ? "No connection" : "The connection was lost"
    const isNews = readyAt !== undefined || failures === 0
    yield* log(
      levelOf(options.role, isNews, "Warn"),
      `${what}: ${lost.problem}; trying again until the server is there`
    )
    // A server that answers and then drops us at once is no healthier than one that refuses.
    const wasStable = readyAt !== undefined && Monotonic.millis(clock) - readyAt >= Math.min(delay, stableMillis)
    failures = wasStable ? 1 : failures + 1
    const wait = yield* Backoff.delay(failures)
    delay = Duration.toMillis(wait)
    if (options.demand === undefined) {
      yield* Effect.sleep(wait)
    } else {
      const sooner = Duration.min(wait, yield* Backoff.delayOnDemand)
      yield* Effect.raceFirst(Effect.sleep(wait), Effect.andThen(options.demand, Effect.sleep(sooner)))
    }
  }
})
