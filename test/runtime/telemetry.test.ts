/** What an OpenTelemetry collector is sent: logs, metrics, and a trace per job. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { freePort } from "../interop/processes.ts"
import { end, gearman, startGearman, startServer, until } from "./support.ts"

interface Received {
  readonly path: string
  readonly type: string
  readonly header: string
  readonly body: any
}

/** A collector that keeps all it is sent. */
let collector: Http.Server
let endpoint: string
const received: Array<Received> = []

beforeAll(async () => {
  collector = Http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const type = request.headers["content-type"] ?? ""
      const text = Buffer.concat(chunks).toString()
      received.push({
        path: request.url ?? "",
        type,
        header: String(request.headers["x-key"] ?? ""),
        body: type === "application/json" ? JSON.parse(text) : text
      })
      response.end("{}")
    })
  })
  await new Promise<void>((resolve) => void collector.listen(0, "127.0.0.1", resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})
afterAll(() => void collector.close())

const bodies = (path: string) => received.filter((one) => one.path === path).map(({ body }) => body)

/** Attributes as an object. */
const plain = (attributes: ReadonlyArray<{ readonly key: string; readonly value: any }>): Record<string, any> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

const spans = (): ReadonlyArray<any> =>
  bodies("/v1/traces").flatMap((body) => body.resourceSpans[0].scopeSpans.flatMap((scope: any) => scope.spans))

const records = (): ReadonlyArray<any> =>
  bodies("/v1/logs").flatMap((body) => body.resourceLogs[0].scopeLogs.flatMap((scope: any) => scope.logRecords))

/** The last value of a metric by its name, for the function if it has one. */
const points = (name: string): ReadonlyArray<any> => {
  const metric = bodies("/v1/metrics")
    .at(-1)
    ?.resourceMetrics[0].scopeMetrics[0].metrics.find((one: any) => one.name === name)
  return (metric?.sum ?? metric?.gauge ?? metric?.histogram)?.dataPoints ?? []
}

const quick = {
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
  OTEL_METRIC_EXPORT_INTERVAL: "300",
  OTEL_BSP_SCHEDULE_DELAY: "200",
  OTEL_BLRP_SCHEDULE_DELAY: "200"
}

describe("--otlp-endpoint", { timeout: 60_000 }, () => {
  it("sends logs, metrics and traces, and what is left at the end", async () => {
    const server = await startServer([`--otlp-endpoint=${endpoint}`, "--verbose=DEBUG", "--log-file=none"], {
      env: quick
    })
    const at = ["--server", server.address]
    const worker = startGearman(["worker", "cat", ...at, "--client-id", "otis", "--", "cat"])
    await gearman(["submit", "cat", "x", "--unique", "u1", ...at])
    const caller = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" }
    await gearman(["submit", "cat", `00-${caller.trace}-${caller.span}-01\ntraced`, ...at])
    await gearman(["submit", "cat", `00-${caller.trace}-${caller.span}-00\nnot traced`, ...at])
    await until(() => points("gearman_jobs_completed_total").some((point) => point.asDouble === 3), "metrics came")
    await end(worker)
    await gearman(["submit", "nobody", "x", "--background", ...at])
    assert.strictEqual((await end(server)).code, 0)

    const [own] = spans().filter((span) => plain(span.attributes)["gearman.unique"] === "u1")
    assert.strictEqual(own.name, "cat job")
    assert.deepInclude(plain(own.attributes), {
      "gearman.function": "cat",
      "gearman.priority": "normal",
      "gearman.kind": "foreground",
      "gearman.outcome": "completed"
    })
    assert.match(plain(own.attributes)["gearman.handle"], /^H:/)
    const [attempt] = spans().filter((span) => span.parentSpanId === own.spanId)
    assert.deepStrictEqual(
      [attempt.name, attempt.traceId, plain(attempt.attributes)["gearman.worker"]],
      ["cat attempt", own.traceId, "otis"]
    )
    assert.isTrue(BigInt(own.startTimeUnixNano) <= BigInt(attempt.startTimeUnixNano))
    assert.isTrue(BigInt(own.endTimeUnixNano) >= BigInt(attempt.endTimeUnixNano))
    const traced = spans().filter((span) => span.traceId === caller.trace && span.parentSpanId === caller.span)
    assert.strictEqual(traced.length, 1, "the caller's decision counts")

    const completed = records().find(
      (one) => one.body.stringValue === "job completed" && plain(one.attributes)["unique"] === "u1"
    )
    assert.deepInclude(plain(completed.attributes), { function: "cat", outcome: "completed", "gearman.level": "DEBUG" })
    assert.strictEqual(completed.severityText, "Debug")
    // The last lines before the end, and the last submission, are not lost.
    assert.isTrue(records().some((one) => one.body.stringValue === "SIGTERM: stopping"))
    assert.isTrue(points("gearman_jobs_waiting").some((point) => plain(point.attributes)["function"] === "nobody"))
    assert.isAbove(points("gearman_job_wait_seconds")[0].count, 0)

    const [first] = bodies("/v1/metrics")
    const resource = plain(first.resourceMetrics[0].resource.attributes)
    assert.deepInclude(resource, { "service.name": "effect-gearman", "deployment.environment": "test" })
    assert.isTrue(received.every((one) => one.header === "secret" && one.type === "application/json"))
  })

  it("obeys OpenTelemetry's variables: where, which signals, how encoded, how many traces", async () => {
    received.length = 0
    const server = await startServer([], {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_METRICS_EXPORTER: "none",
        OTEL_TRACES_SAMPLER: "always_off",
        OTEL_BLRP_SCHEDULE_DELAY: "100"
      }
    })
    await gearman(["submit", "cat", "x", "--background", "--server", server.address])
    assert.strictEqual((await end(server)).code, 0)
    assert.deepStrictEqual(
      received.map(({ path, type }) => [path, type]),
      []
    )
    const loud = await startServer(["--verbose=NOTICE"], {
      env: { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${endpoint}/logs`, OTEL_BLRP_SCHEDULE_DELAY: "100" }
    })
    assert.strictEqual((await end(loud)).code, 0)
    assert.deepStrictEqual(
      [...new Set(received.map(({ path, type }) => `${path} ${type}`))],
      ["/logs application/x-protobuf"]
    )
    assert.isTrue(received.some(({ body }) => body.includes("SIGTERM: stopping")))
  })

  it("serves on when nobody collects, says so once, and still ends", async () => {
    const server = await startServer([`--otlp-endpoint=http://127.0.0.1:${await freePort()}`, "--verbose=NOTICE"], {
      env: { OTEL_METRIC_EXPORT_INTERVAL: "100", OTEL_EXPORTER_OTLP_TIMEOUT: "500" }
    })
    await server.says(/WARNING .*OtlpMetrics cannot export, and tries again in a minute/)
    assert.strictEqual((await gearman(["status", "--json", "--server", server.address])).stdout, "[]\n")
    assert.strictEqual((await end(server)).code, 0)
    assert.strictEqual(server.errors().split("OtlpMetrics cannot export").length, 2)
  })

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, /--otlp-endpoint: "collector:4318" is no URL of a collector/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:secret@host" }, /OTEL_EXPORTER_OTLP_HEADERS/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h", OTEL_TRACES_SAMPLER: "some" }, /OTEL_TRACES_SAMPLER "some" is none of/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /must be http\/protobuf or/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h", OTEL_BSP_SCHEDULE_DELAY: "soon" }, /OTEL_BSP_SCHEDULE_DELAY must be/]
  ])("refuses %j before it listens", async (env, message) => {
    const result = await gearman(["server", "--port=0", "--verbose=INFO"], { env })
    assert.deepStrictEqual([result.code, result.stdout], [1, ""])
    assert.match(result.stderr, message)
    assert.notMatch(result.stderr, /secret|listening/)
    const checked = await gearman(["config", "check"], { env })
    assert.strictEqual(checked.code, 1)
    assert.match(checked.stderr, message)
  })
})
