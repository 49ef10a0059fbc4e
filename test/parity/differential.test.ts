/**
 * The differential test in small: DIFFERENTIAL_SEQUENCES sequences, 100 where not set.
 * Many more run by `npm run differential`.
 */
import { assert, it } from "@effect/vitest"
import { describeWith } from "../interop/peers.ts"
import { check } from "./differential/check.ts"
import { gearmand } from "./gearmand.ts"
import { ours } from "./ours.ts"

const sequences = Number(process.env.DIFFERENTIAL_SEQUENCES ?? 100)

describeWith(["gearmand"], "our server and gearmand", () => {
  it(
    `answer ${sequences} random sequences of commands alike, but for the named deviations`,
    { timeout: 60_000 + sequences * 500 },
    async () => {
      const statistics = await check(gearmand, ours, { sequences })
      assert.strictEqual(statistics.sequences, sequences)
    }
  )

  it("the test tells two servers apart that differ", { timeout: 180_000 }, async () => {
    const withoutExceptions = (args: ReadonlyArray<string>) => gearmand(args.filter((arg) => arg !== "--exceptions"))
    const difference = await check(gearmand, withoutExceptions, { sequences: 2000, shrink: false }).then(
      () => "",
      (cause: Error) => cause.message
    )
    assert.include(difference, "WORK_EXCEPTION")
    assert.include(difference, "from the first server")
  })
})
