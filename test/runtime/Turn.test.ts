/**
 * Work that follows bytes: once for all of a turn, at once when much has come, and never
 * lost because other work failed.
 */
import { assert, describe, it } from "@effect/vitest"
import { setImmediate as nextTurn } from "node:timers/promises"
import * as Turn from "../../src/runtime/network/Turn.ts"

const unexpected = (defect: unknown) => assert.fail(String(defect))

describe("Turn", () => {
  it("does the same work once for all that came together, and again for what comes later", async () => {
    let flushes = 0
    const flush = () => void flushes++
    for (let connection = 0; connection < 3; connection++) Turn.atEnd(flush, 10, unexpected)
    assert.strictEqual(flushes, 0)
    await nextTurn()
    assert.strictEqual(flushes, 1)
    Turn.atEnd(flush, 10, unexpected)
    await nextTurn()
    assert.strictEqual(flushes, 2)
  })

  it("does not wait for the turn's end when much has come", async () => {
    let flushes = 0
    const flush = () => void flushes++
    for (let chunk = 0; chunk < 4; chunk++) Turn.atEnd(flush, 65_536, unexpected)
    assert.strictEqual(flushes, 1)
    Turn.atEnd(flush, 1, unexpected)
    assert.strictEqual(flushes, 1)
    await nextTurn()
    assert.strictEqual(flushes, 2)
  })

  it("tells a failure to whoever asked for that work first, and does the rest", async () => {
    const told: Array<string> = []
    let flushes = 0
    const fail = () => {
      throw new Error("boom")
    }
    Turn.atEnd(fail, 1, (defect) => told.push(`first: ${String(defect)}`))
    Turn.atEnd(fail, 1, (defect) => told.push(`second: ${String(defect)}`))
    Turn.atEnd(() => void flushes++, 1, unexpected)
    await nextTurn()
    assert.deepStrictEqual(told, ["first: Error: boom"])
    assert.strictEqual(flushes, 1)
  })

  it("tells work whether so much came that more is likely to follow, unless it must not wait", async () => {
    const told: Array<boolean> = []
    const flush = (isBusy: boolean) => void told.push(isBusy)
    for (let read = 0; read < 3; read++) Turn.atEnd(flush, 10, unexpected)
    await nextTurn()
    for (let read = 0; read < 4; read++) Turn.atEnd(flush, 10, unexpected)
    await nextTurn()
    for (let read = 0; read < 4; read++) Turn.atEnd(flush, 10, unexpected)
    Turn.settle()
    assert.deepStrictEqual(told, [false, true, false])
  })
})
