/**
 * Logs, metrics and a span per job, sent to an OpenTelemetry collector by Effect's own
 * exporters. OpenTelemetry's standard variables say how: which signals, how often, with
 * which headers; `--otlp-endpoint` or `OTEL_EXPORTER_OTLP_ENDPOINT` says where, and that.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { version } from "../version.ts"
import * as JobTraces from "./JobTraces.ts"
import type * as Log from "./Log.ts"
import type { Level } from "./LogLevel.ts"
import { liveRegistry, type Metrics } from "./Metrics.ts"
import { StartError } from "./StartError.ts"
import { type Environment, protocolOf, samplerOf } from "./TelemetryVariables.ts"

const effectLevel: Record<Level, LogLevel.Severity> = {
  FATAL: "Fatal",
  ALERT: "Fatal",
  CRITICAL: "Fatal",
  ERROR: "Error",
  WARNING: "Warn",
  NOTICE: "Info",
  INFO: "Info",
  DEBUG: "Debug"
}

const signals = ["LOGS", "METRICS", "TRACES"] as const

/** The variables, with what they leave open. OpenTelemetry's own default exporter is `otlp`. */
const variables = (endpoint: string | undefined, environment: Environment): Record<string, string> => {
  const given = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[0].startsWith("OTEL_") && entry[1] !== undefined && entry[1] !== ""
  )
  return {
    OTEL_SERVICE_NAME: "effect-gearman",
    ...Object.fromEntries(signals.map((signal) => [`OTEL_${signal}_EXPORTER`, "otlp"])),
    ...Object.fromEntries(given),
    ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  }
}

/** Sends each line of the log as a record, with its fields as attributes. */
const forward = Effect.fnUntraced(function* (log: Log.Log) {
  const context = yield* Effect.context<never>()
  log.listen((level, message, fields) =>
    Effect.runSyncWith(context)(
      Effect.annotateLogs(Effect.logWithLevel(effectLevel[level])(message), { ...fields, "gearman.level": level })
    )
  )
})

/** Exporters that fail pause for a minute, and would say so where nobody looks. */
const troubleLogger = (log: Log.Log) =>
  Logger.make(({ cause, fiber, message }) => {
    const exporter = String(fiber.getRef(References.CurrentLogAnnotations)["module"] ?? "OTLP")
    const why = cause.reasons.length === 0 ? String(message) : (Cause.squash(cause) as Error).message
    log.write("WARNING", `${exporter} cannot export, and tries again in a minute: ${why}`)
  })

/**
 * Starts the exporters; they stop with the scope, after sending what is left. Gives what
 * is to be told of each job, unless traces are off.
 */
export const start = Effect.fnUntraced(function* (
  endpoint: string | undefined,
  environment: Environment,
  log: Log.Log,
  metrics: Metrics
) {
  const sampler = samplerOf(environment)
  if (typeof sampler === "string") return yield* new StartError({ problem: sampler })
  const protocol = protocolOf(environment)
  if (typeof protocol === "string") return yield* new StartError({ problem: protocol })
  const serialization = protocol.isJson ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf
  const options = { resource: { serviceVersion: version } }
  const exporters = Layer.mergeAll(
    OtlpLogger.layerFromConfig({ ...options, mergeWithExisting: false }),
    OtlpMetrics.layerFromConfig(options),
    OtlpTracer.layerFromConfig(options)
  ).pipe(
    Layer.provide([
      serialization,
      FetchHttpClient.layer,
      Layer.succeed(Metric.MetricRegistry, liveRegistry(metrics)),
      ConfigProvider.layer(ConfigProvider.fromEnv({ env: variables(endpoint, environment) })),
      Logger.layer([troubleLogger(log)])
    ])
  )
  const context = yield* Layer.build(exporters).pipe(
    Effect.catchDefect((cause) =>
      Effect.fail(new StartError({ problem: `the OTEL_ variables make no sense: ${(cause as Error).message}`, cause }))
    )
  )
  yield* Effect.provide(forward(log), context)
  const tracer = context.mapUnsafe.get(Tracer.Tracer.key) as Tracer.Tracer | undefined
  const clock = yield* Clock.Clock
  return tracer === undefined ? undefined : JobTraces.make(tracer, sampler, () => clock.currentTimeNanosUnsafe())
})
