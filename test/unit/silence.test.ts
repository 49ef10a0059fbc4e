/** Who has said nothing for too long is let go, each in its own time, by one timer. */
import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { Silence } from "../../src/runtime/network/Silence.ts"

describe("Silence", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }))
  afterEach(() => void vi.useRealTimers())

  it("lets each go when its time is over, and none before", () => {
    const late: Array<string> = []
    const silence = new Silence<string>(1_000, (member) => void late.push(member))
    silence.begin("first")
    vi.advanceTimersByTime(400)
    silence.begin("second")
    silence.begin("third")
    vi.advanceTimersByTime(599)
    assert.deepStrictEqual(late, [])
    vi.advanceTimersByTime(2)
    assert.deepStrictEqual(late, ["first"])
    assert.strictEqual(vi.getTimerCount(), 1)
    vi.advanceTimersByTime(400)
    assert.deepStrictEqual(late, ["first", "second", "third"])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("forgets who speaks, and begins anew after all have gone", () => {
    const late: Array<string> = []
    const silence = new Silence<string>(1_000, (member) => void late.push(member))
    silence.begin("speaks")
    silence.end("speaks")
    vi.advanceTimersByTime(5_000)
    assert.strictEqual(silence.size, 0)
    silence.begin("silent")
    vi.advanceTimersByTime(999)
    assert.deepStrictEqual(late, [])
    vi.advanceTimersByTime(2)
    assert.deepStrictEqual(late, ["silent"])
  })

  it("takes a limit that no timer can hold", () => {
    const late: Array<string> = []
    const silence = new Silence<string>(2 ** 40, (member) => void late.push(member))
    silence.begin("silent")
    vi.advanceTimersByTime(60_000)
    assert.deepStrictEqual(late, [])
  })
})
