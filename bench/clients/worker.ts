/**
 * Gives each job's workload back: `worker.ts PORT FUNCTION OPTIONS`, the options of the
 * worker as JSON.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"

const [port, name, options] = process.argv.slice(2)
const layer = JobFunction.bytes(name!)
  .toLayer(Effect.succeed)
  .pipe(
    Layer.provide(Worker.layer({ servers: [`127.0.0.1:${port}`], ...JSON.parse(options!) })),
    Layer.provide(NodeNetwork.layer)
  )
Effect.runFork(Layer.launch(layer))
