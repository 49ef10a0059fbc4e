/** A job server's state is the same by whatever way it came about, and no two states are. */
import { assert, describe, it } from "@effect/vitest"
import { canonicalState, jobNames, stateHash } from "../../../src/sim/explore/stateHash.ts"
import { type Connection, Server } from "../server/harness.ts"

/** A server with a client and two workers that can do two functions. */
class World {
  readonly server: Server
  readonly client: Connection
  readonly worker: Connection
  readonly other: Connection
  private readonly names = new Map<unknown, string>()

  constructor(options: ConstructorParameters<typeof Server>[0] = {}) {
    this.server = new Server(options)
    this.client = this.connect("client")
    this.worker = this.connect("worker").canDo("echo", "sum")
    this.other = this.connect("other").canDo("echo")
  }

  connect(name: string): Connection {
    const connection = this.server.connect()
    this.names.set(connection.session, name)
    return connection
  }

  delayed(fn: string, millis: number): void {
    const epoch = String(Math.floor((this.server.now.wallMillis + millis) / 1000))
    this.client.send("SUBMIT_JOB_EPOCH", { function: fn, unique: "", epoch, workload: "" })
  }

  nameOf = (session: unknown): string => this.names.get(session)!

  hash(): string {
    return stateHash(this.server.core, this.server.now, this.nameOf)
  }

  state(): unknown {
    return canonicalState(this.server.core, this.server.now, this.nameOf)
  }
}

const after = (act: (world: World) => void, options?: ConstructorParameters<typeof Server>[0]): World => {
  const world = new World(options)
  act(world)
  return world
}

const assertEqual = (one: World, other: World): void => {
  assert.deepStrictEqual(one.state(), other.state())
  assert.strictEqual(one.hash(), other.hash())
}

const handleIn = (packets: ReadonlyArray<string>): string => /H:\d+/.exec(packets.join())![0]

const grabbed = (connection: Connection): string => handleIn(connection.drop().grab())

describe("the hash of a job server's state", () => {
  it("is that of the state, not of the way there", () => {
    assertEqual(new World(), new World())
    const direct = after(({ client }) => client.submit("echo", "a", "x"))
    // The same job with another number, after another one has come and gone.
    const later = after(({ client }) => {
      client.background("sum")
      client.command("cancel job H:1")
      client.drop().submit("echo", "a", "x")
      assert.match(client.read().join(), /H:2/)
    })
    assertEqual(direct, later)
  })

  it("does not know in which order different queues were filled, nor who connected first", () => {
    assertEqual(
      after(({ client }) => (client.background("echo", "a"), client.background("sum", "b"))),
      after(({ client }) => (client.background("sum", "b"), client.background("echo", "a")))
    )
    assertEqual(
      after((world) => (world.connect("c1"), world.connect("c2"))),
      after((world) => (world.connect("c2"), world.connect("c1")))
    )
  })

  it("does not know how late it is, only what is due before what", () => {
    const wait = (millis: number) =>
      after((world) => {
        world.server.advance(millis)
        world.worker.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "10000" })
        world.client.background("echo")
        grabbed(world.worker)
        world.delayed("echo", 60_000)
        world.server.advance(millis)
      })
    assertEqual(wait(0), wait(3000))
    assert.notStrictEqual(wait(3000).hash(), wait(10_000).hash())
  })

  it("names jobs by their places", () => {
    const world = after(({ client, worker }) => {
      client.background("echo", "a")
      client.background("sum")
      client.background("sum")
      grabbed(worker)
    })
    world.delayed("echo", 5000)
    const names = Array.from(jobNames(world.server.core, world.nameOf).values())
    assert.sameMembers(names, ["echo/1/0", "sum/1/0", "worker!0", "scheduled/0"])
  })

  const submitted = ({ client }: World) => client.submit("echo", "a", "x")
  const running = (world: World) => (submitted(world), grabbed(world.worker))
  const two = ({ client }: World) => (client.background("echo", "a"), client.background("echo", "b"))

  /** What is done, and the same but for one thing. */
  const differences: { readonly [what: string]: readonly [(world: World) => unknown, (world: World) => unknown] } = {
    "a job": [() => {}, submitted],
    "the unique": [submitted, ({ client }) => client.submit("echo", "b", "x")],
    "the workload": [submitted, ({ client }) => client.submit("echo", "a", "y")],
    "the function": [submitted, ({ client }) => client.submit("sum", "a", "x")],
    "the priority": [
      submitted,
      ({ client }) => client.send("SUBMIT_JOB_HIGH", { function: "echo", unique: "a", workload: "x" })
    ],
    "background or not": [submitted, ({ client }) => client.background("echo", "a", "x")],
    "the order in a queue": [two, ({ client }) => (client.background("echo", "b"), client.background("echo", "a"))],
    "who runs it": [running, (world) => (submitted(world), grabbed(world.other))],
    "who listens": [submitted, (world) => (submitted(world), world.other.submit("echo", "a", "x"))],
    "who was there first": [
      (world) => (submitted(world), world.other.submit("echo", "a", "x")),
      (world) => (world.other.submit("echo", "a", "x"), submitted(world))
    ],
    "an attempt that was lost": [
      (world) => (world.connect("third"), submitted(world)),
      (world) => {
        const third = world.connect("third").canDo("echo")
        submitted(world)
        grabbed(third)
        third.close()
        world.connect("third")
      }
    ],
    "how far it is": [
      running,
      (world) => world.worker.send("WORK_STATUS", { handle: running(world), numerator: "1", denominator: "2" })
    ],
    "asleep or awake": [() => {}, ({ worker }) => worker.sleep()],
    "the order of sleepers": [
      ({ other, worker }) => (worker.sleep(), other.sleep()),
      ({ other, worker }) => (other.sleep(), worker.sleep())
    ],
    "a NOOP that is not answered": [submitted, (world) => (world.worker.sleep(), submitted(world))],
    "an ability": [() => {}, ({ other }) => other.canDo("sum")],
    "an ability's time": [() => {}, ({ other }) => other.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "3" })],
    "a function that nobody does": [() => {}, ({ worker }) => worker.send("CANT_DO", { function: "sum" })],
    "whose turn it is": [
      ({ client, worker }) => (client.background("echo"), worker.complete(grabbed(worker))),
      ({ client, worker }) => (client.background("sum"), worker.complete(grabbed(worker)))
    ],
    "a name": [() => {}, ({ worker }) => worker.send("SET_CLIENT_ID", { clientId: "me" })],
    exceptions: [() => {}, ({ client }) => client.send("OPTION_REQ", { option: "exceptions" })],
    "a connection": [() => {}, (world) => world.connect("third")],
    "a scheduled job": [submitted, (world) => (submitted(world), world.delayed("echo", 5000))],
    "the order of times": [
      (world) => (world.delayed("echo", 5000), world.delayed("sum", 9000)),
      (world) => (world.delayed("echo", 9000), world.delayed("sum", 5000))
    ],
    "what may still be said of a lost attempt": [
      (world) => {
        world.worker.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "1" })
        world.other.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "1" })
        running(world)
        world.server.advance(1000)
      },
      (world) => {
        world.worker.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "1" })
        world.other.send("CAN_DO_TIMEOUT", { function: "echo", timeout: "1" })
        submitted(world)
        grabbed(world.other)
        world.server.advance(1000)
      }
    ],
    "which job another may join": [
      running,
      (world) => {
        world.client.command(`cancel job ${running(world)}`)
      }
    ],
    "a grab that waits for its answer": [
      () => {},
      (world) => world.worker.bytesBeforeMore(Uint8Array.of(0, 82, 69, 81, 0, 0, 0, 9, 0, 0, 0, 0))
    ],
    "a limit": [() => {}, ({ client }) => void client.command("maxqueue echo 5")],
    "a server that is to end": [() => {}, ({ server }) => server.core.requestShutdown("graceful")]
  }
  for (const [what, [one, other]] of Object.entries(differences)) {
    it(`knows ${what}`, () => {
      assertEqual(after(one), after(one))
      assert.notDeepEqual(after(one).state(), after(other).state())
      assert.notStrictEqual(after(one).hash(), after(other).hash())
    })
  }
})
