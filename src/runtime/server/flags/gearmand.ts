/**
 * The flags that gearmand has too, by its names.
 */
import { levels } from "../LogLevel.ts"
import { type Flag, ignored, refused, text, toggle, used, whole } from "./Flag.ts"

/** gearmand's flags. */
export const gearmandFlags: ReadonlyArray<Flag> = [
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
    byDefault: "WARNING",
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

const noQueue = ignored("it belongs to a queue type that is not in use")

/** The flags of queue types that keep jobs elsewhere than in memory. */
export const queueFlags: ReadonlyArray<Flag> = [
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
