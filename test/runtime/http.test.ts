/** What monitors see: metrics, health, readiness, status, and the description of these. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Status } from "../../src/runtime/server/MonitoringApi.ts"
import { freePort } from "../interop/processes.ts"
import { parse, valueOf } from "./prometheus.ts"
import { ask, gearman, inDirectory, sleep, startGearman, startServer, until, end } from "./support.ts"

const withHttp = async (args: ReadonlyArray<string> = []) => {
  const port = await freePort()
  const server = await startServer([`--http-listen=127.0.0.1:${port}`, ...args])
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text(), type: response.headers.get("content-type") }
  }
  return { server, get, at: ["--server", server.address] }
}

/** Holds a value against the part of JSON Schema that OpenAPI descriptions of ours use; the rest is an error. */
const mistakes = (schema: any, value: any, root: any, path = "$"): ReadonlyArray<string> => {
  const known = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "allOf",
    "$ref",
    "minimum",
    "maximum"
  ]
  const notes = ["description", "title"]
  const unknown = Object.keys(schema).filter((key) => ![...known, ...notes].includes(key))
  if (unknown.length > 0) return [`${path}: the check does not know ${unknown}`]
  if (schema.$ref !== undefined) {
    const target = schema.$ref
      .split("/")
      .slice(1)
      .reduce((at: any, key: string) => at?.[key], root)
    return target === undefined ? [`${schema.$ref} leads nowhere`] : mistakes(target, value, root, path)
  }
  const found: Array<string> = (schema.allOf ?? []).flatMap((one: any) => mistakes(one, value, root, path))
  const is = Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value
  if (schema.type !== undefined && schema.type !== is && !(schema.type === "number" && is === "integer"))
    found.push(`${path} is ${is}, not ${schema.type}`)
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${path} is none of ${schema.enum}`)
  if (schema.minimum !== undefined && value < schema.minimum) found.push(`${path} is below ${schema.minimum}`)
  if (schema.maximum !== undefined && value > schema.maximum) found.push(`${path} is above ${schema.maximum}`)
  if (is === "array" && schema.items) {
    found.push(...value.flatMap((one: any, at: number) => mistakes(schema.items, one, root, `${path}[${at}]`)))
  }
  if (is === "object" && schema.type === "object") {
    for (const key of schema.required ?? []) if (!(key in value)) found.push(`${path}.${key} is missing`)
    for (const [key, one] of Object.entries(value)) {
      const its = schema.properties?.[key] ?? schema.additionalProperties
      if (its === false || its === undefined) found.push(`${path}.${key} is not described`)
      else found.push(...mistakes(its, one, root, `${path}.${key}`))
    }
  }
  return found
}

describe("--http-listen", { timeout: 60_000 }, () => {
  it("tells those that have said nothing yet from workers and others", async () => {
    const { get, server } = await withHttp([])
    const dial = (text: string) =>
      Net.connect(server.port, "127.0.0.1", function (this: Net.Socket) {
        if (text !== "") this.write(text, "latin1")
      })
    // Nothing, half a packet, CAN_DO f, and a text command.
    const dialled = ["", "\0REQ\0\0", "\0REQ\0\0\0\x01\0\0\0\x01f", "version\n"].map(dial)
    const shown = async () => {
      const page = parse((await get("/metrics")).text)
      const role = (name: string) => valueOf(page, "gearman_connections", { role: name })
      return { worker: role("worker"), silent: role("silent"), other: role("other") }
    }
    const expected = { worker: 1, silent: 2, other: 1 }
    await until(async () => JSON.stringify(await shown()) === JSON.stringify(expected), "all were counted")
    assert.deepStrictEqual(JSON.parse((await get("/status")).text).connectionsByRole, expected)
    for (const socket of dialled) socket.destroy()
    await end(server)
  })

  it("serves metrics by function and priority, with times, as Prometheus reads them", async () => {
    const { at, get, server } = await withHttp(["--drain-timeout=5"])
    assert.deepStrictEqual([(await get("/healthz")).text, (await get("/readyz")).status], ["ok\n", 200])
    assert.strictEqual((await get("/nothing")).status, 404)

    await gearman(["submit", "cat", "x", "--background", "--priority", "high", "--unique", "u", ...at])
    await gearman(["submit", "cat", "x", "--background", "--unique", "u", ...at])
    const high = { function: "cat", priority: "high" }
    const waiting = parse((await get("/metrics")).text)
    assert.strictEqual(valueOf(waiting, "gearman_jobs", { ...high, state: "waiting" }), 1)
    assert.strictEqual(valueOf(waiting, "gearman_jobs_waiting", { function: "cat" }), 1)
    assert.strictEqual(valueOf(waiting, "gearman_jobs_coalesced_total", { function: "cat" }), 1)
    assert.strictEqual(valueOf(waiting, "gearman_jobs_submitted_total", { ...high, kind: "background" }), 1)

    const worker = startGearman(["worker", "cat", ...at, "--", "sh", "-c", "sleep 0.4; cat"])
    await until(async () => (await ask(server.port, "status"))?.includes("cat\t0\t0\t1\n") === true, "the job was done")
    const page = await get("/metrics")
    assert.strictEqual(page.type, "text/plain; version=0.0.4; charset=utf-8")
    const done = parse(page.text)
    assert.strictEqual(valueOf(done, "gearman_jobs_completed_total", { function: "cat", outcome: "completed" }), 1)
    assert.strictEqual(valueOf(done, "gearman_workers", { function: "cat", state: "busy" }), 0)
    assert.strictEqual(valueOf(done, "gearman_jobs_running", { function: "cat" }), 0)
    assert.strictEqual(valueOf(done, "gearman_job_run_seconds_count", high), 1)
    const run = valueOf(done, "gearman_job_run_seconds_sum", high)!
    assert.isTrue(run >= 0.3 && run < 10, `${run}`)
    assert.isAbove(valueOf(done, "gearman_job_wait_seconds_sum", high)!, 0)
    assert.strictEqual(valueOf(done, "gearman_up"), 1)
    assert.isAbove(valueOf(done, "process_resident_memory_bytes")!, 1e7)
    await end(worker)

    await gearman(["submit", "never", "x", "--background", ...at])
    process.kill(server.pid, "SIGTERM")
    await sleep(200)
    assert.deepStrictEqual(await get("/readyz"), {
      status: 503,
      text: "shutting down\n",
      type: "text/plain"
    })
    assert.strictEqual(JSON.parse((await get("/status")).text).state, "draining")
    assert.strictEqual((await get("/healthz")).status, 200)
    assert.strictEqual((await end(server)).code, 0)
  })

  it("keeps a page that Prometheus reads, whatever functions are called", async () => {
    const { at, get, server } = await withHttp()
    for (const name of ['quo"te', "back\\slash", "ünïcode", "other"]) {
      await gearman(["submit", name, "x", "--background", ...at])
    }
    const families = parse((await get("/metrics")).text)
    const named = families.get("gearman_jobs_waiting")!.samples.map(({ labels }) => labels["function"])
    assert.sameMembers(named, ['quo"te', "back\\slash", "ünïcode", "other"])
    await end(server)
  })

  it("tells how late the event loop is, which is nothing where nothing is to do", async () => {
    const { get, server } = await withHttp()
    const lag = async (what: string) =>
      valueOf(parse((await get("/metrics")).text), `nodejs_eventloop_lag_${what}_seconds`)!
    // A look every 20 ms would by itself make these 0.02.
    await until(async () => {
      await sleep(100)
      return (await lag("mean")) < 0.015
    }, "it was not late")
    assert.isAtLeast(await lag("max"), 0)
    await end(server)
  })

  it("keeps apart what is not UTF-8, and tells of a thousand functions whoever asks", async () => {
    const { get, server } = await withHttp()
    const named = (name: string) => {
      const body = Buffer.from(`${name}\0\0x`, "latin1")
      const header = Buffer.from("\0REQ\0\0\0\x12\0\0\0\0", "latin1")
      header.writeUInt32BE(body.length, 8)
      return Buffer.concat([header, body])
    }
    const names = ["a\xff", "a\xfe", "\xc3\xbc", ...Array.from({ length: 1_500 }, (_, index) => `f${index}`)]
    const socket = Net.connect(server.port, "127.0.0.1")
    socket.write(Buffer.concat(names.map(named)))
    const functions = async () => (JSON.parse((await get("/status")).text) as typeof Status.Type).functions
    await until(async () => (await functions()).length === names.length, "all were submitted")
    const told = (await functions()).map((one) => one.function)
    assert.deepStrictEqual(told.slice(0, 3), ["a\\xff", "a\\xfe", "ü"])
    const pages = await Promise.all([get("/metrics"), get("/metrics"), get("/metrics")])
    for (const { text } of pages) {
      const families = parse(text)
      assert.strictEqual(families.get("gearman_jobs_waiting")!.samples.length, 1_000)
      for (const name of told.slice(0, 3)) {
        assert.strictEqual(valueOf(families, "gearman_jobs_waiting", { function: name }), 1, name)
        const submitted = { function: name, priority: "normal", kind: "background" }
        assert.strictEqual(valueOf(families, "gearman_jobs_submitted_total", submitted), 1, name)
      }
      const submissions = families.get("gearman_jobs_submitted_total")!.samples
      const sum = submissions.reduce((total, { value }) => total + value, 0)
      assert.strictEqual(sum, names.length, "those without a label of their own are counted as others")
    }
    socket.destroy()
    await end(server)
  })

  it("has the metrics that the manual lists, with these labels, and no others", async () => {
    const { at, get, server } = await withHttp(["--max-functions=2"])
    await gearman(["submit", "cat", "x", "--background", ...at])
    const worker = startGearman(["worker", "cat", ...at])
    await until(async () => (await ask(server.port, "status"))?.includes("cat\t0\t0\t1\n") === true, "the job was done")
    await gearman(["submit", "second", "x", "--background", ...at])
    await gearman(["submit", "third", "x", "--background", ...at])
    const families = parse((await get("/metrics")).text)
    const manual = Fs.readFileSync("docs/operations.md", "utf8")
    const table = manual.slice(manual.indexOf("| metric | meaning |"), manual.indexOf("The first thousand functions"))
    const listed = Array.from(
      table.matchAll(/`((?:gearman|process|nodejs)_\w+)(?:\{([\w,]+)\})?`/g),
      ([, name, labels]) => [name!, (labels ?? "").split(",").filter((label) => label !== "")] as const
    )
    assert.sameMembers(
      [...families.keys()],
      listed.map(([name]) => name)
    )
    for (const [name, labels] of listed) {
      for (const sample of families.get(name)?.samples ?? []) {
        const its = Object.keys(sample.labels).filter((label) => label !== "le")
        assert.sameMembers(its, [...labels], name)
      }
    }
    const received = { direction: "received" }
    assert.strictEqual(valueOf(families, "gearman_packets_total", { ...received, type: "SUBMIT_JOB_BG" }), 3)
    assert.strictEqual(valueOf(families, "gearman_packets_total", { direction: "sent", type: "JOB_CREATED" }), 2)
    assert.isAbove(valueOf(families, "gearman_bytes_total", received)!, 100)
    assert.isAbove(valueOf(families, "gearman_bytes_total", { direction: "sent" })!, 100)
    await end(worker)
    await end(server)
  })

  it("describes itself, and is as it says", async () => {
    const { at, get, server } = await withHttp()
    await gearman(["submit", "cat", "x", "--background", "--priority", "low", ...at])
    const description = JSON.parse((await get("/openapi.json")).text)
    assert.match(description.openapi, /^3\./)
    assert.sameMembers(Object.keys(description.paths), ["/status", "/healthz", "/readyz", "/metrics"])
    for (const [path, { get: operation }] of Object.entries<any>(description.paths)) {
      const answer = await get(path)
      const described = operation.responses[answer.status]?.content
      assert.isDefined(described, `${path} answers ${answer.status}`)
      assert.include(Object.keys(described), answer.type, path)
      const value = answer.type === "application/json" ? JSON.parse(answer.text) : answer.text
      assert.deepStrictEqual(mistakes(described[answer.type!].schema, value, description), [], path)
    }
    // The check itself finds what does not fit.
    const { schema } = description.paths["/status"].get.responses[200].content["application/json"]
    const status = JSON.parse((await get("/status")).text)
    assert.isAbove(mistakes(schema, { ...status, jobs: -1, state: "asleep", extra: 1 }, description).length, 2)

    assert.doesNotThrow(() => Schema.decodeUnknownSync(Status)(status))
    assert.deepInclude(status.functions, {
      function: "cat",
      waiting: { high: 0, normal: 0, low: 1 },
      delayed: 0,
      running: 0,
      workers: 0,
      busy: 0,
      sleeping: 0
    })
    assert.deepInclude(status, { state: "running", jobs: 1, workloadBytes: 1 })
    await end(server)
  })

  it("says in the log where it serves, also if any port was asked for", () =>
    inDirectory(async (directory) => {
      const log = Path.join(directory, "log")
      const server = await startServer(["--http-listen=127.0.0.1:0", "--verbose=NOTICE", `--log-file=${log}`])
      const url = /metrics, health and status on (http:\/\/127\.0\.0\.1:\d+)\n/.exec(Fs.readFileSync(log, "utf8"))![1]
      assert.strictEqual(await (await fetch(`${url}/healthz`)).text(), "ok\n")
      await end(server)
    }))

  it("says that its port is taken, and does not start without it", async () => {
    const server = await startServer()
    const result = await gearman(["server", "--port=0", `--http-listen=127.0.0.1:${server.port}`])
    assert.strictEqual(result.code, 1)
    assert.match(result.stderr, /cannot serve HTTP on 127\.0\.0\.1:\d+: [^\n]*EADDRINUSE[^\n]*\n$/)
    await end(server)
  })
})

describe("the check of metrics", () => {
  const good = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c"} 1\n'
  it.each([
    ["", "does not end"],
    [good.trimEnd(), "does not end"],
    [good + good, "two HELP lines"],
    [`${good}a_total{b="c"} 1\n`, "twice"],
    [`${good}a_total{b="d",b="e"} 1\n`, "twice"],
    [`${good}a_total{b="\\d"} 1\n`, "no escape"],
    [`${good}a_total{b="d} 1\n`, "does not end"],
    [`${good}a_total 0x1\n`, "is no number"],
    [`${good}a_total -1\n`, "is -1"],
    [`${good}other 1\n`, "no TYPE"],
    ["# TYPE a gauge\na 1\n", "no HELP"],
    ["# HELP a A.\n# TYPE a counter\na 1\n", "is a counter"],
    ['# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n', "cumulative"],
    ['# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n', "no +Inf"]
  ])("refuses %j", (page, why) => {
    assert.throws(() => parse(page), why)
  })

  it("takes what is right", () => {
    assert.strictEqual(valueOf(parse(good), "a_total", { b: "c" }), 1)
  })
})
