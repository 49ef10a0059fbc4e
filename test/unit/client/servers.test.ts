/**
 * How client and worker take what they are configured with: lists of servers, the
 * environment, numbers that make no sense.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import { defectOf } from "../support/defects.ts"

type Servers = Client.Options["servers"]

const addressErrors = (servers: Servers) =>
  Effect.all([Effect.flip(Client.make({ servers })), Effect.flip(Worker.make({ servers }))])

const fromEnvironment = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnv({ env }))

describe("a list of servers", () => {
  it.effect("that names none, or what nobody can dial, is told so by client and worker", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [Servers, RegExp]> = [
        [[], /^no job server is given; write servers: \["host:port", …\], or set GEARMAN_SERVERS/],
        [[""], /^"" is no address/],
        [["good:4730", "bad:port"], /^"bad:port" is no address; write host, host:port/],
        [["host:65536"], /^"host:65536" is no address/],
        [["host:port:3"], /^"host:port:3" is no address/],
        [["a:b:3"], /^"a:b:3" is no address/],
        [["1:2:3:4:5:6:7:8:9"], /is no address/],
        [["1::2::3"], /is no address/],
        [["/run/gearman.sock"], /^"\/run\/gearman.sock" is no address; write .* unix:\/path/],
        [["host:0"], /^"host:0" cannot be dialled: port 0/],
        [[Network.tcp("host", 70_000)], /^"host:70000" is no address/],
        [[Network.tcp("host", 4730.5)], /is no address/],
        [[Network.tcp("", 4730)], /^":4730" is no address/],
        [[Network.unix("")], /^"unix:" is no address/],
        // What programs without types come with.
        ["one:4730" as never, /^servers must be a list/],
        [undefined as never, /^servers must be a list/],
        [[undefined as never], /^"undefined" is no address/]
      ]
      for (const [servers, message] of cases) {
        for (const error of yield* addressErrors(servers)) {
          assert.strictEqual(error._tag, "InvalidAddress")
          assert.match(error.message, message)
        }
      }
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("that names one twice means it once", () =>
    Effect.gen(function* () {
      const client = yield* Client.make({ servers: ["one", "one:4730", Network.tcp("one"), "two:4731"] })
      const { reason } = yield* Effect.flip(client.status({ server: "three:1", handle: "H:1" }))
      assert.include(reason.message, "one:4730, two:4731")
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})

describe("layers from the configuration", () => {
  const reverse = JobFunction.utf8("reverse")
  const worker = (servers: string) =>
    reverse
      .toLayer((text) => Effect.succeed([...text].reverse().join("")))
      .pipe(
        Layer.provide(Worker.layerFromEnv),
        Layer.provide(fromEnvironment(servers === "" ? {} : { GEARMAN_SERVERS: servers }))
      )
  const client = <E>(layer: Layer.Layer<Client.Client, E, Network.Network>, env: Record<string, string>) =>
    Layer.provide(layer, fromEnvironment(env))

  const answer = Effect.flatMap(Client.Client, (client) => client.run(reverse, "abc"))

  const world = (address: Network.Address) => JobServer.layer({ address }).pipe(Layer.provideMerge(MemoryNetwork.layer))

  it.effect("GEARMAN_SERVERS names the servers of both, a comma too many does no harm", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answer, "cba")
    }).pipe(
      Effect.provide(
        Layer.merge(client(Client.layerFromEnv, { GEARMAN_SERVERS: "sammy:4731," }), worker(" sammy:4731")).pipe(
          Layer.provide(world(Network.tcp("sammy", 4731)))
        )
      )
    )
  )

  it.effect("without it the server is the one on this machine", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answer, "cba")
    }).pipe(
      Effect.provide(
        Layer.merge(client(Client.layerFromEnv, {}), worker("")).pipe(
          Layer.provide(world(Network.tcp("127.0.0.1", 4730)))
        )
      )
    )
  )

  it.effect("GEARMAN_SERVERS without any server is told so", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(answer, client(Client.layerFromEnv, { GEARMAN_SERVERS: "," })))
      assert.match(error.message, /^no job server is given/)
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )

  it.effect("any option comes from where a program likes", () =>
    Effect.gen(function* () {
      const options = {
        servers: Config.Array(Schema.String, "SERVERS"),
        noServerTimeout: Config.Duration("PATIENCE"),
        maxJobs: Config.Int("MAX_JOBS")
      }
      const layer = client(Client.layerConfig(options), { SERVERS: "nobody", PATIENCE: "0 seconds", MAX_JOBS: "1" })
      const { reason } = yield* Effect.flip(
        Effect.provide(
          Effect.mapError(answer, (error) => error),
          layer
        )
      ).pipe(Effect.map((error) => (error._tag === "GearmanError" ? error : assert.fail(error.message))))
      assert.strictEqual(reason._tag, "NoServer")
      const missing = yield* Effect.flip(Effect.provide(answer, client(Client.layerConfig(options), {})))
      assert.strictEqual(missing._tag, "ConfigError")
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )
})

describe("numbers that make no sense", () => {
  it.effect("are defects that name the option", () =>
    Effect.gen(function* () {
      const servers = ["one"]
      const reverse = JobFunction.utf8("reverse")
      const wrong: Record<string, Effect.Effect<unknown, unknown, Network.Network | Scope.Scope>> = {
        "concurrency is 0": Worker.make({ servers, concurrency: 0 }),
        "concurrency is NaN": Worker.make({ servers, concurrency: Number.NaN }),
        "maxGrabs is 1.5": Worker.make({ servers, maxGrabs: 1.5 }),
        "maxJobs is -1": Client.make({ servers, maxJobs: -1 }),
        "maxUnsentBytes is 0": Client.make({ servers, maxUnsentBytes: 0 }),
        "eventCapacity is 0": Effect.flatMap(Client.make({ servers }), (client) =>
          client.submit(reverse, "x", { eventCapacity: 0 })
        ),
        "reverse's concurrency is 0": Effect.flatMap(Worker.make({ servers }), (worker) =>
          worker.register(reverse, Effect.succeed, { concurrency: 0 })
        )
      }
      for (const [message, effect] of Object.entries(wrong)) {
        const defect = defectOf(yield* Effect.exit(effect))
        assert.instanceOf(defect, RangeError)
        assert.strictEqual(defect.message, `${message}; it must be a whole number of at least 1`)
      }
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
