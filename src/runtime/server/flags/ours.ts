/**
 * The flags that gearmand has not.
 */
import { logFormats } from "../LogLevel.ts"
import { type Flag, seconds, text, toggle, used, whole } from "./Flag.ts"

/** Our own flags. */
export const ourFlags: ReadonlyArray<Flag> = [
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
    followsOther: "3/4 of --max-jobs",
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
    name: "max-functions-per-connection",
    kind: whole("NUMBER", 1, 100_000_000),
    byDefault: "10000",
    description: "Functions that one connection may offer to do",
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
    description: "Time a new connection has for the TLS handshake, and then to say anything at all; 0 for no limit",
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
    description: "Time a woken worker has to ask for a job before the next sleeper is woken too; 0: it never is",
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
    description: "Serve /metrics, /healthz, /readyz, /status and /openapi.json there",
    treatment: used
  },
  {
    name: "otlp-endpoint",
    kind: text("URL"),
    description:
      "Send logs, metrics and a span per job to this OpenTelemetry collector; OTEL_ variables say the rest [OTEL_EXPORTER_OTLP_ENDPOINT]",
    treatment: used
  }
].map((flag) => ({ ...(flag as Flag), isOurs: true }))
