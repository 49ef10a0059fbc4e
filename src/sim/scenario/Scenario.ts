/**
 * What is run: the machines, what their programs do, how the network treats them, and what
 * breaks when. One plain value, drawn from a seed, printed when it fails, and small enough
 * to be changed by hand.
 *
 * Whole kinds of trouble are switched off at random, and how often the others happen is
 * drawn for each run anew: many things never happen together where everything always does.
 *
 * @since 0.1.0
 */
import type * as Packet from "../../protocol/Packet.ts"
import { calm, type WorldOptions } from "../World.ts"
import { Dice } from "./Dice.ts"
import { drawFaults, type Fault, faultKinds, withTriggers } from "./Fault.ts"
import { asMap, mapItems } from "./maps.ts"
import { drawOperators, type OperatorPlan } from "./operators.ts"
import { drawPeers, type RequestName } from "./peers.ts"

export { type Fault, type FaultKind, faultKinds } from "./Fault.ts"

/**
 * What a caller does. Times are in milliseconds; `at` counts from the world's beginning.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  readonly at: number
  readonly kind: "run" | "background" | "later" | "map" | "status" | "echo"
  readonly function: FunctionName
  /** What makes the work different from others'; equal numbers of one function may merge. */
  readonly item: number
  /** How long the worker takes. */
  readonly takesMillis: number
  readonly priority: "high" | "normal" | "low"
  /** An idempotent call is asked of a second server after so long; 0 never. */
  readonly hedgeMillis: number
  /** The caller is interrupted after so long; 0 never. */
  readonly interruptAfterMillis: number
  /** It is interrupted in the moment when its client gets or gives such a packet. */
  readonly interruptOn?: Packet.Name | undefined
  /** The how manieth since it has asked, from 1. */
  readonly interruptNth?: number | undefined
  /** A call of the kind `run` has this time limit of its own; none where nothing is said. */
  readonly limitMillis?: number | undefined
  /** What a map runs on; where nothing is said, `mapItems` from `item` on. */
  readonly items?: ReadonlyArray<number> | undefined
  /** How many items of a map are under way at once; `mapWindow` where nothing is said. */
  readonly window?: number | undefined
  /** A map keeps failures in their items' places, and goes on. */
  readonly collects?: boolean | undefined
  /** A map is a stream, whose results come in this order. */
  readonly order?: "input" | "completion" | undefined
}

/**
 * Tells whether a caller is interrupted, unless it has its answer before.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isInterrupted = ({ interruptAfterMillis, interruptOn }: Call): boolean =>
  interruptAfterMillis > 0 || interruptOn !== undefined

/**
 * The functions that workers serve: `merged` is idempotent and merges equal payloads,
 * `once` is neither, `streamed` says things before it is done, `failing` fails in every
 * way a worker can, `limited` has a time limit, `mapped` is what the map runs.
 *
 * @since 0.1.0
 * @category models
 */
export type FunctionName = "merged" | "once" | "streamed" | "failing" | "limited" | "mapped"

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkerPlan {
  readonly functions: ReadonlyArray<FunctionName>
  readonly slots: number
  /** Above so many bytes that wait for a server its handlers wait; the library's own where nothing is said. */
  readonly maxUnsentBytes?: number
  /** Jobs that it takes ahead; 0 where nothing is said. */
  readonly prefetch?: number
  /** How many jobs of its last function it runs at once; as many as it has slots where nothing is said. */
  readonly ownLimit?: number
  /** Serves all functions but the first only from this time on, and the last only until twice this time; 0: always all. */
  readonly changesAt: number
}

/**
 * How many jobs of a function a worker runs at once, where that is less than it has slots.
 *
 * @since 0.1.0
 * @category getters
 */
export const ownLimitOf = ({ functions, ownLimit = Infinity, slots }: WorkerPlan, fn: string): number | undefined =>
  fn === functions.at(-1) && ownLimit < slots ? ownLimit : undefined

/**
 * Options of a job server, by the names that they have there.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerPlan {
  readonly jobRetries: number
  readonly workerWakeup: number
  /** Given, handles begin anew with each start, and are alike at all servers. */
  readonly jobHandlePrefix?: string | undefined
  /** Limits; there is none where nothing is said. */
  readonly maxJobs?: number | undefined
  readonly maxJobsPerFunction?: number | undefined
  /** Rules let everybody submit jobs of these functions only; there are no rules where nothing is said. */
  readonly submits?: ReadonlyArray<FunctionName> | undefined
}

/**
 * What a peer says that is no program of ours: any packet in any order. In its fields
 * `$assigned` and `$created` stand for the last handle it was assigned or given, and
 * `$other` for the last that any peer was.
 *
 * @since 0.1.0
 * @category models
 */
export interface Saying {
  readonly at: number
  readonly packet: RequestName
  readonly fields: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface PeerPlan {
  /** The number of the job server it talks to, from 1. */
  readonly server: number
  readonly sayings: ReadonlyArray<Saying>
  /** What it says at last, one character per byte, whether or not that is Gearman. */
  readonly lastWords: string
  /** It reads nothing. */
  readonly isDeaf: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Scenario {
  readonly seed: number
  readonly world: WorldOptions
  readonly servers: ReadonlyArray<ServerPlan>
  readonly workers: ReadonlyArray<WorkerPlan>
  readonly clients: ReadonlyArray<{
    readonly calls: ReadonlyArray<Call>
    /** How many submissions may be under way at once. */
    readonly jobsMax?: number | undefined
    /** How many bytes of requests are handed to the network at once; the library's own where nothing is said. */
    readonly maxUnsentBytes?: number | undefined
  }>
  readonly peers: ReadonlyArray<PeerPlan>
  readonly operators: ReadonlyArray<OperatorPlan>
  readonly faults: ReadonlyArray<Fault>
  /** Faults that are over at last; the others stay for ever, and a core of machines works without them. */
  readonly healsAt: number
}

/**
 * How large scenarios are drawn.
 *
 * @since 0.1.0
 * @category models
 */
export interface Size {
  readonly servers: number
  readonly workers: number
  readonly clients: number
  readonly jobs: number
}

/**
 * Two servers, three workers, three clients, thirty jobs.
 *
 * @since 0.1.0
 * @category constants
 */
export const referenceSize: Size = { servers: 2, workers: 3, clients: 3, jobs: 30 }

const functionNames: ReadonlyArray<FunctionName> = ["merged", "once", "streamed", "failing", "limited", "mapped"]

/**
 * The scenario of a seed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const draw = (seed: number, size: Size = referenceSize): Scenario => {
  // The kernel draws from the seed too; its numbers and the scenario's must not be the same.
  const dice = new Dice(seed ^ 0x5ce4a510)
  const spanMillis = dice.of([50, 300, 2000, 20_000])
  const names = {
    servers: Array.from(
      { length: dice.oneIn(6) ? size.servers + 1 : size.servers },
      (_, index) => `server${index + 1}`
    ),
    workers: Array.from({ length: size.workers }, (_, index) => `worker${index + 1}`),
    clients: Array.from({ length: size.clients }, (_, index) => `client${index + 1}`)
  }
  const kinds = dice.some(functionNames, 60)
  const functions: ReadonlyArray<FunctionName> = kinds.length === 0 ? ["merged"] : kinds
  const peers = [...names.workers, ...names.clients]
  const targets = {
    machines: [...names.servers, ...peers],
    dialled: names.servers,
    ways: names.servers.flatMap((server) => peers.map((peer) => [server, peer] as const))
  }
  const healing = withTriggers(dice, drawFaults(dice, targets, faultKinds, spanMillis))
  const faults = withCore(dice, healing, names, spanMillis)
  return {
    seed,
    world: drawWorld(dice),
    servers: withLimits(seed, drawServers(dice, names.servers.length)),
    workers: withOwnLimit(seed, withPrefetch(seed, drawWorkers(dice, size.workers, functions, spanMillis))),
    clients: withMaps(seed, drawClients(dice, size, functions, spanMillis)),
    peers: drawPeers(dice, names.servers.length, functions, spanMillis),
    operators: drawOperators(seed, names.servers.length, functions, spanMillis),
    faults,
    // Slow clocks reach the span's end a tenth later.
    healsAt: Math.ceil(spanMillis * 1.2) + Math.max(0, ...faults.map((fault) => fault.at + fault.lastsMillis))
  }
}

/**
 * How the kernel and the network treat everybody.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drawWorld = (dice: Dice): WorldOptions => {
  if (dice.oneIn(10)) return calm
  return {
    kernel: {
      preemptWithin: dice.of([0, 0, 8, 32, 128]),
      resumeInTurn: dice.oneIn(2),
      hurryOneIn: dice.of([0, 0, 20, 200])
    },
    network: {
      delayBelowMillis: dice.of([1, 1, 3, 20, 100]),
      cutOneIn: dice.of([0, 0, 2, 10]),
      partialReadOneIn: dice.of([0, 0, 2, 10]),
      windowBytes: dice.of([65_536, 65_536, 1024, 64]),
      backlog: dice.of([128, 128, 1]),
      giveUpAfterMillis: 20_000
    }
  }
}

const drawWorkers = (
  dice: Dice,
  count: number,
  functions: ReadonlyArray<FunctionName>,
  spanMillis: number
): ReadonlyArray<WorkerPlan> => {
  const plans = Array.from({ length: count }, () => {
    const some = dice.some(functions, 60)
    return {
      functions: some.length === 0 ? functions : some,
      slots: dice.of([1, 1, 2, 5]),
      changesAt: dice.oneIn(4) ? dice.between(1, spanMillis) : 0
    }
  })
  // Somebody must be there for everything in the end.
  plans[0] = { functions, slots: dice.of([1, 1, 2, 5]), changesAt: 0 }
  return plans
}

/** From numbers of its own, so that the worlds of the seeds are otherwise what they were before there was such a thing. */
const withPrefetch = (seed: number, plans: ReadonlyArray<WorkerPlan>): ReadonlyArray<WorkerPlan> => {
  const dice = new Dice(seed ^ 0x2b7e1516)
  return dice.oneIn(3) ? plans.map((plan) => ({ ...plan, prefetch: dice.of([0, 1, 4]) })) : plans
}

const withOwnLimit = (seed: number, plans: ReadonlyArray<WorkerPlan>): ReadonlyArray<WorkerPlan> => {
  const dice = new Dice(seed ^ 0x28aed2a6)
  return dice.oneIn(4) ? plans.map((plan) => ({ ...plan, ownLimit: dice.of([1, 2]) })) : plans
}

/** How many jobs a call submits. */
const jobsOf = ({ kind }: Call): number => (kind === "map" ? mapItems : kind === "status" || kind === "echo" ? 0 : 1)

const drawClients = (
  dice: Dice,
  size: Size,
  functions: ReadonlyArray<FunctionName>,
  spanMillis: number
): Scenario["clients"] => {
  const items = dice.of([2, 5, 1000])
  const takes = dice.of([0, 1, 20, 300, 1500])
  const interrupts = dice.of([0, 0, 10, 3])
  const background = dice.of([0, 3, 8])
  const others = dice.of([0, 12])
  const hedges = dice.of([0, 0, 0, 3])
  const jobsMax = dice.of([undefined, undefined, undefined, 1, 4])
  const drawCall = (): Call & { readonly client: number } => {
    const fn = dice.of(functions)
    const isBackground = background > 0 && dice.oneIn(background) && fn !== "mapped"
    const isOther = others > 0 && dice.oneIn(others)
    return {
      client: dice.below(size.clients),
      at: dice.below(spanMillis),
      kind: isOther
        ? dice.of(["status", "echo"] as const)
        : fn === "mapped"
          ? "map"
          : isBackground
            ? dice.oneIn(4)
              ? "later"
              : "background"
            : "run",
      function: fn,
      item: dice.below(items),
      takesMillis: dice.below(takes + 1),
      priority: dice.of(["normal", "normal", "high", "low"]),
      hedgeMillis: hedges > 0 && dice.oneIn(hedges) ? dice.between(1, 500) : 0,
      interruptAfterMillis: interrupts > 0 && dice.oneIn(interrupts) ? dice.between(1, spanMillis) : 0
    }
  }
  const calls: Array<ReturnType<typeof drawCall>> = []
  for (let jobs = 0; jobs < size.jobs;) {
    const call = drawCall()
    calls.push(call)
    jobs += jobsOf(call)
  }
  return Array.from({ length: size.clients }, (_, index) => ({
    jobsMax,
    calls: calls
      .filter((call) => call.client === index)
      .sort((one, other) => one.at - other.at)
      .map(({ client: _client, ...call }) => call)
  }))
}

/** What may be run by a map as well as alone: each payload is a job that is known by it. */
const mappable = new Set<FunctionName>(["once", "streamed", "failing", "limited", "mapped"])

/** From numbers of their own, too. */
const withMaps = (seed: number, clients: Scenario["clients"]): Scenario["clients"] => {
  const dice = new Dice(seed ^ 0x0a11ed1f)
  if (!dice.oneIn(3)) return clients
  const changed = (call: Call): Call => {
    if (call.kind === "map") return asMap(dice, call)
    const isPlain = call.kind === "run" && call.hedgeMillis === 0 && mappable.has(call.function)
    return isPlain && dice.oneIn(12) ? asMap(dice, call) : call
  }
  return clients.map((client) => ({ ...client, calls: client.calls.map(changed) }))
}

const drawServers = (dice: Dice, count: number): ReadonlyArray<ServerPlan> => {
  const jobHandlePrefix = dice.oneIn(3) ? "H:alike" : undefined
  return Array.from({ length: count }, () => ({
    jobRetries: dice.of([-1, -1, -1, 0, 2, 3]),
    workerWakeup: dice.of([0, 0, 0, 1]),
    jobHandlePrefix
  }))
}

/** Hard limits, which a reference mix would never reach. From numbers of its own, too. */
const withLimits = (seed: number, plans: ReadonlyArray<ServerPlan>): ReadonlyArray<ServerPlan> => {
  const dice = new Dice(seed ^ 0x11417e55)
  if (!dice.oneIn(12)) return plans
  const maxJobs = dice.of([undefined, 2, 5])
  const maxJobsPerFunction = dice.of([undefined, 1, 3])
  return plans.map((plan) => ({ ...plan, maxJobs, maxJobsPerFunction }))
}

/** Nobody who is still there can be told from one who is slow, or is told anything at all. */
const forEver = ["crash", "power", "isolate", "pause"] as const

/**
 * Some machines are broken for ever, for everybody; the others are a core that gets
 * everything done: a server, a worker that can do everything, and a client at least.
 * What else goes wrong happens to the core, and heals.
 */
const withCore = (
  dice: Dice,
  faults: ReadonlyArray<Fault>,
  machines: { readonly [role: string]: ReadonlyArray<string> },
  spanMillis: number
): ReadonlyArray<Fault> => {
  if (faults.length === 0 || !dice.oneIn(6)) return faults
  const { clients = [], servers = [], workers = [] } = machines
  const core = new Set([dice.of(servers), workers[0], dice.of(clients)])
  const outside = [...servers, ...workers, ...clients].filter((name) => !core.has(name) && dice.oneIn(2))
  const losses = outside.map((node): Fault => ({
    kind: dice.of(forEver),
    at: dice.below(spanMillis),
    lastsMillis: 0,
    node,
    peer: "",
    amount: 0
  }))
  const isOutside = (name: string) => outside.includes(name)
  return [...faults.filter(({ node, peer }) => !isOutside(node) && !isOutside(peer)), ...losses]
}
