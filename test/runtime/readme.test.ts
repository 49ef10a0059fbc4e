/** The README's example, as it is printed there, run against a job server. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../interop/processes.ts"
import { patienceMillis, startServer } from "./support.ts"

const root = join(import.meta.dirname, "../..")

describe("README", () => {
  let server: Awaited<ReturnType<typeof startServer>>

  beforeAll(async () => {
    server = await startServer()
  })

  afterAll(() => server.stop())

  it("shows an example that does what it says", async () => {
    const [, example] = /```ts\n([^]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))!
    // In the repository's folder the package's own name resolves, and to its sources.
    const ended = await run(
      process.execPath,
      ["--conditions=@effect-gearman/source", "--input-type=module-typescript", "-"],
      { cwd: root, input: example!.replaceAll("127.0.0.1:4730", server.address), timeoutMillis: 2 * patienceMillis }
    )
    assert.include(ended.stdout, "cat.png@320", ended.stderr)
    assert.strictEqual(ended.code, 0)
  })
})
