/**
 * A page asks for its database queries at once: workers share them, and a query that two
 * parts of the page want runs once.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import { Effect, Layer, Schema } from "effect"
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(":memory:")
database.exec("create table song (title text, year integer)")
database.exec("insert into song values ('Yesterday', 1965), ('Help', 1965), ('Hey Jude', 1968)")

const rows = Schema.Array(Schema.Json)
const query = JobFunction.make("query", { payload: Schema.String, success: rows, unique: "payload" })
let runs = 0
const run = (sql: string) => (runs++, database.prepare(sql).all() as ReadonlyArray<Schema.Json>)
const handler = query.toLayer((sql) =>
  Effect.delay(
    Effect.sync(() => run(sql)),
    "50 millis"
  )
)

const newest = "select title from song order by year desc limit 1"
const queries = [newest, "select count(*) as songs from song", newest, "select min(year) as first from song"]
const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const answers = yield* Effect.forEach(queries, (sql) => client.run(query, sql), { concurrency: "unbounded" })
  console.log(answers.map((rows) => JSON.stringify(rows)).join("\n"))
  console.log(`${queries.length} answers, ${runs} queries`)
})

const servers = ["sammy"]
const worker = () => Layer.provide(handler, Layer.fresh(Worker.layer({ servers })))
const world = Layer.mergeAll(Client.layer({ servers }), worker(), worker()).pipe(
  Layer.provide(Layer.provideMerge(JobServer.layer({ address: Network.tcp("sammy") }), MemoryNetwork.layer))
)
await Effect.runPromise(Effect.provide(program, world))
