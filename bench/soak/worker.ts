/**
 * A worker process of `npm run soak`, at the server given as an argument. It prints the
 * number of each background job before it reports the job done, so that nothing is done
 * that nobody knows of, whenever this process is killed.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"
import { JobContext } from "../../src/protocol/JobContext.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import * as Functions from "./functions.ts"

const later = (payload: string) => Effect.delay(Effect.succeed(payload), 10 + Math.random() * 190)

const slow = Effect.fnUntraced(function* (payload: string) {
  const job = yield* JobContext
  for (let step = 1; step <= 4; step++) {
    yield* Effect.sleep(Math.random() * 50)
    yield* job.progress(step, 4)
    yield* job.data(new Uint8Array(256))
  }
  return payload
})

const note = (payload: string) =>
  Effect.sync(() => {
    writeSync(1, `done ${Functions.idOf(payload)}\n`)
    return ""
  })

const handlers = Layer.mergeAll(
  Functions.echo.toLayer((payload) => Effect.succeed(payload)),
  Functions.slow.toLayer(slow),
  Functions.shared.toLayer(later),
  Functions.failing.toLayer(() => Effect.fail(new Worker.JobFail())),
  Functions.throwing.toLayer(() => Effect.die(new Error("as asked"))),
  Functions.note.toLayer(note)
)

const servers = process.argv.slice(2)
const clientId = `soak-${process.pid}`
const main = handlers.pipe(
  Layer.provide(Worker.layer({ servers, concurrency: 16, clientId, drainTimeout: "5 seconds" })),
  Layer.provide(NodeNetwork.layer)
)
const fiber = Effect.runFork(Layer.launch(main))
process.once("SIGTERM", () => {
  fiber.addObserver(() => process.exit(0))
  fiber.interruptUnsafe()
})
