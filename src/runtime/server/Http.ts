/**
 * What monitors ask over HTTP, on a listener of its own: `/metrics`, `/healthz`,
 * `/readyz`, `/status`. It tells much and changes nothing; keep it off the open network.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Http from "node:http"
import type * as JobServer from "../../protocol/JobServer.ts"
import * as Network from "../../protocol/Network.ts"
import * as Metrics from "./Metrics.ts"
import { StartError } from "./StartError.ts"

/**
 * Serves until the scope closes.
 */
export const serve = Effect.fnUntraced(function* (
  address: Network.Address,
  { core }: JobServer.Running,
  metrics: Metrics.Metrics
) {
  const routes = Layer.mergeAll(
    HttpRouter.add(
      "GET",
      "/metrics",
      Effect.sync(() =>
        HttpServerResponse.text(metrics.render(), { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    ),
    // It answers, so it is alive; whether it may be sent work is another question.
    HttpRouter.add("GET", "/healthz", HttpServerResponse.text("ok\n")),
    HttpRouter.add(
      "GET",
      "/readyz",
      Effect.sync(() =>
        core.shutdown === "no"
          ? HttpServerResponse.text("ready\n")
          : HttpServerResponse.text("shutting down\n", { status: 503 })
      )
    ),
    HttpRouter.add(
      "GET",
      "/status",
      Effect.sync(() => HttpServerResponse.jsonUnsafe(Metrics.status(core)))
    )
  )
  const listening = address._tag === "Unix" ? { path: address.path } : { host: address.host, port: address.port }
  const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(NodeHttpServer.layer(() => Http.createServer(), { ...listening, gracefulShutdownTimeout: 0 }))
  )
  yield* Effect.mapError(
    Layer.build(served),
    (cause) =>
      new StartError({
        problem: `cannot serve HTTP on ${Network.format(address)}: ${String((cause.cause as Error)?.message ?? cause)}`,
        cause
      })
  )
})
