/** `--json`: what scripts read, from each command that has it, and `doctor` asked about one function. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { handle, JobFunction, serve } from "../../src/promise/index.ts"
import { freePort } from "../interop/processes.ts"
import { ask, end, gearman, patienceMillis, startGearman, startServer, until } from "./support.ts"

let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  server = await startServer(["--allow-cancel"])
}, patienceMillis)
afterAll(() => end(server))

const at = () => ["--server", server.address]

const startWorker = async (name: string, ...command: ReadonlyArray<string>) => {
  const worker = startGearman(["worker", name, ...at(), "--", ...command])
  await until(async () => (await ask(server.port, "workers"))?.includes(`: ${name}\n`) === true, "the worker came")
  return worker
}

const lines = async (args: ReadonlyArray<string>, input?: string) => {
  const result = await gearman([...args, "--json", ...at()], input === undefined ? {} : { input: input })
  const objects: ReadonlyArray<any> = result.stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))
  return { ...result, objects }
}

/** Without what differs each time. */
const told = ({ handle, message, server: place, ...rest }: any) => {
  if (rest.event !== "failed" || rest.reason === "JobFailed") assert.match(handle, /^H:/)
  if (handle !== undefined) assert.strictEqual(place, server.address)
  assert.strictEqual(typeof message, rest.event === "failed" ? "string" : "undefined")
  return rest
}

describe("submit --json", { timeout: 60_000 }, () => {
  it("tells what happens to each job, and goes on after one that fails", async () => {
    const worker = await startWorker("odd", "sh", "-c", "read n; test $((n % 2)) = 1 && echo -n $n")
    const submitted = await lines(["submit", "odd", "--lines"], "1\n2\n3\n")
    assert.deepStrictEqual([submitted.code, submitted.stderr], [1, "effect-gearman: 1 of 3 jobs failed\n"])
    const of = (job: number) => submitted.objects.filter((line) => line.job === job).map(told)
    const created = (job: number) => ({ job, function: "odd", event: "created" })
    assert.deepStrictEqual(of(1), [created(1), { job: 1, function: "odd", event: "completed", data: "1" }])
    assert.deepStrictEqual(of(2), [created(2), { job: 2, function: "odd", event: "failed", reason: "JobFailed" }])
    assert.deepStrictEqual(of(3), [created(3), { job: 3, function: "odd", event: "completed", data: "3" }])
    await end(worker)
  })

  it("tells data, warnings and progress as they come, and bytes that are no text as base64", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    const chatty = handle(JobFunction.bytes("chatty"), async (_, job) => {
      await job.progress(1, 2)
      await job.warning(bytes("careful"))
      await job.data(bytes("part"))
      return new Uint8Array([0xff, 0x00])
    })
    const thrower = handle("thrower", () => Promise.reject(new Error("no wheels")))
    const worker = await serve({ servers: [server.address] }, [chatty, thrower])
    const submitted = await lines(["submit", "chatty", "x"])
    assert.deepStrictEqual(
      submitted.objects.map(told).map(({ event, function: _fn, job: _job, ...rest }) => [event, rest]),
      [
        ["created", {}],
        ["status", { numerator: 1, denominator: 2 }],
        ["warning", { data: "careful" }],
        ["data", { data: "part" }],
        ["completed", { dataBase64: "/wA=" }]
      ]
    )
    assert.strictEqual(submitted.code, 0)
    const thrown = (await lines(["submit", "thrower", "x"])).objects.at(-1)
    assert.deepInclude(thrown, { event: "failed", reason: "JobException" })
    assert.include(thrown.data, "no wheels")
    await worker.close()
  })

  it("tells the handle of what it queues, what ran out of time, and that nobody can be reached", async () => {
    const queued = await lines(["submit", "queued-json", "x", "--background"])
    assert.deepStrictEqual(queued.objects.map(told), [{ job: 1, function: "queued-json", event: "queued" }])
    assert.strictEqual(queued.code, 0)
    const late = await lines(["submit", "nobody", "x", "-t", "100"])
    assert.deepStrictEqual([late.code, late.objects.at(-1).event, late.objects.at(-1).reason], [1, "failed", "Timeout"])
    const lost = await gearman(["submit", "f", "x", "--json", "--port", String(await freePort())])
    assert.strictEqual(lost.code, 3)
    const { event, message, reason } = JSON.parse(lost.stdout)
    assert.deepStrictEqual([event, reason], ["failed", "NoServer"])
    assert.include(lost.stderr, message)
  })
})

describe("cancel", { timeout: 60_000 }, () => {
  it("tells of each handle, and cancels those that it can", async () => {
    const queue = async () => (await gearman(["submit", "cancelled-json", "x", "-b", ...at()])).stdout.trim()
    const [first, second] = [await queue(), await queue()]
    const { code, objects } = await lines(["cancel", "H:no:1", first])
    const [[unknown, cancelled]] = objects
    assert.deepInclude(unknown, { handle: "H:no:1", isCancelled: false })
    assert.include(unknown.reason, "UNKNOWN_JOB")
    assert.deepStrictEqual(cancelled, { handle: first, isCancelled: true, server: server.address })
    assert.strictEqual(code, 1)
    const asText = await gearman(["cancel", "H:no:1", second, ...at()])
    assert.deepStrictEqual([asText.code, asText.stdout], [1, `cancelled ${second}\n`])
    assert.match(asText.stderr, /UNKNOWN_JOB\neffect-gearman: 1 of 2 jobs were not cancelled\n$/)
    assert.notInclude((await ask(server.port, "status"))!, "cancelled-json\t1")
    const nobody = await gearman(["cancel", first, second, "--json", "--port", String(await freePort())])
    assert.strictEqual(nobody.code, 3)
    assert.deepStrictEqual(
      JSON.parse(nobody.stdout).map((row: any) => row.isCancelled),
      [false, false]
    )
  })
})

describe("top --json", { timeout: 60_000 }, () => {
  it("prints a line for each look, until it is stopped", async () => {
    const worker = await startWorker("served", "cat")
    await gearman(["submit", "orphan", "x", "-b", ...at()])
    const two = await lines(["top", "--count", "2", "--interval", "0.1"])
    assert.deepStrictEqual([two.code, two.objects.length], [0, 2])
    for (const { functions, problems, time, workers } of two.objects) {
      assert.isFalse(Number.isNaN(Date.parse(time)))
      const find = (name: string) => functions.find((row: any) => row.function === name)
      assert.deepInclude(find("orphan"), { queued: 1, running: 0, workers: 0, change: 0, isStuck: true })
      assert.include(find("orphan").reason, "no worker anywhere can do it")
      assert.deepInclude(find("served"), { workers: 1, isStuck: false })
      assert.deepStrictEqual(
        workers.map((row: any) => row.functions),
        [["served"]]
      )
      assert.deepStrictEqual(problems, [])
    }
    const watching = startGearman(["top", "--json", "--interval", "0.1", ...at()])
    await until(() => watching.output().split("\n").length > 3, "it looked several times")
    assert.strictEqual((await end(watching)).code, 0)
    await end(worker)
  })

  it("goes on while a server is lost, and ends at once where there is none", async () => {
    const other = await startServer()
    const watching = startGearman(["top", "--json", "--interval", "0.1", "--server", other.address])
    await until(() => watching.output().includes('"problems":[]'), "it looked")
    await end(other)
    await watching.says(/"functions":\[\],"workers":\[\],"problems":\["cannot reach the job server/)
    assert.strictEqual((await end(watching)).code, 0)
    const nobody = await gearman(["top", "--json", "--server", other.address])
    assert.deepStrictEqual([nobody.code, nobody.stdout], [3, ""])
  })
})

describe("doctor FUNCTION", { timeout: 60_000 }, () => {
  it("speaks of that function only, also when it is well or unknown", async () => {
    const worker = await startWorker("well", "cat")
    for (const name of ["ill", "other"]) await gearman(["submit", name, "x", "-b", ...at()])
    const doctor = (...more: ReadonlyArray<string>) => gearman(["doctor", "--wait", "0", ...at(), ...more])
    const ill = await doctor("ill")
    assert.strictEqual(ill.code, 1)
    assert.match(ill.stdout, /^ill on \S+: 1 queued, 0 running, 0 workers: no worker anywhere can do it[^\n]*\n$/)
    const well = await doctor("well")
    assert.deepStrictEqual(
      [well.code, well.stdout],
      [0, `well on ${server.address}: 0 queued, 0 running, 1 worker: nothing is stuck\n`]
    )
    const both = await doctor("other", "wel", "--json")
    assert.strictEqual(both.code, 1)
    assert.deepStrictEqual(
      JSON.parse(both.stdout).map((row: any) => [row.function, row.isProblem]),
      [
        ["wel", true],
        ["other", true]
      ]
    )
    assert.match((await doctor("wel")).stdout, /^wel: no server knows it/)
    await end(worker)
    await until(async () => (await ask(server.port, "workers"))?.includes(": well\n") === false, "the worker left")
    const idle = await doctor("well")
    assert.deepStrictEqual([idle.code, idle.stdout.endsWith("no job waits, and no worker can do it\n")], [0, true])
  })
})
