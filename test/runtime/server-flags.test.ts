/** gearmand's command line, by its exact rules. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import * as Flags from "../../src/runtime/server/Flags.ts"
import * as Parse from "../../src/runtime/server/parse.ts"
import * as Settings from "../../src/runtime/server/Settings.ts"

const noFile = () => {
  throw new Error("no such file")
}
const parse = (line: string, environment: Record<string, string> = {}, file?: string) =>
  Parse.parse(line === "" ? [] : line.split(" "), environment, file === undefined ? noFile : () => file)

const values = (line: string, environment?: Record<string, string>, file?: string) => {
  const parsed = parse(line, environment, file)
  assert.isFalse(Parse.isRefusal(parsed), JSON.stringify(parsed))
  return Object.fromEntries([...(parsed as Parse.Parsed).given].map(([name, given]) => [name, given.value]))
}

const errors = (line: string, environment?: Record<string, string>, file?: string) => {
  const parsed = parse(line, environment, file)
  assert.isTrue(Parse.isRefusal(parsed), `${line} was accepted`)
  return (parsed as Parse.Refusal).errors
}

const settings = (line: string) => {
  const parsed = parse(line)
  return Parse.isRefusal(parsed) ? parsed : Settings.fromParsed(parsed)
}

describe("gearmand's command line", () => {
  it("takes values after = and as the next word, and letters in every spelling", () => {
    assert.deepStrictEqual(values("--port=1 --listen localhost"), { port: "1", listen: "localhost" })
    assert.deepStrictEqual(values("-p4730 -L 127.0.0.1 -dR -u root"), {
      port: "4730",
      listen: "127.0.0.1",
      daemon: "true",
      "round-robin": "true",
      user: "root"
    })
    assert.deepStrictEqual(values("--job-retries -1"), { "job-retries": "-1" })
  })

  it("takes the line that libgearman's tests start their server with", () => {
    const line =
      "--verbose=INFO --log-file=var/log --pid-file=var/pid --port=5555 --threads=4 -u root --listen=localhost"
    const result = settings(line) as Settings.Settings
    assert.deepStrictEqual(result.address, { _tag: "Tcp", host: "localhost", port: 5555 })
    assert.deepStrictEqual(result.warnings, ["--threads has no effect: one thread does all the work"])
  })

  it.each([
    ["extra", "unexpected argument"],
    ["-- port", "unexpected argument"],
    ["--por=1", "unknown option --por; did you mean --port?"],
    ["--Port=1", "unknown option --Port"],
    ["-vvv", "verbosity is --verbose=LEVEL"],
    ["-v", "unknown option -v"],
    ["--verbose=info", "--verbose must be one of"],
    ["--verbose", "--verbose needs a value"],
    ["--config-file", "--config-file needs a value"],
    ["--config-file=/no/such/file", "cannot read the configuration file"],
    ["--port=70000", "from 0 to 65535"],
    ["--port=abc", "from 0 to 65535"],
    ["--port --daemon", "--port needs a value"],
    ["--port=1 --port=2", "given twice"],
    ["--daemon=yes", "takes no value"],
    ["--job-retries=256", "from -1 to 255"],
    ["--protocol http", "is not supported"],
    ["--store-queue-on-shutdown", "is not supported"]
  ])("refuses %s", (line, message) => {
    assert.include(errors(line).join("\n"), message)
  })

  it.each([
    ["--queue-type libsqlite3", "is not supported"],
    [`--job-handle-prefix ${"x".repeat(53)}`, "at most 52 bytes"],
    ["--job-handle-prefix a//b", "white space or //"],
    ["--ssl", "--ssl needs --ssl-certificate and --ssl-key"],
    ["--ssl-certificate=a --ssl-key=b", "--ssl-certificate, --ssl-key: TLS is off; give --ssl"],
    ["--ssl-ca-file=a --listener=b", "--ssl-ca-file: TLS is off; give --ssl"],
    ["--http-listen host:99999", "is no address"],
    ["--http-listen 9730", "lacks host or port"],
    ["--http-listen [::1]", "lacks host or port"],
    ["--worker-probe 0.5", "--worker-probe must be 0, or 1 and more"],
    ["--otlp-endpoint localhost:4318", "is no URL of a collector"]
  ])("refuses %s once all values are there", (line, message) => {
    assert.include((settings(line) as Parse.Refusal).errors.join("\n"), message)
  })

  it("names every mistake, not only the first", () => {
    assert.strictEqual(errors("--port=x --verbose=loud extra").length, 3)
  })

  it("shows help and the version whatever else is wrong", () => {
    assert.deepStrictEqual(values("--help --port=x"), { help: "true" })
    assert.deepStrictEqual(values("-V extra"), { version: "true" })
  })

  it("reads the configuration file as gearmand does, below the command line", () => {
    const file = "# --exceptions is off\n--port=1 --worker-wakeup=3\n4730 words are --job-retries=2 ignored\n"
    assert.deepStrictEqual(values("--config-file=f --port=9", {}, file), {
      "config-file": "f",
      port: "9",
      "worker-wakeup": "3",
      "job-retries": "2"
    })
    assert.include(errors("--config-file=f", {}, "--port=1 --nonsense").join(), "f: unknown option --nonsense")
    assert.include(errors("--config-file=f", {}, "--port --exceptions").join(), "f: --port needs a value")
    const separate = "--port 1 --job-retries\n\t-1\n--exceptions off --verbose=INFO DEBUG -w 3"
    assert.deepStrictEqual(values("--config-file=f", {}, separate), {
      "config-file": "f",
      port: "1",
      "job-retries": "-1",
      exceptions: "true",
      verbose: "INFO"
    })
  })

  it("puts flags before the environment and the environment before the file", () => {
    assert.strictEqual(values("", { GEARMAND_PORT: "7" })["port"], "7")
    assert.strictEqual(values("--port=8", { GEARMAND_PORT: "7" })["port"], "8")
    // Also where it says what is the default.
    assert.strictEqual(values("--port=4730", { GEARMAND_PORT: "7" })["port"], "4730")
    assert.strictEqual(values("", { GEARMAND_PORT: "7", EFFECT_GEARMAN_PORT: "6" })["port"], "6")
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a" }
    assert.strictEqual(values("--config-file=f", endpoint, "--otlp-endpoint=http://b")["otlp-endpoint"], "http://a")
    assert.strictEqual(values("--config-file=f", { GEARMAND_PORT: "7" }, "--port=9")["port"], "7")
    assert.include(errors("", { GEARMAND_PORT: "x" }).join(), "GEARMAND_PORT: --port must be")
  })

  it("finds what makes no sense in OpenTelemetry's variables where they count", () => {
    const wrong = {
      OTEL_METRIC_EXPORT_INTERVAL: "x",
      OTEL_BSP_SCHEDULE_DELAY: "0",
      OTEL_EXPORTER_OTLP_TIMEOUT: "1.5",
      OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: "-1",
      OTEL_EXPORTER_OTLP_COMPRESSION: "zip",
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "none",
      OTEL_SDK_DISABLED: "perhaps",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "collector:4318"
    }
    const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: _, ...unused } = wrong
    assert.deepStrictEqual(values("", unused), {})
    const found = errors("", wrong)
    assert.deepStrictEqual(
      found.map((error) => error.split(" ")[0]!.replace(":", "")).sort(),
      Object.keys(wrong).sort()
    )
    assert.include(found, 'OTEL_METRIC_EXPORT_INTERVAL must be a whole number, 1 or more, not "x"')
    assert.include(found, 'OTEL_EXPORTER_OTLP_COMPRESSION must be gzip or none, not "zip"')
    assert.deepStrictEqual(errors("--otlp-endpoint=http://h", { OTEL_METRIC_EXPORT_INTERVAL: "x" }).length, 1)
    const right = {
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SDK_DISABLED: "false",
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://h/logs"
    }
    assert.deepStrictEqual(values("--otlp-endpoint=http://h", right), { "otlp-endpoint": "http://h" })
  })

  it("lets the environment replace certificates only with --ssl, as gearmand does", () => {
    const environment = { GEARMAND_SERVER_PEM: "e.pem", GEARMAND_SERVER_KEY: "e.key" }
    assert.deepStrictEqual(values("--ssl-key=a", environment), { "ssl-key": "a" })
    assert.strictEqual(values("--ssl --ssl-key=a", environment)["ssl-key"], "e.key")
  })

  it("has a variable of our own for every setting", () => {
    assert.deepStrictEqual(values("", { EFFECT_GEARMAN_JOB_RETRIES: "3", EFFECT_GEARMAN_HELP: "true" }), {
      "job-retries": "3"
    })
    assert.strictEqual(values("-j 4", { EFFECT_GEARMAN_JOB_RETRIES: "3" })["job-retries"], "4")
    // A variable can turn off what a file turns on.
    const off = parse("--config-file=f", { EFFECT_GEARMAN_EXCEPTIONS: "false" }, "--exceptions") as Parse.Parsed
    assert.isFalse((Settings.fromParsed(off) as Settings.Settings).exceptions)
    assert.include(
      errors("", { EFFECT_GEARMAN_EXCEPTIONS: "1" }).join(),
      "EFFECT_GEARMAN_EXCEPTIONS: --exceptions is a switch"
    )
  })

  it("accepts all of gearmand's flags", () => {
    for (const flag of Flags.flags) {
      if (flag.treatment._tag === "Refused" || ["help", "version", "config-file"].includes(flag.name)) continue
      const kind = flag.kind
      const value =
        kind._tag === "Switch"
          ? ""
          : kind._tag === "Choice"
            ? `=${kind.choices[0]}`
            : kind._tag === "Text"
              ? "=x"
              : kind._tag === "Whole"
                ? `=${kind.max}`
                : "=1.5"
      assert.property(values(`--${flag.name}${value}`), flag.name)
    }
  })

  it("shows where each value came from, and no secret", () => {
    const parsed = parse("--port=9 --redis-password=p", { GEARMAND_SERVER_KEY: "k" }) as Parse.Parsed
    const shown = Settings.describe(parsed)
    assert.deepInclude(shown, { name: "port", value: "9", source: "flag" })
    assert.deepInclude(shown, { name: "worker-wakeup", value: "0", source: "default" })
    assert.notInclude(JSON.stringify(shown), '"p"')
    const redacted = { name: "redis-password", value: "<redacted>", source: "flag" } as const
    assert.deepInclude(shown, { ...redacted, note: "it belongs to a queue type that is not in use" })
  })

  it("names variable and file", () => {
    const environment = { GEARMAND_PORT: "7", EFFECT_GEARMAN_JOB_RETRIES: "2" }
    const shown = Settings.describe(parse("--config-file=f", environment, "--verbose=INFO --port=1") as Parse.Parsed)
    assert.deepInclude(shown, { name: "port", value: "7", source: "environment", where: "GEARMAND_PORT" })
    assert.deepInclude(shown, {
      name: "job-retries",
      value: "2",
      source: "environment",
      where: "EFFECT_GEARMAN_JOB_RETRIES"
    })
    assert.deepInclude(shown, { name: "verbose", value: "INFO", source: "file", where: "f" })
  })

  it("names all mistakes at once: of values, of files, and of what does not fit together", () => {
    const environment = { EFFECT_GEARMAN_MAX_JOBS: "none" }
    const refusal = Settings.ofParsed(parse("--port=x --ssl --worker-probe=0.1 --config-file=f", environment, "--nons"))
    assert.deepStrictEqual(
      (refusal as Parse.Refusal).errors.map((error) => error.split(" ").slice(0, 2).join(" ")),
      ["--port must", "EFFECT_GEARMAN_MAX_JOBS: --max-jobs", "f: unknown", "--ssl needs", "--worker-probe must"]
    )
  })

  it("warns of variables that set nothing, and of words in the file that do not count", () => {
    const { warnings } = parse(
      "--config-file=f",
      { EFFECT_GEARMAN_JOB_RETRIE: "1" },
      "port=1\n--port=2"
    ) as Parse.Parsed
    assert.deepStrictEqual(warnings, [
      "EFFECT_GEARMAN_JOB_RETRIE sets nothing; did you mean --job-retries?",
      "f: ignored, as it does not begin with --: port=…"
    ])
  })

  it("has no flag with an effect that no server in these tests is started with", () => {
    const folder = import.meta.dirname
    const texts = Fs.readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts") && name !== Path.basename(import.meta.filename))
      .map((name) => Fs.readFileSync(Path.join(folder, name), "utf8"))
    const isTried = ({ name, short }: Flags.Flag) => {
      const variable = `EFFECT_GEARMAN_${name.toUpperCase().replaceAll("-", "_")}`
      const written = new RegExp(`--${name}(?![\\w-])|\\b${variable}\\b${short === undefined ? "" : `|"-${short}"`}`)
      return texts.some((text) => written.test(text))
    }
    const untried = Flags.flags.filter((flag) => flag.treatment._tag === "Used" && !isTried(flag))
    assert.deepStrictEqual(
      untried.map(({ name }) => name),
      []
    )
  })
})
