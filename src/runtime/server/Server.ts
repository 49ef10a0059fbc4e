/**
 * One job server process from its settings: binds, writes the pid file, changes user,
 * says that it is ready, obeys signals, and cleans up.
 *
 * SIGTERM and SIGINT stop it (at once, or within `--drain-timeout`), SIGUSR1 stops it
 * when no job is left, SIGHUP reopens the log and reads certificates again.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as JobServer from "../../protocol/JobServer.ts"
import * as Network from "../../protocol/Network.ts"
import type { JobObserver } from "../../protocol/server/Observer.ts"
import * as NodeNetwork from "../NodeNetwork.ts"
import { limits } from "../network/NodeListener.ts"
import type { InvalidCertificate } from "../network/Tls.ts"
import * as PidFile from "../PidFile.ts"
import * as Descriptors from "./Descriptors.ts"
import * as JobLog from "./JobLog.ts"
import * as Log from "./Log.ts"
import type * as Parse from "./parse.ts"
import { isLoopback, type Settings } from "./Settings.ts"
import * as RefusalLog from "./RefusalLog.ts"
import { readRulesAgain } from "./Reload.ts"
import * as Signals from "./Signals.ts"
import type { StartError } from "./StartError.ts"
import * as Supervisor from "./Supervisor.ts"
import * as User from "./User.ts"

/** What differs between `effect-gearman server` and the stand-in for gearmand. */
export interface Mode {
  /** Where logs go unless a file was given. */
  readonly defaultLog: string
  /** As gearmand does: a busy port is tried again for about twenty seconds, and jobs can be cancelled. */
  readonly isStandIn: boolean
  /** Reads flags, variables and file again; the file may have changed. */
  readonly readAgain: () => Settings | Parse.Refusal
  /** Called once the port answers. */
  readonly onReady: (addresses: ReadonlyArray<Network.Address>) => void
}

/** The reason of those whose handshake failed, beside the limits that connections reach. */
const tlsHandshake = "tlsHandshake"

/** gearmand's pauses, in seconds, while another process still holds the port, or the pid file. */
const bindPauses = [1, 2, 4, 6, 9]

/** A limit of 0 is none. */
const noneAsInfinity = (limit: number): number => (limit === 0 ? Number.POSITIVE_INFINITY : limit)

const bind = (settings: Settings, mode: Mode, log: Log.Log) => {
  const listen = JobServer.listen({
    address: settings.address,
    identity: settings.identity,
    textProtocol: settings.textProtocol,
    listeners: settings.listeners,
    accessRules: settings.accessRules,
    jobRetries: settings.jobRetries,
    workerWakeup: settings.workerWakeup,
    exceptions: settings.exceptions,
    jobHandlePrefix: settings.jobHandlePrefix,
    allowShutdown: settings.allowShutdown,
    allowCancel: settings.allowCancel || mode.isStandIn,
    maxJobsPerFunction: settings.maxJobsPerFunction,
    maxWorkloadBytes: settings.maxWorkloadBytes,
    idleTimeoutMillis: settings.idleSeconds * 1_000,
    workerProbeMillis: settings.workerProbeSeconds * 1_000,
    wakeupTimeoutMillis: noneAsInfinity(settings.wakeupSeconds) * 1_000,
    maxJobs: settings.maxJobs,
    maxFunctions: settings.maxFunctions,
    maxFunctionsPerConnection: settings.maxFunctionsPerConnection,
    maxConnections: settings.maxConnections,
    maxPacketBytes: settings.maxPacketBytes,
    maxOutputBytes: settings.maxOutputBytes,
    verbose: settings.level,
    processId: process.pid
  })
  // Before anything listens: whoever connects would be cut off.
  const attempt = settings.pidFile === undefined ? listen : Effect.andThen(PidFile.mustBeFree(settings.pidFile), listen)
  const isTaken = (error: Network.NetworkError | PidFile.PidFileError) =>
    error._tag === "PidFileError" || (error.cause as NodeJS.ErrnoException).code === "EADDRINUSE"
  const withPauses = (pauses: ReadonlyArray<number>): typeof attempt =>
    pauses.length === 0 || !mode.isStandIn
      ? attempt
      : Effect.catchIf(attempt, isTaken, (error) => {
          log.write("WARNING", `${error.message}; trying again in ${pauses[0]} s`)
          return Effect.andThen(Effect.sleep(pauses[0]! * 1_000), withPauses(pauses.slice(1)))
        })
  return withPauses(bindPauses)
}

/**
 * Metrics, over HTTP and to a collector, traces, and the log's lines about jobs. Loaded only
 * when asked for: they double the time to start.
 */
const observe = Effect.fnUntraced(function* (
  settings: Settings,
  server: JobServer.Running,
  refusals: ReadonlyMap<string, number>,
  log: Log.Log
) {
  const observers: Array<JobObserver | undefined> = [JobLog.make(log)]
  if (settings.httpAddress !== undefined || settings.hasTelemetry) {
    const [Metrics, { JobTimes }] = yield* Effect.promise(() =>
      Promise.all([import("./Metrics.ts"), import("./JobTimes.ts")])
    )
    const times = new JobTimes(
      () => server.core.jobs.nowMillis,
      (key) => server.core.jobs.functions.find(key)?.isIdle === false
    )
    observers.push(times)
    const sources = { core: server.core, times, refusals, linesLost: log.lost }
    if (settings.httpAddress !== undefined) {
      const Http = yield* Effect.promise(() => import("./Http.ts"))
      const url = yield* Http.serve(settings.httpAddress, server, Metrics.make(sources))
      log.write("NOTICE", `metrics, health and status on ${url}`)
    }
    if (settings.hasTelemetry) {
      const Telemetry = yield* Effect.promise(() => import("./Telemetry.ts"))
      observers.push(yield* Telemetry.start(settings.otlpEndpoint, process.env, log, Metrics.make(sources)))
    }
  }
  server.core.jobs.observer = JobLog.together(observers)
})

/** Who can connect, where that may surprise whoever started the server. */
const tellWhoCanConnect = (settings: Settings, mode: Mode, address: Network.Address, log: Log.Log): void => {
  if (isLoopback(address)) {
    const isSurprise = !settings.isListenChosen && (settings.expectsOthers || mode.isStandIn)
    const text = "only this machine can connect; --listen='*' opens the server to others"
    return log.write(isSurprise ? "WARNING" : "INFO", text)
  }
  const asksWho = settings.accessRules !== undefined || (settings.hasTls && settings.tls?.authorities !== undefined)
  if (!asksWho)
    log.write(
      "WARNING",
      "whoever reaches this server may submit, serve and administrate; see --allow and --ssl-ca-file"
    )
}

/** Once a second: the proof in production that no job waits beside a sleeping worker. */
const watchWakeups = (server: JobServer.Running, log: Log.Log): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.sleep("1 second"),
      Effect.sync(() => {
        for (const key of server.core.checkWakeups())
          log.write("ERROR", `jobs of ${key} waited beside a sleeping worker; it was woken. Please report this`)
      })
    )
  )

/**
 * Runs the server until it is told to stop. Fails with an error whose message a person
 * understands.
 */
export const run = (
  settings: Settings,
  mode: Mode
): Effect.Effect<void, StartError | PidFile.PidFileError | Network.NetworkError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const log = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Log.open({
            level: settings.level,
            format: settings.logFormat,
            target: settings.logFile ?? mode.defaultLog,
            isTargetChosen: settings.logFile !== undefined,
            syslog: settings.syslog
          })
        ),
        (log) => Effect.sync(log.close)
      )
      Signals.obeyEarly(log)
      for (const warning of settings.warnings) log.write("WARNING", warning)
      Descriptors.tellIfTooFew(settings, log)
      const supervisor = Supervisor.find((problem) => log.write("ERROR", problem))
      // All of them from the start: who watches how a count grows must not miss the first.
      const refusals = new Map<string, number>([...limits, tlsHandshake].map((reason) => [reason, 0]))
      const turnAway = (peer: string, reason: string, why: string) => {
        const count = refusals.get(reason)! + 1
        refusals.set(reason, count)
        // A flood must not become a flood of lines.
        log.write(count % 1_000 === 1 ? "WARNING" : "DEBUG", `connection from ${peer} closed: ${why} (${count} so far)`)
      }
      const reloadsOfTls: Array<Effect.Effect<void, InvalidCertificate>> = []
      const onHangUp = (server: JobServer.Running) => {
        readRulesAgain(server, log, mode.readAgain)
        Effect.runSync(
          Effect.match(Effect.all(reloadsOfTls), {
            onFailure: (error) => log.write("ERROR", `${error.message}; the certificates there were stay in use`),
            onSuccess: () => settings.tls && log.write("NOTICE", "SIGHUP: certificates read again")
          })
        )
      }
      const network = NodeNetwork.layerWith({
        backlog: settings.backlog,
        keepAlive: settings.keepAliveSeconds * 1_000,
        maxConnections: settings.maxConnections,
        maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
        handshakeTimeout: noneAsInfinity(settings.handshakeSeconds) * 1_000,
        serverTls: settings.tls && {
          ...settings.tls,
          isOn: (address) =>
            address === settings.address
              ? settings.hasTls
              : settings.listeners.some((listener) => listener.address === address && listener.hasTls),
          onListening: (reload) => void reloadsOfTls.push(reload),
          onFailed: (peer, problem) => turnAway(peer, tlsHandshake, `its TLS handshake failed: ${problem}`)
        },
        onRefused: (peer, limit) => turnAway(peer, limit, `${limit} reached`)
      })
      const world = Layer.mergeAll(
        network,
        Logger.layer([Log.logger(log)]),
        Layer.succeed(References.MinimumLogLevel, "All")
      )
      yield* Effect.provide(
        Effect.gen(function* () {
          const server = yield* bind(settings, mode, log)
          if (settings.pidFile !== undefined) yield* PidFile.write(settings.pidFile)
          if (settings.user !== undefined) yield* User.become(settings.user)
          server.core.jobs.refusals.observer = RefusalLog.make(log)
          yield* Effect.forkScoped(watchWakeups(server, log))
          yield* observe(settings, server, refusals, log)
          log.write("NOTICE", `listening on ${Network.format(server.address)}, process ${process.pid}`)
          for (const address of server.addresses.slice(1))
            log.write("NOTICE", `also listening on ${Network.format(address)}`)
          tellWhoCanConnect(settings, mode, server.address, log)
          mode.onReady(server.addresses)
          supervisor.ready(`listening on ${Network.format(server.address)}`)
          yield* Effect.raceFirst(
            server.run,
            Signals.obey(server, log, settings, () => onHangUp(server))
          )
          supervisor.stopping()
        }),
        world
      )
    })
  )
