/**
 * What the job server answers over HTTP, described once: the routes are served by it, and
 * `/openapi.json` is written from it.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { version } from "../version.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** One function of the server. */
export const FunctionState = Schema.Struct({
  function: Schema.String.annotate({
    description: "Its name; of one that is not UTF-8, bytes above ASCII are told as \\xff"
  }),
  waiting: Schema.Struct({ high: Count, normal: Count, low: Count }).annotate({
    description: "Jobs that a worker may take now, by priority"
  }),
  delayed: Count.annotate({ description: "Jobs whose time has not come" }),
  running: Count.annotate({ description: "Jobs that a worker has" }),
  workers: Count.annotate({ description: "Connections that can do it, busy ones too" }),
  busy: Count.annotate({ description: "Those of them that have a job, of this function or another" }),
  sleeping: Count.annotate({ description: "Those of them that wait to be woken" })
}).annotate({ identifier: "FunctionState" })

/** The whole server. */
export const Status = Schema.Struct({
  version: Schema.String,
  processId: Schema.Int,
  uptimeSeconds: Count,
  state: Schema.Literals(["running", "draining", "stopping"]),
  connections: Count,
  connectionsByRole: Schema.Struct({ worker: Count, silent: Count, other: Count }).annotate({
    description: "Those that can do a function, those that have sent nothing whole yet, and all others"
  }),
  jobs: Count.annotate({ description: "Jobs that exist, in whatever state" }),
  workloadBytes: Count.annotate({ description: "Bytes of their workloads together" }),
  counters: Schema.Record(Schema.String, Count).annotate({ description: "What has happened since the start, by name" }),
  refusals: Schema.Record(Schema.String, Count).annotate({
    description: "Rights that were lacking and limits that were reached, by name"
  }),
  functions: Schema.Array(FunctionState)
}).annotate({ identifier: "Status" })

/** Prometheus asks for this type by name. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8"

const Line = Schema.String.pipe(HttpApiSchema.asText())

/** Not to be sent new work. */
export const NotReady = Schema.String.pipe(HttpApiSchema.asText(), HttpApiSchema.status(503))

const group = HttpApiGroup.make("monitoring", { topLevel: true })
  .add(
    HttpApiEndpoint.get("status", "/status", { success: Status }).annotate(
      OpenApi.Summary,
      "The server, its functions, jobs and workers"
    )
  )
  .add(
    HttpApiEndpoint.get("healthz", "/healthz", { success: Line }).annotate(
      OpenApi.Summary,
      "Liveness: answers while the process does"
    )
  )
  .add(
    HttpApiEndpoint.get("readyz", "/readyz", { success: Line, error: NotReady }).annotate(
      OpenApi.Summary,
      "Readiness: 503 from the moment a stop was asked for"
    )
  )
  .add(
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: metricsType }))
    }).annotate(OpenApi.Summary, "Prometheus' text format")
  )
  .annotate(OpenApi.Description, "For monitors. Nothing here changes anything, and nobody is asked who they are")

/** All of it. */
export const api = HttpApi.make("effect-gearman")
  .add(group)
  .annotate(OpenApi.Title, "effect-gearman job server")
  .annotate(OpenApi.Version, version)
  .annotate(OpenApi.License, { name: "MIT" })
