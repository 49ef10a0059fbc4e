/**
 * A PHP program calls a function that a TypeScript worker serves: bytes on the wire are
 * all that the two have in common. PHP needs its gearman extension.
 */
import { JobFunction, JobServer, Network, Worker } from "effect-gearman"
import { NodeNetwork } from "effect-gearman/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"

const shout = JobFunction.utf8("shout")
const handler = shout.toLayer((text) => Effect.succeed(text.toUpperCase()))

const php = (server: string) => `
  [$host, $port] = explode(":", "${server}");
  $client = new GearmanClient();
  $client->addServer($host, (int) $port);
  echo $client->doNormal("shout", "hello from PHP"), "\\n";
`

const program = Effect.gen(function* () {
  const { address } = yield* JobServer.JobServer
  const worker = Layer.provide(handler, Worker.layer({ servers: [address] }))
  const output = Effect.callback<string, Error>((resume) => {
    execFile("php", ["-r", php(Network.format(address))], (error, stdout) => {
      resume(error === null ? Effect.succeed(stdout.trim()) : Effect.fail(error))
    })
  })
  console.log(yield* Effect.provide(output, worker))
})

const world = JobServer.layer({ address: Network.tcp("127.0.0.1", 0) }).pipe(Layer.provideMerge(NodeNetwork.layer))
await Effect.runPromise(Effect.provide(program, world))
