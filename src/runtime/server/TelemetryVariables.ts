/**
 * OpenTelemetry's variables: those that we read ourselves, and what makes no sense in all that
 * Effect's exporters read, so that it is found before the server listens.
 */
import type { Sampler } from "./JobTraces.ts"

export type Environment = Readonly<Record<string, string | undefined>>

/** `OTEL_TRACES_SAMPLER` and its argument, as OpenTelemetry defines them. */
export const samplerOf = (environment: Environment): Sampler | string => {
  const name = environment["OTEL_TRACES_SAMPLER"] || "parentbased_always_on"
  const argument = environment["OTEL_TRACES_SAMPLER_ARG"] || "1"
  const match = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name)
  if (match === null)
    return `OTEL_TRACES_SAMPLER "${name}" is none of always_on, always_off, traceidratio, each also with parentbased_ before it`
  const ratio = match[2] === "always_on" ? 1 : match[2] === "always_off" ? 0 : Number(argument)
  if (!(ratio >= 0 && ratio <= 1)) return `OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not "${argument}"`
  return { ratio, followsParent: match[1] !== undefined }
}

/** The encoding that the collector is sent, by OpenTelemetry's name for it. */
export const protocolOf = (environment: Environment): { readonly isJson: boolean } | string => {
  const name = environment["OTEL_EXPORTER_OTLP_PROTOCOL"] || "http/protobuf"
  return name === "http/json" || name === "http/protobuf"
    ? { isJson: name === "http/json" }
    : `OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or http/json, not "${name}"`
}

const signals = ["LOGS", "METRICS", "TRACES"]

const ofSignals = (name: (signal: string) => string): ReadonlyArray<string> => signals.map(name)

const whole = [
  "OTEL_METRIC_EXPORT_INTERVAL",
  "OTEL_METRIC_EXPORT_TIMEOUT",
  ...["OTEL_BSP", "OTEL_BLRP"].flatMap((processor) => [
    `${processor}_SCHEDULE_DELAY`,
    `${processor}_EXPORT_TIMEOUT`,
    `${processor}_MAX_EXPORT_BATCH_SIZE`
  ]),
  "OTEL_EXPORTER_OTLP_TIMEOUT",
  ...ofSignals((signal) => `OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`)
]

const choices: Readonly<Record<string, ReadonlyArray<string>>> = {
  OTEL_SDK_DISABLED: ["true", "false"],
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: ["delta", "cumulative"],
  OTEL_EXPORTER_OTLP_COMPRESSION: ["gzip", "none"],
  ...Object.fromEntries(
    ofSignals((signal) => `OTEL_EXPORTER_OTLP_${signal}_COMPRESSION`).map((name) => [name, ["gzip", "none"]])
  )
}

const endpoints = ofSignals((signal) => `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)

/** There is a collector for single signals. */
export const hasSignalEndpoint = (environment: Environment): boolean =>
  endpoints.some((name) => Boolean(environment[name]))

/** What is wrong with the URL of a collector. */
export const mistakeInEndpoint = (text: string): string | undefined => {
  const url = URL.parse(text)
  if (url === null || !["http:", "https:"].includes(url.protocol))
    return `"${text}" is no URL of a collector; write http://host:4318`
  if (url.username !== "" || url.password !== "")
    return "no user or password may stand in it; put them into OTEL_EXPORTER_OTLP_HEADERS"
  return undefined
}

/** What is wrong with them. */
export const wrongWith = (environment: Environment): ReadonlyArray<string> => {
  const found: Array<string> = [samplerOf(environment), protocolOf(environment)].filter(
    (problem) => typeof problem === "string"
  )
  /** Those that are not empty, which is as good as not there. */
  const each = (names: ReadonlyArray<string>, mistake: (value: string, name: string) => string | undefined) => {
    for (const name of names) {
      const problem = environment[name] ? mistake(environment[name], name) : undefined
      if (problem !== undefined) found.push(`${name}${problem}`)
    }
  }
  each(whole, (value) =>
    /^0*[1-9]\d*$/.test(value) ? undefined : ` must be a whole number, 1 or more, not "${value}"`
  )
  each(Object.keys(choices), (value, name) =>
    choices[name]!.includes(value) ? undefined : ` must be ${choices[name]!.join(" or ")}, not "${value}"`
  )
  each(endpoints, (value) => {
    const mistake = mistakeInEndpoint(value)
    return mistake === undefined ? undefined : `: ${mistake}`
  })
  return found
}
