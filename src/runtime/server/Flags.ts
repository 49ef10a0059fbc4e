/**
 * Every flag of the job server, in one table: gearmand's own by their names, and ours.
 * Parsing, help, completions, the configuration file and the manual derive from it.
 */

/**
 * What becomes of a flag: it is used; it is accepted and has no effect, which is
 * harmless and why; or it is refused, because ignoring it would break what its user
 * relies on.
 */
export type Treatment =
  | { readonly _tag: "Used" }
  | { readonly _tag: "Ignored"; readonly why: string }
  | { readonly _tag: "Refused"; readonly why: string }

/** The values a flag takes. */
export type Kind =
  | { readonly _tag: "Switch" }
  | { readonly _tag: "Text"; readonly placeholder: string }
  | { readonly _tag: "Whole"; readonly placeholder: string; readonly min: number; readonly max: number }
  | { readonly _tag: "Choice"; readonly choices: ReadonlyArray<string> }
  | { readonly _tag: "Seconds"; readonly max: number }

/** One flag. */
export interface Flag {
  readonly name: string
  readonly short?: string
  readonly kind: Kind
  /** The value when nothing gives one, as it would be typed. */
  readonly byDefault?: string
  readonly description: string
  readonly treatment: Treatment
  /** Its value must not be shown. */
  readonly isSecret?: boolean
  /** True for flags that gearmand has not. */
  readonly isOurs?: boolean
  /** May be given several times; values have no white space, which stands between them elsewhere. */
  readonly isRepeatable?: boolean
}

const used: Treatment = { _tag: "Used" }
const ignored = (why: string): Treatment => ({ _tag: "Ignored", why })
const refused = (why: string): Treatment => ({ _tag: "Refused", why })
const toggle: Kind = { _tag: "Switch" }
const text = (placeholder: string): Kind => ({ _tag: "Text", placeholder })
const whole = (placeholder: string, min: number, max: number): Kind => ({ _tag: "Whole", placeholder, min, max })
const seconds: Kind = { _tag: "Seconds", max: 86_400 * 365 }

const noQueue = ignored("it belongs to a queue type that is not in use")

/** gearmand's levels, the most severe first. */
export const levels = ["FATAL", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"] as const

/** The formats of the log. */
export const logFormats = ["gearmand", "json", "logfmt"] as const

/** A format of the log. */
export type LogFormat = (typeof logFormats)[number]

/** A gearmand log level. */
export type Level = (typeof levels)[number]

const gearmandFlags: ReadonlyArray<Flag> = [
  {
    name: "port",
    short: "p",
    kind: whole("PORT", 0, 65_535),
    byDefault: "4730",
    description: "Port to listen on; 0 takes any free one",
    treatment: used
  },
  {
    name: "listen",
    short: "L",
    kind: text("ADDRESS"),
    byDefault: "127.0.0.1",
    description:
      "Host name or IP address to listen on, unix:/path for a Unix socket, or * for all addresses of this machine",
    treatment: used
  },
  {
    name: "backlog",
    short: "b",
    kind: whole("NUMBER", 1, 65_535),
    byDefault: "4096",
    description: "Connections the kernel holds until they are accepted",
    treatment: used
  },
  {
    name: "job-retries",
    short: "j",
    kind: whole("NUMBER", -1, 255),
    byDefault: "-1",
    description: "Attempts a job gets when workers are lost, before it fails; -1 for no limit, 0 is one",
    treatment: used
  },
  {
    name: "job-handle-prefix",
    kind: text("TEXT"),
    description: "What handles begin with; unless given, it makes them unique across restarts",
    treatment: used
  },
  {
    name: "worker-wakeup",
    short: "w",
    kind: whole("NUMBER", 0, 65_535),
    byDefault: "0",
    description: "Sleeping workers woken for a new job; 0 for all of them",
    treatment: used
  },
  {
    name: "exceptions",
    kind: toggle,
    description: "Forward workers' exceptions to every client, also to those that did not ask",
    treatment: used
  },
  {
    name: "verbose",
    kind: { _tag: "Choice", choices: levels },
    byDefault: "ERROR",
    description: "Least severe level that is logged",
    treatment: used
  },
  {
    name: "log-file",
    short: "l",
    kind: text("FILE"),
    description: "File to log to; stderr and none are understood",
    treatment: used
  },
  { name: "pid-file", short: "P", kind: text("FILE"), description: "File that holds the process id", treatment: used },
  {
    name: "config-file",
    kind: text("FILE"),
    byDefault: "/etc/gearmand.conf",
    description: "File of --flag=value words; the command line goes before it",
    treatment: used
  },
  {
    name: "user",
    short: "u",
    kind: text("USER"),
    description: "User to become once the port is bound",
    treatment: used
  },
  { name: "daemon", short: "d", kind: toggle, description: "Run in the background", treatment: used },
  { name: "ssl", kind: toggle, description: "Speak TLS on the job port", treatment: used },
  {
    name: "ssl-ca-file",
    kind: text("FILE"),
    description: "Authorities that client certificates are checked against; given, every client must show one",
    treatment: used
  },
  { name: "ssl-certificate", kind: text("FILE"), description: "The server's certificate chain", treatment: used },
  { name: "ssl-key", kind: text("FILE"), description: "The certificate's private key", treatment: used },
  {
    name: "keepalive",
    kind: toggle,
    description: "Ask silent peers whether they are there",
    treatment: ignored("keep-alive is always on")
  },
  {
    name: "keepalive-idle",
    kind: whole("SECONDS", -1, 32_767),
    byDefault: "60",
    description: "Silence after which a peer is asked",
    treatment: used
  },
  {
    name: "keepalive-interval",
    kind: whole("SECONDS", -1, 32_767),
    description: "Time between two questions",
    treatment: ignored("the system's setting is used")
  },
  {
    name: "keepalive-count",
    kind: whole("NUMBER", -1, 127),
    description: "Unanswered questions after which a peer is lost",
    treatment: ignored("the system's setting is used")
  },
  { name: "check-args", kind: toggle, description: "Check the options and exit", treatment: used },
  { name: "help", short: "h", kind: toggle, description: "Show this text", treatment: used },
  { name: "version", short: "V", kind: toggle, description: "Show the version", treatment: used },
  {
    name: "round-robin",
    short: "R",
    kind: toggle,
    description: "Take turns between functions",
    treatment: ignored("functions always take turns")
  },
  {
    name: "threads",
    short: "t",
    kind: whole("NUMBER", 0, 65_535),
    byDefault: "1",
    description: "I/O threads",
    treatment: ignored("one thread does all the work")
  },
  {
    name: "hashtable-buckets",
    kind: whole("NUMBER", 1, 0xffffffff),
    description: "Size of the job table",
    treatment: ignored("the job table grows by itself")
  },
  {
    name: "file-descriptors",
    short: "f",
    kind: whole("NUMBER", 0, 0x7fffffff),
    description: "Descriptors the process may have",
    treatment: ignored("Node takes the hard limit that the service manager or ulimit -Hn sets")
  },
  {
    name: "coredump",
    kind: toggle,
    description: "Write a core file on a crash",
    treatment: ignored("Node has --abort-on-uncaught-exception for it")
  },
  { name: "syslog", kind: toggle, description: "Log to the system's log, with logger(1)", treatment: used },
  {
    name: "queue-type",
    short: "q",
    kind: text("TYPE"),
    byDefault: "builtin",
    description: "Where background jobs are kept; builtin is memory",
    treatment: used
  },
  {
    name: "store-queue-on-shutdown",
    kind: toggle,
    description: "Keep background jobs at an orderly stop",
    treatment: refused("background jobs would be lost at a stop; there is no queue on disk")
  },
  {
    name: "protocol",
    short: "r",
    kind: text("NAME"),
    description: "A further protocol",
    treatment: refused("gearmand's HTTP protocol is not served; --http-listen gives metrics and health")
  },
  {
    name: "http-port",
    kind: whole("PORT", 0, 65_535),
    description: "Port of the HTTP protocol",
    treatment: ignored("it has a meaning only with --protocol http")
  }
]

const queueFlags: ReadonlyArray<Flag> = [
  ["libsqlite3-db"],
  ["libsqlite3-table"],
  ["libmemcached-servers"],
  ["libmemcached-prefix"],
  ["libpq-conninfo", true],
  ["libpq-table"],
  ["redis-server"],
  ["redis-port"],
  ["redis-password", true],
  ["redis-prefix"],
  ["mysql-host"],
  ["mysql-port"],
  ["mysql-user"],
  ["mysql-password", true],
  ["mysql-db"],
  ["mysql-table"]
].map(([name, isSecret]) => ({
  name: name as string,
  kind: text("TEXT"),
  description: "Setting of a queue type that is not built in",
  treatment: noQueue,
  isSecret: isSecret === true
}))

const ourFlags: ReadonlyArray<Flag> = [
  {
    name: "max-connections",
    kind: whole("NUMBER", 1, 10_000_000),
    byDefault: "100000",
    description: "Connections held at once; the next one is closed",
    treatment: used
  },
  {
    name: "max-connections-per-address",
    kind: whole("NUMBER", 0, 10_000_000),
    byDefault: "0",
    description: "The same for each peer address; 0 for no limit of its own",
    treatment: used
  },
  {
    name: "max-jobs",
    kind: whole("NUMBER", 1, 100_000_000),
    byDefault: "2000000",
    description: "Jobs that exist at a time; further submissions are refused",
    treatment: used
  },
  {
    name: "max-jobs-per-function",
    kind: whole("NUMBER", 0, 100_000_000),
    byDefault: "0",
    description: "The same for each function, where maxqueue has set no other; 0 for no limit of its own",
    treatment: used
  },
  {
    name: "max-workload-bytes",
    kind: whole("BYTES", 1, Number.MAX_SAFE_INTEGER),
    byDefault: "4294967296",
    description: "Bytes of all workloads together; further submissions are refused",
    treatment: used
  },
  {
    name: "max-functions",
    kind: whole("NUMBER", 1, 100_000_000),
    byDefault: "100000",
    description: "Functions that exist at a time",
    treatment: used
  },
  {
    name: "max-packet-bytes",
    kind: whole("BYTES", 64, 2_147_483_647),
    byDefault: "67108864",
    description: "Largest packet; a connection that sends a larger one is closed",
    treatment: used
  },
  {
    name: "max-output-bytes",
    kind: whole("BYTES", 64, 2_147_483_647),
    byDefault: "67108864",
    description: "Output that may wait for one connection before it is cut",
    treatment: used
  },
  {
    name: "handshake-timeout",
    kind: seconds,
    byDefault: "60",
    description: "Time a new connection has for the TLS handshake, and then to say anything at all",
    treatment: used
  },
  {
    name: "idle-timeout",
    kind: seconds,
    byDefault: "0",
    description: "Silence after which a connection is closed that neither works nor waits for a job; 0 for none",
    treatment: used
  },
  {
    name: "worker-probe",
    kind: seconds,
    byDefault: "0",
    description:
      "Silence after which the machine of a worker with a job is asked whether it is there; 0: by its timeout",
    treatment: used
  },
  {
    name: "wakeup-timeout",
    kind: seconds,
    byDefault: "1",
    description: "Time a woken worker has to ask for a job before the next sleeper is woken too",
    treatment: used
  },
  {
    name: "drain-timeout",
    kind: seconds,
    byDefault: "0",
    description: "On SIGTERM, time given to queued and running jobs before the server stops",
    treatment: used
  },
  {
    name: "log-format",
    kind: { _tag: "Choice", choices: logFormats },
    byDefault: "gearmand",
    description: "How lines of the log look",
    treatment: used
  },
  {
    name: "allow-shutdown",
    kind: toggle,
    description: "Obey the text commands shutdown and shutdown graceful",
    treatment: used
  },
  { name: "allow-cancel", kind: toggle, description: "Obey the text command cancel job", treatment: used },
  {
    name: "allow",
    kind: text("IDENTITY:ACTION=FUNCTION,..."),
    description:
      "Let an identity submit, serve or administrate functions, * and ? as in file names; may be repeated. Given once, all else is refused",
    treatment: used,
    isRepeatable: true
  },
  {
    name: "identity",
    kind: text("NAME"),
    byDefault: "anonymous",
    description: "Identity of those who connect to the job port without a certificate",
    treatment: used
  },
  {
    name: "text",
    kind: { _tag: "Choice", choices: ["on", "off"] },
    byDefault: "on",
    description: "Whether the job port takes text commands",
    treatment: used
  },
  {
    name: "listener",
    kind: text("ADDRESS[,tls][,identity=NAME][,text=on|off]"),
    description: "Listen there too, for the same jobs; may be repeated",
    treatment: used,
    isRepeatable: true
  },
  {
    name: "http-listen",
    kind: text("HOST:PORT"),
    description: "Serve /metrics, /healthz, /readyz and /status there",
    treatment: used
  }
].map((flag) => ({ ...(flag as Flag), isOurs: true }))

/** All flags, gearmand's first. */
export const flags: ReadonlyArray<Flag> = [...gearmandFlags, ...queueFlags, ...ourFlags]

const byName = new Map(flags.map((flag) => [flag.name, flag]))
const byShort = new Map(flags.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])))

/** Finds a flag by its long name. */
export const find = (name: string): Flag | undefined => byName.get(name)

/** Finds a flag by its letter. */
export const findShort = (letter: string): Flag | undefined => byShort.get(letter)

/** What stands behind a flag's name in the help, or nothing for a switch. */
export const placeholder = (flag: Flag): string | undefined => {
  switch (flag.kind._tag) {
    case "Switch":
      return undefined
    case "Choice":
      return flag.name === "verbose" ? "LEVEL" : flag.kind.choices.join("|")
    case "Seconds":
      return "SECONDS"
    default:
      return flag.kind.placeholder
  }
}

/** The help text, one flag after the other. */
export const help = (command: string): string => {
  const line = (flag: Flag) => {
    const value = placeholder(flag)
    const names = `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${value === undefined ? "" : ` ${value}`}`
    const notes = [
      flag.description,
      ...(flag.byDefault === undefined ? [] : [`[${flag.byDefault}]`]),
      ...(flag.treatment._tag === "Used" ? [] : [`(${flag.treatment._tag.toLowerCase()}: ${flag.treatment.why})`])
    ]
    return `  ${names.padEnd(38)} ${notes.join(" ")}`
  }
  return [
    `Usage: ${command} [options]`,
    "",
    "The Gearman job server. Every option may also be a word of the configuration file.",
    "",
    "Options that gearmand has too:",
    ...gearmandFlags.map(line),
    "",
    "Options of our own:",
    ...ourFlags.map(line),
    "",
    `Accepted without effect: ${queueFlags.map((flag) => `--${flag.name}`).join(" ")}`,
    ""
  ].join("\n")
}
