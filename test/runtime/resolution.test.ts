/**
 * A server's name may come to mean another machine: whoever dials again asks anew for what
 * it means. The name is one that this test alone knows.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Client from "../../src/protocol/Client.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"

const name = "queue.test"
/** The module itself: what it exports can be replaced, whoever has imported it. */
const dns = process.getBuiltinModule("node:dns")

/** What the name means, until the scope closes. */
const nameThatMeans = (host: () => string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { lookup } = dns
      const known = (hostname: string, ...rest: ReadonlyArray<unknown>) =>
        Reflect.apply(lookup, dns, [hostname === name ? host() : hostname, ...rest])
      dns.lookup = known as typeof lookup
      return lookup
    }),
    (lookup) =>
      Effect.sync(() => {
        dns.lookup = lookup
      })
  )

const where = JobFunction.utf8("where", { idempotent: true, timeout: "30 seconds" })

/** A server with a worker that says where it is, until the scope closes. */
const startAt = (address: Network.Address, scope: Scope.Scope) =>
  Effect.gen(function* () {
    const server = yield* Layer.buildWithScope(Layer.fresh(JobServer.layer({ address })), scope)
    const { address: bound } = yield* Effect.provide(JobServer.JobServer, server)
    const worker = where.toLayer(() => Effect.succeed(bound._tag === "Tcp" ? bound.host : ""))
    yield* Layer.buildWithScope(Layer.provide(worker, Layer.fresh(Worker.layer({ servers: [bound] }))), scope)
    return bound._tag === "Tcp" ? bound.port : 0
  })

describe("a server's name", () => {
  it.live.runIf(process.platform === "linux")("is resolved anew each time that it is dialled", () =>
    Effect.gen(function* () {
      let host = "127.0.0.1"
      yield* nameThatMeans(() => host)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const port = yield* startAt(Network.tcp("127.0.0.1", 0), scope)
      yield* startAt(Network.tcp("127.0.0.2", port), yield* Effect.scope)
      const client = yield* Client.make({ servers: [`${name}:${port}`], noServerTimeout: "30 seconds" })
      assert.strictEqual(yield* client.run(where, ""), "127.0.0.1")
      host = "127.0.0.2"
      assert.strictEqual(yield* client.run(where, ""), "127.0.0.1")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* client.run(where, ""), "127.0.0.2")
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))
  )
})
