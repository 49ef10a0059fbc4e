/**
 * Fuzzing in small; `npm run fuzz` goes on for longer.
 */
import { assert, describe, it } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { fuzzCore } from "./fuzz/core.ts"
import { fuzzProcess } from "./fuzz/process.ts"
import { oursAsProcess } from "./ours.ts"

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fffffff)
const mebibyte = 1024 * 1024

describe("random packets", () => {
  it(`leave the state machine whole and its memory flat (FUZZ_SEED=${seed})`, { timeout: 120_000 }, () => {
    setFlagsFromString("--expose-gc")
    const report = fuzzCore(200_000, seed, runInNewContext("gc"))
    assert.isAtLeast(report.packets, 200_000)
    const [first, , , last] = report.heapBytes as [number, number, number, number]
    assert.isBelow(last - first, 4 * mebibyte)
    // Each packet type a server sends was sent: the packets got past the first checks.
    const sent = [6, 8, 10, 11, 12, 13, 14, 17, 19, 20, 25, 27, 28, 29, 31, 40, 42]
    assert.deepStrictEqual(
      sent.filter((type) => !report.answers.has(type)),
      []
    )
  })

  it(`do not bring a server process down, nor stop its answers (FUZZ_SEED=${seed})`, { timeout: 120_000 }, async () => {
    const report = await fuzzProcess(oursAsProcess, 5, seed)
    assert.isAtLeast(report.packets, 10_000)
    assert.isAtLeast(report.connections, 50)
    assert.isBelow(report.slowestEchoMillis, 10_000)
    assert.isBelow(Math.max(...report.residentBytes), 400 * mebibyte)
  })
})
