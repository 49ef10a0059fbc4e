/**
 * A handler that must not lose money, simulated: two hundred worlds whose machines crash and
 * whose network breaks, in a few seconds, without a port or a timer. In a clone:
 *
 *     node --conditions=@effect-gearman/source examples/simulate.ts
 */
import { Client, JobFunction, JobServer, Network, Worker } from "effect-gearman"
import { Simulation } from "effect-gearman/sim"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const transfer = JobFunction.utf8("transfer", { idempotent: true })
const servers = ["server"]

const setup = () => {
  const done = new Set<string>()
  let balance = 0
  // Idempotent, since it remembers what it has done; leave that out, and a seed will show why.
  const worker = transfer.toLayer((id) =>
    Effect.sync(() => {
      if (!done.has(id)) balance += 100
      done.add(id)
      return `now ${balance}`
    }).pipe(Effect.delay("10 millis"))
  )
  const client = Effect.flatMap(Client.Client, ({ run }) =>
    Effect.forEach(["a", "b", "c"], (id) => Effect.eventually(run(transfer, id)))
  ).pipe(Effect.provide(Client.layer({ servers })))
  return {
    machines: {
      server: JobServer.serve({ address: Network.tcp("server") }),
      worker: Layer.launch(Layer.provide(worker, Worker.layer({ servers }))),
      client
    },
    invariant: () => (balance > 300 ? `${balance} were transferred` : undefined),
    pending: () => (balance === 300 ? undefined : "not everything was transferred")
  }
}

const report = Simulation.search({ setup, seeds: 200, faultyMachines: ["server", "worker"] })
console.log(`${report.seeds} worlds, ${Math.round(report.simulatedMillis / 60_000)} simulated minutes, no failure`)
