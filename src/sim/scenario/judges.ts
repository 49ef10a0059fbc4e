/**
 * Properties that have to know of a scenario or its world.
 *
 * @since 0.1.0
 */
import * as Codec from "../../protocol/Codec.ts"
import * as Network from "../../protocol/Network.ts"
import * as ServerSelection from "../../protocol/ServerSelection.ts"
import { deadlines, patience } from "../properties/deadlines.ts"
import { asking } from "../properties/asking.ts"
import { dispatching } from "../properties/dispatching.ts"
import { hearing, lateWords, surrender } from "../properties/attempts.ts"
import { hedging, queueing } from "../properties/fairness.ts"
import { honesty } from "../properties/honesty.ts"
import { idling, ownTurns } from "../properties/idling.ts"
import { limits } from "../properties/limits.ts"
import { mapResults } from "../properties/mapResults.ts"
import { leaving } from "../properties/leaving.ts"
import { mapping } from "../properties/mapping.ts"
import { claims, dialling, redialling, silence, slots } from "../properties/machines.ts"
import type { Property } from "../properties/Property.ts"
import { introduction, orphans, shelter, submissions, throttle } from "../properties/requests.ts"
import { refusals } from "../properties/refusals.ts"
import { rest } from "../properties/rest.ts"
import { selection } from "../properties/selection.ts"
import { reasons, status, turns } from "../properties/status.ts"
import { text } from "../properties/text.ts"
import type { World } from "../World.ts"
import { wire } from "../properties/wire.ts"
import { limitOf, wireWorkloadsOf } from "./functions.ts"
import { isRoomy } from "./functions.ts"
import { addressesOf, askedUniqueOf, laterMillis, pauseAboveBytes } from "./programs.ts"
import { type Call, isInterrupted, ownLimitOf, type Scenario } from "./Scenario.ts"

/** Scheduled jobs are looked at again at least every ten seconds by any clock. */
const wallLookMillis = 11_500

const jobsMaxOf = (scenario: Scenario, name: string): number | undefined =>
  name.startsWith("client") ? scenario.clients[Number(name.slice("client".length)) - 1]!.jobsMax : undefined

/** By client: how many submissions it may have under way, where each call is one until it ends. */
const throttlesOf = ({ clients }: Scenario): ReadonlyMap<string, number> => {
  const isPlain = (call: Call) =>
    call.kind !== "map" && call.hedgeMillis === 0 && !isInterrupted(call) && call.limitMillis === undefined
  return new Map(
    clients.flatMap(({ calls, jobsMax }, index) =>
      jobsMax !== undefined && calls.every(isPlain) ? [[`client${index + 1}`, jobsMax] as const] : []
    )
  )
}

/** Whoever runs a program of the library. */
const isOurs = (name: string): boolean => !name.startsWith("peer") && !name.startsWith("operator")

/**
 * @since 0.1.0
 * @category constructors
 */
export const judges = (scenario: Scenario, run: { readonly world: World }): ReadonlyArray<Property> => {
  // A timer that was set before the clock changed its pace is as wrong as one set before a jump.
  const resets = new Set(
    scenario.faults.filter(({ kind }) => kind === "jump" || kind === "drift").map(({ node }) => node)
  )
  const slowing = new Set<string>(["pause", "slow", "delay"])
  const isSlow = scenario.world.kernel.hurryOneIn > 0 || scenario.faults.some(({ kind }) => slowing.has(kind))
  const planOf = (name: string) => scenario.workers[Number(name.slice("worker".length)) - 1]!
  const paused = new Set(scenario.faults.filter(({ kind }) => kind === "pause").map(({ node }) => node))
  const isPrompt = (name: string) => scenario.world.kernel.hurryOneIn === 0 && !paused.has(name)
  // A worker has connections of their own for functions with a limit of their own.
  const dialsOf = (name: string) => (name.startsWith("worker") && planOf(name).ownLimit !== undefined ? 2 : 1)
  const { windowBytes } = scenario.world.network
  // What happens to a machine without a word to those it is connected to is nobody's fault.
  const atHome = new Set<string>(["crash", "restart", "jump"])
  const heardAt = (name: string, connection: number) =>
    run.world.network.host(name).endpoints.find((endpoint) => endpoint.connection === connection)?.heardAt ?? 0
  const isBlocked = (name: string, connection: number) =>
    run.world.network
      .host(name)
      .endpoints.some((endpoint) => endpoint.connection === connection && endpoint.outgoing.waiting > 0)
  const hedges = scenario.clients.some(({ calls }) => calls.some(({ hedgeMillis }) => hedgeMillis > 0))
  // Whoever is not taken by a server that drains waits for another one, or goes there.
  const drains = scenario.faults.some(({ kind }) => kind === "drain")
  const throttles = throttlesOf(scenario)
  const addresses = addressesOf(scenario)
  const choose = ServerSelection.rendezvous.prepare(addresses.map(Network.format))
  return [
    rest({
      isAwake: (name) => {
        const node = run.world.node(name)
        return node.isUp && !node.incarnation.paused
      },
      // Where time hurries on, a program may have looked at the clock long before its timer is set.
      timerSlackMillis: scenario.world.kernel.hurryOneIn > 0 ? Infinity : 20,
      wallMillis: (name, at) => run.world.node(name).clock.wallMillis(at),
      wallSlackMillis: (name) => (resets.has(name) ? wallLookMillis : 0)
    }),
    status(),
    turns(),
    reasons((name) => scenario.servers[Number(name.slice("server".length)) - 1]!.workerWakeup),
    slots({
      slotsOf: (name, fn) => (fn === undefined ? planOf(name).slots : ownLimitOf(planOf(name), fn)),
      // A job that an operator cancels goes on running, and its place in the map is free.
      isQuiet: scenario.faults.length === 0 && scenario.peers.length === 0 && scenario.operators.length === 0
    }),
    claims((name) => {
      const plan = planOf(name)
      return { slots: plan.slots, prefetch: plan.prefetch ?? 0, ownLimitOf: (fn) => ownLimitOf(plan, fn) }
    }),
    idling((name) => {
      const { changesAt, ownLimit, slots } = planOf(name)
      return changesAt === 0 && ownLimit === undefined && isPrompt(name) ? slots : undefined
    }, isBlocked),
    ownTurns(
      (name, fn) => ownLimitOf(planOf(name), fn),
      (name) => {
        const { changesAt, functions, ownLimit, prefetch = 0, slots } = planOf(name)
        const isJudged = changesAt === 0 && ownLimit !== undefined && prefetch > 0 && !functions.includes("limited")
        return isJudged ? (2 * slots + 4) * scenario.servers.length : undefined
      }
    ),
    submissions(wireWorkloadsOf, isPrompt, (name, at) =>
      resets.has(name) ? 0 : run.world.node(name).clock.wallMillis(at) + laterMillis
    ),
    shelter(isPrompt),
    refusals(),
    text(),
    deadlines(isPrompt),
    limits((name) => scenario.servers[Number(name.slice("server".length)) - 1]!),
    ...(throttles.size > 0 ? [throttle((name) => throttles.get(name))] : []),
    dispatching(
      (asked) => wireWorkloadsOf(asked)[0] ?? "",
      (name) =>
        name.startsWith("client") && isPrompt(name) && !drains ? (jobsMaxOf(scenario, name) ?? Infinity) : undefined,
      isBlocked
    ),
    leaving(
      isPrompt,
      (name) =>
        windowBytes >= 1024 &&
        scenario.faults.every(
          ({ kind, node }) => atHome.has(kind) && !node.startsWith("server") && (kind === "restart" || node !== name)
        ),
      // Whoever is just giving up a function is done with that first.
      (name) => windowBytes >= 65_536 && planOf(name).changesAt === 0
    ),
    asking(({ workload }) => askedUniqueOf(workload), isPrompt),
    introduction(),
    mapResults(wireWorkloadsOf, isPrompt),
    surrender(limitOf),
    lateWords(isPrompt),
    ...(scenario.peers.length === 0 ? [hearing()] : []),
    // What a lost server had is sent anew before those who wait.
    ...(scenario.faults.length === 0
      ? [queueing(wireWorkloadsOf, (name) => isPrompt(name) && jobsMaxOf(scenario, name) === 1)]
      : []),
    // Where packets take many round trips, a server may be late in its clients' eyes.
    ...(scenario.faults.length === 0 && !isSlow && scenario.world.network.windowBytes >= 1024
      ? [hedging((name) => isPrompt(name) && scenario.servers.length > 1 && jobsMaxOf(scenario, name) === undefined)]
      : []),
    ...(scenario.faults.length === 0 && scenario.servers.length === 1 && scenario.world.network.windowBytes >= 1024
      ? [mapping((name) => isPrompt(name) && jobsMaxOf(scenario, name) === undefined, wireWorkloadsOf)]
      : []),
    redialling(
      (name) => isPrompt(name) && isOurs(name),
      (name) => dialsOf(name) === 1
    ),
    orphans(isPrompt),
    dialling(dialsOf),
    patience(),
    silence((node) => !isSlow && isOurs(node) && !resets.has(node), heardAt),
    // What it pauses above, and what may have come in one read by then; two of the largest results with it.
    wire(
      pauseAboveBytes + 2 * scenario.world.network.windowBytes + (isRoomy(scenario.world.network) ? 100_000 : 20_000)
    ),
    // A hedged call is meant to go elsewhere too.
    ...(hedges || drains
      ? []
      : [
          honesty(wireWorkloadsOf, isPrompt),
          selection(
            (fn, unique, workload) => {
              const key = ServerSelection.keyOf(Codec.fromLatin1(unique), Codec.fromLatin1(workload))
              return choose({ function: fn, key })?.map((index) => `server${index + 1}`)
            },
            isPrompt,
            heardAt
          )
        ])
  ]
}
