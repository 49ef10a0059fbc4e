/**
 * Submits jobs without end, so many at a time: `client.ts PORT FUNCTION COUNT`. Prints how
 * many are done.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../src/protocol/Client.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"

const [port, name, count] = process.argv.slice(2)
const fn = JobFunction.utf8(name!)
const batch = Array.from({ length: Number(count) })
let done = 0
let told = performance.now()

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const submit = Effect.tap(client.run(fn, "123456789"), () => Effect.sync(() => done++))
  while (true) {
    yield* Effect.forEach(batch, () => submit, { concurrency: "unbounded", discard: true })
    if (performance.now() - told < 20) continue
    told = performance.now()
    process.stdout.write(`${done}\n`)
  }
})

const layer = Client.layer({ servers: [`127.0.0.1:${port}`] }).pipe(Layer.provide(NodeNetwork.layer))
Effect.runFork(Effect.provide(program, layer))
