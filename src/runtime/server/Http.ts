/**
 * What monitors ask over HTTP, on a listener of its own: `/metrics`, `/healthz`,
 * `/readyz`, `/status`, and `/openapi.json` about these. It tells much and changes
 * nothing; keep it off the open network.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Http from "node:http"
import type * as JobServer from "../../protocol/JobServer.ts"
import * as Network from "../../protocol/Network.ts"
import type * as Metrics from "./Metrics.ts"
import { api } from "./MonitoringApi.ts"
import { StartError } from "./StartError.ts"
import * as StatusPage from "./StatusPage.ts"

/** Monitors are few and quick. Whoever else finds the port must not use up the job port's descriptors. */
const makeServer = (): Http.Server => {
  const server = Http.createServer({
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 2_000
  })
  server.maxConnections = 256
  return server
}

/**
 * Serves until the scope closes; the URL says where, also if any free port was asked for.
 */
export const serve = Effect.fnUntraced(function* (
  address: Network.Address,
  { core }: JobServer.Running,
  metrics: Metrics.Metrics
) {
  const handlers = HttpApiBuilder.group(api, "monitoring", (handlers) =>
    handlers
      .handle("metrics", () => metrics.render)
      // It answers, so it is alive; whether it may be sent work is another question.
      .handle("healthz", () => Effect.succeed("ok\n"))
      .handle("readyz", () =>
        Effect.suspend(() => (core.shutdown === "no" ? Effect.succeed("ready\n") : Effect.fail("shutting down\n")))
      )
      .handleRaw("status", () =>
        Effect.map(StatusPage.json(core), (text) => HttpServerResponse.text(text, { contentType: "application/json" }))
      )
  )
  const routes = HttpApiBuilder.layer(api, { openapiPath: "/openapi.json" }).pipe(Layer.provide(handlers))
  const listening = address._tag === "Unix" ? { path: address.path } : { host: address.host, port: address.port }
  const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(makeServer, { ...listening, gracefulShutdownTimeout: 0 }))
  )
  const context = yield* Effect.mapError(
    Layer.build(served),
    (cause) =>
      new StartError({
        problem: `cannot serve HTTP on ${Network.format(address)}: ${String((cause.cause as Error)?.message ?? cause)}`,
        cause
      })
  )
  return HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
})
