/**
 * OpenTelemetry's variables, as far as we read them ourselves; the others are read by Effect's
 * exporters.
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

/** What is wrong with them. */
export const wrongWith = (environment: Environment): ReadonlyArray<string> =>
  [samplerOf(environment), protocolOf(environment)].filter((found) => typeof found === "string")
