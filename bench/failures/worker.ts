/**
 * A worker process for `real.ts`: serves both functions at the servers given as arguments,
 * and prints a line for each execution that begins.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import { functions, plan } from "./trouble.ts"

const handler = (text: string) =>
  Effect.suspend(() => {
    process.stdout.write(`${text}\n`)
    return Effect.delay(Effect.succeed(text), plan.takesMillis)
  })

const main = Layer.merge(functions.safe.toLayer(handler), functions.risky.toLayer(handler)).pipe(
  Layer.provide(Worker.layer({ servers: process.argv.slice(2), concurrency: 4 })),
  Layer.provide(NodeNetwork.layer)
)
Effect.runFork(Layer.launch(main))
