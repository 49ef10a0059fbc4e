/**
 * Makes a failing run small: fewer faults, callers, machines and oddities, and dull
 * choices wherever they will do. Each step is run, and kept only if the same thing fails.
 *
 * @since 0.1.0
 */
import { Choices, type Record } from "../Choice.ts"
import { type Outcome, simulate } from "../scenario/run.ts"
import type { Call, Scenario } from "../scenario/Scenario.ts"
import { calm } from "../World.ts"
import { cpuSeconds } from "./campaign.ts"
import { failureOf, type Finding, fromOutcome } from "./Finding.ts"

type Step = (scenario: Scenario) => ReadonlyArray<Scenario>

/** Leaves out runs of elements, long ones first: halves, quarters, …, single ones. */
const without = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const shorter: Array<ReadonlyArray<A>> = []
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < list.length; from += size) {
      shorter.push([...list.slice(0, from), ...list.slice(from + size)])
    }
  }
  return shorter
}

const allCalls = (scenario: Scenario): ReadonlyArray<readonly [client: number, call: Call]> =>
  scenario.clients.flatMap(({ calls }, client) => calls.map((call) => [client, call] as const))

const withCalls = (scenario: Scenario, calls: ReadonlyArray<readonly [client: number, call: Call]>): Scenario => ({
  ...scenario,
  clients: scenario.clients.map((_, index) => ({
    calls: calls.filter(([client]) => client === index).map(([, call]) => call)
  }))
})

const fewerFaults: Step = (scenario) => without(scenario.faults).map((faults) => ({ ...scenario, faults }))

const fewerCalls: Step = (scenario) => without(allCalls(scenario)).map((calls) => withCalls(scenario, calls))

/** Machines are known by number, so only the last of a kind can go. */
const fewerMachines: Step = (scenario) => {
  const named = (name: string) => scenario.faults.some((fault) => fault.node === name || fault.peer === name)
  const { clients, servers, workers } = scenario
  const smaller: Array<Scenario> = []
  if (servers.length > 1 && !named(`server${servers.length}`))
    smaller.push({ ...scenario, servers: servers.slice(0, -1) })
  if (workers.length > 1 && !named(`worker${workers.length}`))
    smaller.push({ ...scenario, workers: workers.slice(0, -1) })
  if (clients.length > 1 && clients.at(-1)!.calls.length === 0 && !named(`client${clients.length}`)) {
    smaller.push({ ...scenario, clients: clients.slice(0, -1) })
  }
  return smaller
}

const fewerPeers: Step = (scenario) => [
  ...without(scenario.peers).map((peers) => ({ ...scenario, peers })),
  ...scenario.peers.flatMap((peer, index) =>
    without(peer.sayings).map((sayings) => ({ ...scenario, peers: scenario.peers.with(index, { ...peer, sayings }) }))
  )
]

const calmer: Step = (scenario) => {
  const { kernel, network } = scenario.world
  const calmKernel = Object.entries(calm.kernel).map(([key, value]) => ({
    kernel: { ...kernel, [key]: value },
    network
  }))
  const calmNetwork = Object.entries(calm.network).map(([key, value]) => ({
    kernel,
    network: { ...network, [key]: value }
  }))
  return [calm, ...calmKernel, ...calmNetwork]
    .filter((world) => JSON.stringify(world) !== JSON.stringify(scenario.world))
    .map((world) => ({ ...scenario, world }))
}

const plainCalls: Step = (scenario) => {
  const plain = { hedgeMillis: 0, interruptAfterMillis: 0, priority: "normal", takesMillis: 0 } as const
  return (Object.keys(plain) as ReadonlyArray<keyof typeof plain>)
    .filter((key) => allCalls(scenario).some(([, call]) => call[key] !== plain[key]))
    .map((key) =>
      withCalls(
        scenario,
        allCalls(scenario).map(([client, call]) => [client, { ...call, [key]: plain[key] }])
      )
    )
}

const plainWorkers: Step = (scenario) =>
  scenario.workers.flatMap((worker, index) =>
    [
      ...(worker.changesAt > 0 ? [{ ...worker, changesAt: 0 }] : []),
      ...(worker.functions.length > 1
        ? without(worker.functions)
            .filter((list) => list.length > 0)
            .map((functions) => ({ ...worker, functions }))
        : []),
      ...(worker.slots > 1 ? [{ ...worker, slots: 1 }] : [])
    ].map((plain) => ({ ...scenario, workers: scenario.workers.with(index, plain) }))
  )

const steps: ReadonlyArray<Step> = [
  fewerFaults,
  fewerPeers,
  fewerCalls,
  fewerMachines,
  calmer,
  plainCalls,
  plainWorkers
]

/**
 * How long shrinking may take; it gives the smallest run it has found by then.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShrinkOptions {
  readonly cpuSecondsMax: number
}

class Shrinking {
  best: Finding
  private readonly endsAt: number

  constructor(finding: Finding, cpuSecondsMax: number) {
    this.best = finding
    this.endsAt = cpuSeconds() + cpuSecondsMax
  }

  get isSpent(): boolean {
    return cpuSeconds() >= this.endsAt
  }

  /** Keeps a run if it fails in the same way. */
  try(scenario: Scenario, choices: Choices): boolean {
    if (this.isSpent) return false
    const outcome: Outcome = simulate(scenario, choices)
    if (failureOf(outcome.failure) !== this.best.failure) return false
    this.best = fromOutcome(outcome)
    return true
  }

  /** A smaller scenario may need other luck. */
  tryScenario(scenario: Scenario): boolean {
    return (
      this.try(scenario, Choices.replayed(this.best.choices)) ||
      this.try(scenario, Choices.replayed({})) ||
      this.try(scenario, Choices.seeded(scenario.seed)) ||
      this.try(scenario, Choices.seeded(scenario.seed + 1))
    )
  }

  scenarios(): boolean {
    let isSmaller = false
    for (const step of steps) {
      let found = true
      while (found && !this.isSpent) {
        found = step(this.best.scenario).some((scenario) => this.tryScenario(scenario))
        isSmaller ||= found
      }
    }
    return isSmaller
  }

  choices(): void {
    for (const label of Object.keys(this.best.choices)) {
      const { [label]: _dropped, ...others } = this.best.choices
      this.tryRecord(others)
    }
    for (const label of Object.keys(this.best.choices)) {
      let found = true
      while (found && !this.isSpent) {
        const pairs = pairsOf(this.best.choices[label] ?? [])
        found = without(pairs).some((fewer) => this.tryRecord({ ...this.best.choices, [label]: fewer.flat() }))
      }
    }
  }

  private tryRecord(record: Record): boolean {
    return this.try(this.best.scenario, Choices.replayed(record))
  }
}

const pairsOf = (list: ReadonlyArray<number>): ReadonlyArray<readonly [number, number]> =>
  Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index]!, list[2 * index + 1]!] as const)

/**
 * The smallest run found that fails as the given one does.
 *
 * @since 0.1.0
 * @category running
 */
export const shrink = (finding: Finding, options: ShrinkOptions = { cpuSecondsMax: 10 }): Finding => {
  const shrinking = new Shrinking(finding, options.cpuSecondsMax)
  while (shrinking.scenarios());
  shrinking.choices()
  while (!shrinking.isSpent && shrinking.scenarios());
  return shrinking.best
}
