/** A few seconds of `npm run soak`: everything adds up, and nothing is left behind. */
import { assert, describe, it } from "vitest"
import { run } from "../interop/processes.ts"

describe("npm run soak", { timeout: 120_000 }, () => {
  it("accounts for every job while clients leave, workers are killed and strangers talk rubbish", async () => {
    const soak = await run(process.execPath, ["bench/soak.ts", "--minutes", "0.12", "--visits", "10", "--json"], {
      timeoutMillis: 110_000
    })
    assert.strictEqual(soak.code, 0, soak.stderr)
    const { after, counts, wrong } = JSON.parse(soak.stdout)
    assert.deepStrictEqual(wrong, [])
    assert.isAtLeast(counts.visits, 10)
    assert.isAtLeast(counts.strangers, 10)
    assert.isAbove(after.submitted, 20)
    assert.strictEqual(after.ended, after.submitted)
  })
})
