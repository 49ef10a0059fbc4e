/** Memory for workloads: a job's alone while the job lives, and used again after it. */
import * as fc from "fast-check"
import * as Codec from "../../../src/protocol/Codec.ts"
import { assert, describe, it } from "@effect/vitest"
import { Workloads } from "../../../src/protocol/server/Workloads.ts"

const frameOf = (bytes: Uint8Array): Codec.Frame => {
  const frame = new Codec.Frame()
  frame.bytes = bytes
  return frame
}

const bytesOf = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (first + index) & 255)

describe("memory for workloads", () => {
  it("is a job's alone until it is given back, whatever its size", () => {
    const step = fc.record({ length: fc.nat({ max: 40_000 }), first: fc.nat(255), ends: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const workloads = new Workloads()
        const held: Array<{ readonly workload: Uint8Array; readonly expected: Uint8Array }> = []
        for (const { ends, first, length } of steps) {
          const source = bytesOf(length + 2, first)
          held.push({ workload: workloads.keep(frameOf(source), 1, length + 1), expected: source.slice(1, length + 1) })
          source.fill(0)
          if (ends) workloads.give(held.splice(first % held.length, 1)[0]!.workload)
          for (const { expected, workload } of held) assert.deepEqual(workload, expected)
        }
      })
    )
  })

  it("is used again for a workload of about the same size", () => {
    const workloads = new Workloads()
    const first = workloads.keep(frameOf(bytesOf(10_240, 0)), 0, 10_240)
    workloads.give(first)
    const second = workloads.keep(frameOf(bytesOf(10_000, 7)), 0, 10_000)
    assert.strictEqual(second.buffer, first.buffer)
    assert.deepEqual(second, bytesOf(10_000, 7))
    assert.notStrictEqual(workloads.keep(frameOf(second), 0, 10_000).buffer, first.buffer)
  })

  it("is an eighth larger than the workload at most", () => {
    const workloads = new Workloads()
    for (let length = 1; length < 40_000; length += 13) {
      const { buffer } = workloads.keep(frameOf(new Uint8Array(length)), 0, length)
      assert.isAtMost(buffer.byteLength, (length * 9) / 8)
    }
  })

  it("is not kept beyond 16 MiB, nor from what the transport may still have to send", () => {
    const workloads = new Workloads()
    const given = Array.from({ length: 2_000 }, () => workloads.keep(frameOf(new Uint8Array(10_240)), 0, 10_240))
    for (const workload of given) workloads.give(workload)
    const known = new Set(given.map(({ buffer }) => buffer))
    const again = given.map(() => workloads.keep(frameOf(new Uint8Array(10_240)), 0, 10_240).buffer)
    assert.isAtMost(again.filter((buffer) => known.has(buffer)).length * 10_240, 16 * 1024 * 1024)
    const large = workloads.keep(frameOf(new Uint8Array(32_768)), 0, 32_768)
    workloads.give(large)
    assert.notStrictEqual(workloads.keep(frameOf(new Uint8Array(32_768)), 0, 32_768).buffer, large.buffer)
  })
})
