/**
 * What the job server's process is told to do, typed, from the values that were typed.
 */
import * as Network from "../../protocol/Network.ts"
import type { Rule } from "../../protocol/server/Access.ts"
import * as Access from "./Access.ts"
import * as Flags from "./Flags.ts"
import type { Level, LogFormat } from "./LogLevel.ts"
import * as Parse from "./parse.ts"
import { mistakeInEndpoint } from "./TelemetryVariables.ts"

/** Everything about one server process. */
export interface Settings {
  readonly address: Network.Address
  readonly backlog: number
  readonly keepAliveSeconds: number
  readonly maxConnections: number
  readonly isMaxConnectionsChosen: boolean
  readonly maxConnectionsPerAddress: number
  readonly handshakeSeconds: number
  readonly idleSeconds: number
  readonly workerProbeSeconds: number
  readonly wakeupSeconds: number
  readonly drainSeconds: number
  readonly jobRetries: number
  readonly jobHandlePrefix: string | undefined
  readonly workerWakeup: number
  readonly exceptions: boolean
  readonly allowShutdown: boolean
  readonly allowCancel: boolean
  /** Nothing where nobody is restricted. */
  readonly accessRules: ReadonlyArray<Rule> | undefined
  readonly identity: string
  readonly textProtocol: boolean
  readonly listeners: ReadonlyArray<Access.ListenerSettings>
  /** TLS on the job port; the files may serve other listeners only. */
  readonly hasTls: boolean
  readonly maxJobs: number
  readonly maxJobsPerFunction: number
  readonly maxWorkloadBytes: number
  readonly maxFunctions: number
  readonly maxFunctionsPerConnection: number
  readonly maxPacketBytes: number
  readonly maxOutputBytes: number
  readonly level: Level
  readonly logFormat: LogFormat
  /** A path, `stderr`, `none`, or nothing where nobody chose. */
  readonly logFile: string | undefined
  readonly syslog: boolean
  readonly pidFile: string | undefined
  readonly user: string | undefined
  readonly daemon: boolean
  /** The options are checked, and nothing else. */
  readonly isCheckOnly: boolean
  readonly tls:
    | { readonly certificate: string; readonly key: string; readonly authorities: string | undefined }
    | undefined
  readonly isListenChosen: boolean
  /** There are settings that make sense only for those who come from other machines. */
  readonly expectsOthers: boolean
  readonly httpAddress: Network.Address | undefined
  /** Logs, metrics and traces go to a collector; its variables may say where in place of the endpoint. */
  readonly hasTelemetry: boolean
  readonly otlpEndpoint: string | undefined
  readonly warnings: ReadonlyArray<string>
}

/** Handles have 63 bytes in clients; the counter needs 11 of them. */
const maxPrefixBytes = 52

/** Whether only this machine can reach the address. */
export const isLoopback = (address: Network.Address): boolean =>
  address._tag === "Unix" || address.host === "localhost" || address.host === "::1" || address.host.startsWith("127.")

/**
 * A function whose workers are gone, or whose callers run wild, must not take the place of all
 * others; and who has but one loses little.
 */
const shareOfOne = (maxJobs: number): number => Math.ceil((maxJobs * 3) / 4)

/** The port that an address has without one is the job port, which is never meant. */
const lacksPort = (text: string, address: Network.Address): boolean =>
  address._tag === "Tcp" && address.port === Network.defaultPort && !text.trim().endsWith(`:${address.port}`)

type Place = readonly [flag: string, address: Network.Address | Network.InvalidAddress | undefined]

/** What only one can listen on; of port 0 each gets another. */
const sharedPlaces = (places: ReadonlyArray<Place>): ReadonlyArray<string> => {
  const taken = new Map<string, string>()
  return places.flatMap(([flag, address]) => {
    if (address === undefined || address instanceof Network.InvalidAddress) return []
    if (address._tag === "Tcp" && address.port === 0) return []
    const place = Network.format(address)
    const other = taken.get(place)
    taken.set(place, flag)
    return other === undefined ? [] : [`${flag}: ${other} listens on ${place} already`]
  })
}

const isOpen = (address: Network.Address | Network.InvalidAddress | undefined): boolean =>
  address !== undefined && address._tag === "Tcp" && !isLoopback(address)

/**
 * Derives the settings, or says which values do not fit together.
 */
export const fromParsed = (parsed: Parse.Parsed): Settings | Parse.Refusal => {
  const errors: Array<string> = []
  const text = (name: string): string | undefined => parsed.given.get(name)?.value ?? Flags.find(name)!.byDefault
  const number = (name: string): number => Number(text(name))
  const has = (name: string): boolean => parsed.given.get(name)?.value === "true"

  const listen = text("listen")!
  // A slash stands in no host: somebody meant a socket.
  const address =
    listen.startsWith("unix:") || listen.includes("/")
      ? Network.parse(listen)
      : Network.tcp(listen.replace(/^\[(.*)\]$/, "$1"), number("port"))
  if (address instanceof Network.InvalidAddress) errors.push(`--listen: ${address.message}`)

  const prefix = parsed.given.get("job-handle-prefix")?.value
  if (prefix !== undefined && Buffer.byteLength(prefix) > maxPrefixBytes) {
    errors.push(
      `--job-handle-prefix must have at most ${maxPrefixBytes} bytes, so that handles stay different within the 63 bytes that clients keep`
    )
  }
  if (prefix !== undefined && /[\s\0]|\/\//.test(prefix)) {
    errors.push("--job-handle-prefix must not contain white space or //, at which clients split handles")
  }

  const queue = text("queue-type")!
  if (queue.toLowerCase() !== "builtin") {
    errors.push(
      `--queue-type ${queue} is not supported: jobs are kept in memory only; with --queue-type builtin they are lost at a stop`
    )
  }

  /** All values of a flag that may be repeated. */
  const all = <T extends object>(name: string, parse: (text: string) => T | string): Array<T> => {
    const found = parsed.given.get(name)?.value.split(/\s+/).map(parse) ?? []
    for (const one of found) if (typeof one === "string") errors.push(`--${name}: ${one}`)
    return found.filter((one) => typeof one !== "string")
  }
  const accessRules = all("allow", Access.parseRule)
  const listeners = all("listener", Access.parseListener)

  const certificate = parsed.given.get("ssl-certificate")?.value
  const key = parsed.given.get("ssl-key")?.value
  const needsTls = has("ssl") || listeners.some((listener) => listener.hasTls)
  if (needsTls && (certificate === undefined || key === undefined)) {
    errors.push(`${has("ssl") ? "--ssl" : "a --listener with tls"} needs --ssl-certificate and --ssl-key`)
  }

  // Whoever gives certificates believes the port to be protected.
  const unused = ["ssl-certificate", "ssl-key", "ssl-ca-file"].filter((name) => parsed.given.has(name))
  if (!needsTls && unused.length > 0) {
    errors.push(`--${unused.join(", --")}: TLS is off; give --ssl for the job port, or tls to a --listener`)
  }

  const http = parsed.given.get("http-listen")?.value
  const httpAddress = http === undefined ? undefined : Network.parse(http)
  if (httpAddress instanceof Network.InvalidAddress) errors.push(`--http-listen: ${httpAddress.message}`)
  else if (http !== undefined && lacksPort(http, httpAddress!))
    errors.push(`--http-listen: "${http}" lacks host or port; write host:port, as in 127.0.0.1:9730`)

  const places = [
    ["--listen and --port", address],
    ...listeners.map((listener) => ["--listener", listener.address] as const),
    ["--http-listen", httpAddress]
  ] as const
  errors.push(...sharedPlaces(places))

  const otlpEndpoint = parsed.given.get("otlp-endpoint")?.value
  const wrongEndpoint = otlpEndpoint === undefined ? undefined : mistakeInEndpoint(otlpEndpoint)
  if (wrongEndpoint !== undefined) errors.push(`--otlp-endpoint: ${wrongEndpoint}`)

  const probe = number("worker-probe")
  if (probe > 0 && probe < 1)
    errors.push("--worker-probe must be 0, or 1 and more: keep-alive knows no parts of a second")

  if (errors.length > 0) return { errors }
  const perAddress = number("max-connections-per-address")
  return {
    address: address as Network.Address,
    backlog: number("backlog"),
    keepAliveSeconds: Math.max(1, number("keepalive-idle")),
    maxConnections: number("max-connections"),
    isMaxConnectionsChosen: parsed.given.has("max-connections"),
    maxConnectionsPerAddress: perAddress === 0 ? Number.POSITIVE_INFINITY : perAddress,
    handshakeSeconds: number("handshake-timeout"),
    idleSeconds: number("idle-timeout"),
    workerProbeSeconds: number("worker-probe"),
    wakeupSeconds: number("wakeup-timeout"),
    drainSeconds: number("drain-timeout"),
    jobRetries: number("job-retries"),
    jobHandlePrefix: prefix,
    workerWakeup: number("worker-wakeup"),
    exceptions: has("exceptions"),
    allowShutdown: has("allow-shutdown"),
    allowCancel: has("allow-cancel"),
    accessRules: parsed.given.has("allow") ? accessRules : undefined,
    identity: text("identity")!,
    textProtocol: text("text") === "on",
    listeners,
    hasTls: has("ssl"),
    maxJobs: number("max-jobs"),
    maxJobsPerFunction: parsed.given.has("max-jobs-per-function")
      ? number("max-jobs-per-function")
      : shareOfOne(number("max-jobs")),
    maxWorkloadBytes: number("max-workload-bytes"),
    maxFunctions: number("max-functions"),
    maxFunctionsPerConnection: number("max-functions-per-connection"),
    maxPacketBytes: number("max-packet-bytes"),
    maxOutputBytes: number("max-output-bytes"),
    level: text("verbose") as Level,
    logFormat: text("log-format") as LogFormat,
    logFile: text("log-file"),
    syslog: has("syslog"),
    pidFile: text("pid-file"),
    user: text("user"),
    daemon: has("daemon"),
    isCheckOnly: has("check-args"),
    tls: needsTls
      ? { certificate: certificate!, key: key!, authorities: parsed.given.get("ssl-ca-file")?.value }
      : undefined,
    isListenChosen: parsed.given.has("listen"),
    expectsOthers: has("ssl") || perAddress > 0 || isOpen(httpAddress),
    httpAddress: httpAddress as Network.Address | undefined,
    hasTelemetry: otlpEndpoint !== undefined || parsed.hasSignalEndpoint,
    otlpEndpoint,
    warnings: parsed.warnings
  }
}

/** The settings by flags, environment and file together, or all that is wrong with them at once. */
export const read = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): Settings | Parse.Refusal => ofParsed(Parse.parse(args, environment))

/** The same, once they are parsed. */
export const ofParsed = (parsed: Parse.Parsed | Parse.Refusal): Settings | Parse.Refusal => {
  if (!Parse.isRefusal(parsed)) return fromParsed(parsed)
  const others = parsed.rest === undefined ? undefined : fromParsed(parsed.rest)
  return others !== undefined && Parse.isRefusal(others) ? { errors: [...parsed.errors, ...others.errors] } : parsed
}

/** One line of `config print`. */
export interface Setting {
  readonly name: string
  readonly value: string
  readonly source: Parse.Source
  /** The variable, or the file. */
  readonly where?: string
  /** Why it has no effect. */
  readonly note?: string
}

/** What stands before a host in a URL. */
const withoutPassword = (value: string): string => value.replace(/\/\/[^/@\s]*@/, "//<redacted>@")

/** Each option with its value and where that came from; those without effect where they are given. No secrets. */
export const describe = (parsed: Parse.Parsed): ReadonlyArray<Setting> =>
  Flags.flags
    .filter(
      (flag) =>
        (flag.treatment._tag === "Used" || parsed.given.has(flag.name)) &&
        !["help", "version", "check-args"].includes(flag.name)
    )
    .map((flag) => {
      const given = parsed.given.get(flag.name)
      const value = given?.value ?? Flags.shownDefault(flag) ?? (flag.kind._tag === "Switch" ? "false" : "")
      return {
        name: flag.name,
        value: flag.isSecret === true ? "<redacted>" : withoutPassword(value),
        source: given?.source ?? "default",
        ...(given?.where === undefined ? {} : { where: given.where }),
        ...(flag.treatment._tag === "Used" ? {} : { note: flag.treatment.why })
      }
    })
