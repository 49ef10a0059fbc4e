/**
 * A new version of every job server under load, one server after the other: callers that
 * use our library notice nothing.
 */
import { assert, describe, it } from "vitest"
import { connect, handle, JobFunction, serve } from "../../src/promise/index.ts"
import { freePort } from "../interop/processes.ts"
import { end, ready, sleep, startGearman, until } from "./support.ts"

const slow = JobFunction.utf8("deploy.slow", { idempotent: true })
const note = JobFunction.utf8("deploy.note")

const start = async (port: number) => {
  const server = startGearman(["server", `--port=${port}`, "--drain-timeout=10", "--verbose=NOTICE"])
  await ready(port)
  return server
}

describe("a deploy of every job server, one after the other, under load", { timeout: 120_000 }, () => {
  it("costs no caller its value, and no accepted background job its run", async () => {
    const ports = [await freePort(), await freePort()]
    const servers = ports.map((port) => `127.0.0.1:${port}`)
    const running = await Promise.all(ports.map(start))
    const noted = new Set<string>()
    const handlers = [
      handle(slow, async (payload) => {
        await sleep(20)
        return `${payload} done`
      }),
      handle(note, async (payload) => {
        noted.add(payload)
        return ""
      })
    ]
    const workers = await Promise.all([1, 2].map(() => serve({ servers, concurrency: 8 }, handlers)))
    const client = connect({ servers, noServerTimeout: "30 seconds" })
    let isOver = false
    const values: Array<string> = []
    const errors: Array<unknown> = []
    const accepted: Array<string> = []
    let calls = 0
    const caller = async () => {
      while (!isOver) {
        const id = `job ${++calls}`
        try {
          const value = await client.run(slow, id)
          values.push(value === `${id} done` ? id : `${id} got ${value}`)
        } catch (error) {
          errors.push(error)
        }
      }
    }
    const submitter = async () => {
      while (!isOver) {
        const id = `note ${++calls}`
        try {
          await client.background(note, id)
          accepted.push(id)
        } catch {
          // Not accepted, and its submitter knows.
        }
        await sleep(2)
      }
    }
    // At no moment all of them wait: a server that took their jobs on would never be idle.
    const load = [...Array.from({ length: 40 }, caller), ...Array.from({ length: 3 }, submitter)]
    await until(() => values.length > 50, "callers had values")
    for (const [index, port] of ports.entries()) {
      const ended = await end(running[index]!)
      assert.strictEqual(ended.code, 0)
      assert.notInclude(ended.stderr, "jobs left")
      const before = values.length
      await until(() => values.length > before + 50, "callers had values while a server was away")
      running[index] = await start(port)
      await sleep(1_000)
    }
    isOver = true
    await Promise.all(load)
    assert.deepStrictEqual(errors, [])
    assert.strictEqual(values.filter((value) => value.includes("got")).length, 0)
    await until(() => accepted.every((id) => noted.has(id)), "every accepted background job ran")
    assert.isAbove(accepted.length, 50)
    await client.close()
    await Promise.all(workers.map((worker) => worker.close()))
    for (const server of running) await end(server)
  })
})
