/**
 * Runs a scenario to its end: faults come and heal, every caller gets its answer, every
 * accepted job is done, then all programs are stopped one after the other, and nothing may
 * be left. What does not hold on the way is the run's violation.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { Book } from "../../protocol/connection/Books.ts"
import type { Running } from "../../protocol/JobServer.ts"
import type { Network } from "../../protocol/Network.ts"
import type { JobServerCore } from "../../protocol/server/JobServerCore.ts"
import type { Choices, Record } from "../Choice.ts"
import { hermetically, throwLeak } from "../Hermetic.ts"
import type { Tap } from "../network/Endpoint.ts"
import type { Node } from "../Node.ts"
import { assignment } from "../properties/assignment.ts"
import { audit } from "../properties/audit.ts"
import { callers } from "../properties/callers.ts"
import { fanout } from "../properties/fanout.ts"
import type { Event, Moment } from "../properties/History.ts"
import { merging } from "../properties/merging.ts"
import type { ModelJob } from "../properties/ServerModel.ts"
import { type Property, Violation } from "../properties/Property.ts"
import { Recorder } from "../properties/Recorder.ts"
import { wakeup } from "../properties/wakeup.ts"
import { World } from "../World.ts"
import { begin } from "./faults.ts"
import { judges } from "./judges.ts"
import { isPacket, Moments, type Occasion } from "./moments.ts"
import * as programs from "./programs.ts"
import { operator } from "./operators.ts"
import { peer } from "./peers.ts"
import type { Fault, Scenario } from "./Scenario.ts"
import { isHeldByPaused, stateOfMachine, type View } from "./states.ts"
import { Stalled, usualPatience, watched } from "./watchdog.ts"

/**
 * What came of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome {
  readonly scenario: Scenario
  /** 128 bits over everything that happened. */
  readonly hash: string
  readonly record: Record
  readonly decisions: number
  readonly steps: number
  readonly simulatedMillis: number
  readonly packets: number
  readonly answered: number
  readonly succeeded: number
  readonly failure: Error | undefined
  /** After how many turns of the kernel each of the run's goals was reached. */
  readonly reached: ReadonlyArray<number>
  /** The history; empty unless it was asked for. */
  readonly moments: ReadonlyArray<Moment>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  readonly keepHistory?: boolean | undefined
  /** More steps than this are a loop that never ends. Default: 1,000,000. */
  readonly stepsMax?: number | undefined
  /** A run of more steps is of no interest: it is given up, and `failure` is an `Abandoned`. */
  readonly abandonAfterSteps?: number | undefined
  readonly onChoice?: ((label: string, n: number, value: number) => void) | undefined
  /** Watchers beside the properties. */
  readonly watchers?: ReadonlyArray<Property> | undefined
  /**
   * What an earlier run of the same decisions has `reached`: this one does the same again, and
   * nobody watches. It costs less, and shows that watching changes nothing.
   */
  readonly again?: ReadonlyArray<number> | undefined
  /** How long a few thousand steps may take on a busy machine. Default: `usualPatience`. */
  readonly wallMillis?: number | undefined
}

/**
 * A run was given up since it took too long to be of interest.
 *
 * @since 0.1.0
 * @category errors
 */
export class Abandoned extends Error {
  override readonly name = "Abandoned"
}

const unwatched: Tap = { got: () => {}, gave: () => {}, opened: () => {}, closed: () => {} }

/**
 * After so many turns of the kernel it is looked whether a run goes on at all. Most runs take
 * fewer: a look costs as much as many turns.
 */
const turnsWatched = 16_384

/** One run under way. */
class Run {
  readonly scenario: Scenario
  private readonly options: RunOptions
  readonly world: World
  readonly recorder: Recorder
  private readonly cores = new Map<string, JobServerCore>()
  private readonly shutdowns = new Map<string, Running["shutdown"]>()
  /** What clients and workers have under way. */
  private readonly books = new Map<string, Book>()
  /** Servers that end by themselves when they have done what they have. */
  private readonly draining = new Set<string>()
  private readonly wanted = new Set<string>()
  private readonly ledger: programs.Ledger
  /** Machines for which a fault never ends. */
  private readonly lost = new Set<string>()
  private readonly handles = { last: "H:none" }
  /** Callers who have not asked yet, by client. */
  private readonly unasked = new Map<string, number>()
  private readonly view: View
  private readonly moments = new Moments()
  /** Handlers that run, by worker. */
  private readonly executions = new Map<string, number>()
  private isStopping = false
  /** Found within a program's own task, where throwing would not end the run. */
  private broken: Violation | undefined
  readonly reached: Array<number> = []
  private turns = 0
  private readonly again: ReadonlyArray<number> | undefined
  private readonly stepsMax: number
  private readonly abandonAfterSteps: number
  private callerCount = 0
  private executionCount = 0

  constructor(scenario: Scenario, choices: Choices, options: RunOptions) {
    this.scenario = scenario
    this.options = options
    this.stepsMax = options.stepsMax ?? 1_000_000
    this.abandonAfterSteps = options.abandonAfterSteps ?? Infinity
    this.again = options.again
    const attemptsMax = (node: string) => {
      const { jobRetries } = scenario.servers[Number(node.slice("server".length)) - 1]!
      return jobRetries < 0 ? Infinity : Math.max(1, jobRetries)
    }
    const properties: ReadonlyArray<Property> = [
      merging((node) => scenario.servers[Number(node.slice("server".length)) - 1]!.jobHandlePrefix !== undefined),
      fanout(),
      assignment((node) => this.latestWallMillis(node)),
      wakeup(),
      ...judges(scenario, this),
      audit((node) => this.cores.get(node)?.violations() ?? []),
      callers(scenario),
      ...(options.watchers ?? [])
    ]
    this.recorder = new Recorder(properties, () => this.world.kernel.now, attemptsMax, options.keepHistory ?? false)
    const isWatched = options.again === undefined
    this.world = new World(
      choices,
      scenario.world,
      this.moments.through(isWatched ? this.recorder : unwatched, scenario)
    )
    if (isWatched) {
      this.world.kernel.afterStep = () => {
        this.recorder.stepEnded()
        if (this.world.kernel.isIdle()) this.atRest()
      }
    }
    this.world.onEnd = (node) => this.nodeEnded(node)
    this.view = {
      scenario,
      world: this.world,
      servers: this.recorder.scene.servers,
      runs: (node) => this.executions.get(node) ?? 0,
      waits: (name) => this.recorder.scene.callsOf(name).length
    }
    this.ledger = {
      record: (event) => {
        this.occasion(event)
        if (event._tag === "Began") {
          this.executions.set(event.node, this.view.runs(event.node) + 1)
          this.handles.last = event.handle
        } else if (event._tag === "Finished") this.executions.set(event.node, this.view.runs(event.node) - 1)
        else if (event._tag === "Asked") this.unasked.set(event.node, this.unasked.get(event.node)! - 1)
        if (isWatched) this.recorder.record(event)
      },
      moment: (node, on, nth) => this.moment(node, on, nth),
      nextCaller: () => ++this.callerCount,
      nextExecution: () => ++this.executionCount,
      serverStarted: (node, { core, shutdown }) => {
        this.cores.set(node, core)
        this.shutdowns.set(node, shutdown)
      },
      memberStarted: (node, book) => void this.books.set(node, book)
    }
  }

  run(): void {
    const { kernel } = this.world
    const parts = this.parts()
    const isOver = () => parts.next().done === true
    const endless = () => {
      const before = `${kernel.now} ms and ${kernel.steps} steps into the run`
      return new Violation(0, `a step of ${kernel.running.name} never ends, ${before}`, "endless")
    }
    const { wallMillis = usualPatience.wallMillis } = this.options
    while (!watched(isOver, endless, { ...usualPatience, wallMillis })) continue
  }

  private *parts(): Generator<void, void> {
    const { kernel } = this.world
    const { clients, faults, healsAt, operators, peers, servers, workers } = this.scenario
    servers.forEach((_, index) => this.start(`server${index + 1}`))
    workers.forEach((_, index) => this.start(`worker${index + 1}`))
    clients.forEach((_, index) => this.start(`client${index + 1}`))
    peers.forEach((_, index) => this.start(`peer${index + 1}`))
    operators.forEach((_, index) => this.start(`operator${index + 1}`))
    for (const fault of faults) {
      if (fault.on === undefined) kernel.timer(kernel.world, fault.at, () => this.strike(fault))
      else this.arm(fault, fault.on)
    }
    // Something that happens then for sure, so that the time gets there.
    kernel.timer(kernel.world, healsAt + 1, () => {})
    const deadline = healsAt + this.patienceMillis()
    yield* this.reach("every caller is answered", 36, deadline, () =>
      kernel.now > healsAt ? this.unanswered() : "the faults are not over"
    )
    yield* this.reach("every job is done", 45, deadline, () => this.undone())
    yield* this.reach("clients and workers forget what is over", 56, kernel.now + this.patienceMillis(), () =>
      this.kept()
    )
    this.isStopping = true
    // Whoever stands still for ever hears of no stop.
    for (const name of this.lost) if (this.world.node(name).incarnation.paused) this.world.node(name).crash()
    yield* this.stopAll("peer", peers.length)
    yield* this.stopAll("operator", operators.length)
    yield* this.stopAll("client", clients.length)
    // What clients and peers said last is still on its way when they have ended, and workers have to be there for it.
    yield* this.reach("the servers have done what they were asked", 56, kernel.now + this.patienceMillis(), () =>
      this.unheard()
    )
    yield* this.stopAll("worker", workers.length)
    yield* this.reach("the servers forget who left", 56, kernel.now + this.patienceMillis(), () => this.remembered())
    yield* this.stopAll("server", servers.length)
    this.recorder.ended()
    for (const endpoint of this.world.network.openEndpoints()) {
      throw new Violation(58, `connection ${endpoint.connection} of ${endpoint.host} was left open`)
    }
  }

  private strike(fault: Fault): void {
    const { kernel } = this.world
    const span = fault.lastsMillis === 0 ? "for ever" : ""
    const on = isPacket(fault.on) ? `on ${fault.on}` : ""
    const text = [fault.kind, fault.node, fault.peer, on, span].filter((word) => word !== "").join(" ")
    this.recorder.record({ _tag: "Fault", text, begins: true })
    const heal = begin(this.world, fault, {
      restart: (node) => this.restart(node),
      stop: (node) => this.stop(node),
      drain: (node) => this.drain(node)
    })
    if (fault.lastsMillis === 0) return void this.lost.add(fault.node)
    kernel.timer(kernel.world, fault.lastsMillis, () => {
      this.recorder.record({ _tag: "Fault", text, begins: false })
      heal()
    })
  }

  /** A fault that waits for its moment, and then comes before time goes on. */
  private arm(fault: Fault, on: Occasion): void {
    const { kernel } = this.world
    const { lastsMillis, node, nth = 1, peer } = fault
    this.moments.wait(nth, {
      on,
      concerns: (name) => name === node || (name === peer && !isPacket(on)),
      happens: () => {
        if (kernel.now + lastsMillis > this.scenario.healsAt) return
        // Others may have something to do before, or not.
        if (isPacket(on)) kernel.schedule(kernel.world, () => this.strike(fault))
        else kernel.timer(kernel.world, 0, () => this.strike(fault))
      }
    })
  }

  private moment(node: string, on: Occasion, nth: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { kernel } = this.world
      const { incarnation } = this.world.node(node)
      const latch = Latch.makeUnsafe(false)
      this.moments.wait(nth, {
        on,
        concerns: (name) => name === node,
        happens: () => kernel.schedule(incarnation, () => latch.openUnsafe())
      })
      return latch.await
    })
  }

  private occasion(event: Event): void {
    if (event._tag === "Began") this.moments.happened("Began", event.node, event.server.split(":")[0]!)
    else if (event._tag === "Finished" || event._tag === "Asked") this.moments.happened(event._tag, event.node)
  }

  /** The latest that a node's clock can have shown: it may have been set back since a job's time had come. */
  private latestWallMillis(node: string): number {
    const { clock } = this.world.node(node)
    const jumps = this.scenario.faults.filter((fault) => fault.kind === "jump" && fault.node === node)
    return jumps.reduce((sum, { amount }) => sum + Math.abs(amount), clock.wallMillis(this.world.kernel.now))
  }

  private atRest(): void {
    const { kernel } = this.world
    const until = (kernel.nextTimerAt() ?? kernel.now + 1) - 1
    // A timer that is due in this very moment: nobody rests yet.
    if (until < kernel.now) return
    this.recorder.rests(until)
  }

  private start(name: string): void {
    this.recorder.record({ _tag: "Started", node: name })
    this.world.start(name, this.programOf(name))
  }

  private programOf(name: string): Effect.Effect<unknown, unknown, Network> {
    const { ledger, scenario, world } = this
    if (name.startsWith("peer")) return peer(scenario.peers[Number(name.slice(4)) - 1]!, this.handles)
    if (name.startsWith("operator")) return operator(scenario.operators[Number(name.slice(8)) - 1]!)
    const index = Number(name.slice(6)) - 1
    const { now } = world.kernel
    if (name.startsWith("server")) return programs.server(scenario, name, ledger)
    if (name.startsWith("worker")) return programs.worker(scenario, name, scenario.workers[index]!, ledger)
    // A client that starts again goes on with what it has not begun yet.
    const calls = scenario.clients[index]!.calls.filter((call) => now === 0 || call.at > now)
    const remaining = calls.map((call) => ({ ...call, at: call.at - now }))
    this.unasked.set(name, remaining.length)
    return programs.client(scenario, name, remaining, ledger)
  }

  private stop(name: string): void {
    this.recorder.record({ _tag: "Stopping", node: name })
    this.draining.delete(name)
    this.world.node(name).stop()
  }

  private drain(name: string): void {
    const shutdown = this.shutdowns.get(name)
    if (shutdown === undefined) return
    this.recorder.record({ _tag: "Draining", node: name })
    this.draining.add(name)
    // It only says so; what comes of it happens in the server's own turns.
    Effect.runSync(shutdown("drain"))
  }

  private restart(name: string): void {
    const { state } = this.world.node(name)
    if (state === "running" || this.isStopping) return
    if (state === "stopping") this.wanted.add(name)
    else this.start(name)
  }

  private nodeEnded(node: Node): void {
    const { exit, incarnation, name, state } = node
    this.recorder.record({ _tag: "Ended", node: name, how: state })
    const left = this.cores.get(name)?.jobs.byNumber.size ?? 0
    if (this.draining.delete(name) && state === "ended" && left > 0)
      this.broken ??= new Violation(45, `${name} drained and ended, and had ${left} jobs`)
    this.cores.delete(name)
    this.shutdowns.delete(name)
    this.books.delete(name)
    this.unasked.delete(name)
    this.executions.delete(name)
    if (state !== "ended") return
    if (exit !== undefined && Exit.isFailure(exit)) {
      const cause = exit.cause.reasons.find((reason) => reason._tag !== "Interrupt")
      if (cause !== undefined) this.broken ??= new Violation(0, `the program of ${name} broke: ${textOf(cause)}`)
    }
    const { timers } = incarnation
    const [fiber] = incarnation.leftBehind()
    if (fiber !== undefined) this.broken ??= new Violation(58, `${name} ended and left a fiber behind: ${fiber}`)
    if (timers > 0) this.broken ??= new Violation(58, `${name} ended and left ${timers} timers behind`)
    if (this.wanted.delete(name)) this.world.kernel.timer(this.world.kernel.world, 1, () => this.restart(name))
  }

  private *stopAll(role: string, count: number): Generator<void, void> {
    const names = Array.from({ length: count }, (_, index) => `${role}${index + 1}`)
    for (const name of names) this.stop(name)
    yield* this.reach(`every ${role} has stopped`, 58, this.world.kernel.now + this.patienceMillis(), () => {
      const name = names.find((one) => this.world.node(one).isUp)
      return name === undefined ? undefined : `${name} is ${this.world.node(name).state}`
    })
  }

  /** Goes on until nothing is pending. What still is when the time is up is the violation. */
  private *reach(
    goal: string,
    property: number,
    deadline: number,
    pending: () => string | undefined
  ): Generator<void, void> {
    const { kernel } = this.world
    for (; ; this.turns++) {
      if (this.turns % turnsWatched === turnsWatched - 1) yield
      if (this.broken !== undefined) throw this.broken
      throwLeak()
      const isReached =
        this.again === undefined
          ? (kernel.isIdle() || kernel.steps % 64 === 0) && pending() === undefined
          : this.turns === this.again[this.reached.length]
      if (isReached) {
        this.reached.push(this.turns)
        return
      }
      if (kernel.steps > this.abandonAfterSteps) throw new Abandoned("this takes too long")
      const isLate = kernel.isIdle() && (kernel.nextTimerAt() ?? Infinity) > deadline
      if (!isLate && kernel.steps < this.stepsMax && kernel.step()) continue
      const why = kernel.steps >= this.stepsMax ? `after ${this.stepsMax} steps` : `${kernel.now} ms into the run`
      const missing = pending() ?? "it never rests"
      const told = [missing, this.states(), ...this.world.leaks()].join("; ")
      throw new Violation(property, `${goal}: not so ${why}, since ${told}`, "liveness")
    }
  }

  /** What a caller still waits for, and what those are doing whom it concerns. */
  private unanswered(): string | undefined {
    // Where time hurries, a caller's moment may come long before its turn.
    for (const [node, count] of this.unasked) {
      if (count > 0 && !this.isPausedForEver(node)) return `${count} callers of ${node} have yet to ask`
    }
    const waiting = [...this.recorder.scene.calls.values()]
    const isHeld = (fn: string) => this.held().some((job) => job.function === fn)
    for (const { caller, function: fn, node, workload } of waiting) {
      if (this.isPausedForEver(node) || isHeld(fn)) continue
      // Where a client has only so many jobs under way, the others wait behind those that are held.
      const { jobsMax = Infinity } = this.scenario.clients[Number(node.slice("client".length)) - 1]!
      if (waiting.filter((other) => other.node === node && isHeld(other.function)).length >= jobsMax) continue
      return `caller ${caller} at ${node} waits for ${fn} ${workload}`
    }
    return undefined
  }

  private undone(): string | undefined {
    const held = this.held()
    for (const server of this.recorder.scene.servers.values()) {
      if (this.lost.has(server.node)) continue
      for (const job of server.unfinished) {
        if (server.mayBeGone(job) || held.includes(job)) continue
        return `${job.handle} of ${server.node}, a job of ${job.function}, is ${job.state}`
      }
    }
    return undefined
  }

  private isPausedForEver(node: string): boolean {
    return this.lost.has(node) && this.world.node(node).incarnation.paused
  }

  /** Jobs that are with workers which stand still for ever. */
  private held(): ReadonlyArray<ModelJob> {
    if (this.lost.size === 0) return []
    return [...this.recorder.scene.servers.values()].flatMap((server) =>
      [...server.unfinished].filter(
        ({ owner, state }) => state === "running" && owner !== undefined && isHeldByPaused(this.view, server, owner.id)
      )
    )
  }

  private unheard(): string | undefined {
    for (const { endpoints, name } of this.world.network.hosts.values()) {
      if (this.lost.has(name)) continue
      const open = endpoints.find(
        ({ closed, dialled, peer: { host } }) => !closed && !dialled && !host.startsWith("worker")
      )
      if (open !== undefined) return `${name} has not noticed that ${open.peer.host} left`
    }
    for (const [name, { jobs }] of this.cores) {
      if (!this.lost.has(name) && jobs.byNumber.size > 0) return `${name} still has ${jobs.byNumber.size} jobs`
    }
    return undefined
  }

  private states(): string {
    return [...this.world.nodes.keys()].map((name) => stateOfMachine(this.view, name)).join("; ")
  }

  private kept(): string | undefined {
    // Who stands still for ever may have a job of somebody who has long stopped waiting for it.
    if (this.lost.size > 0) return undefined
    for (const [name, book] of this.books) {
      const entry = Object.entries(book()).find(([, count]) => count !== 0)
      if (entry !== undefined) return `${name} still has ${entry[1]} ${entry[0]}`
    }
    return undefined
  }

  private remembered(): string | undefined {
    for (const [name, { jobs, lingeringCount, sessions }] of this.cores) {
      const { functions } = jobs
      if (this.lost.has(name)) continue
      const left = Object.entries({
        connections: sessions.size,
        jobs: jobs.byNumber.size,
        listeners: jobs.attachmentCount,
        "attempt deadlines": jobs.attempts.size,
        "scheduled jobs": jobs.scheduled.size,
        "wake-ups to pass on": jobs.passOns.size,
        "open questions": jobs.grabs.size,
        uniques: jobs.merging.size,
        "functions in use": functions.size - functions.idleCount,
        queues: functions.withWorkCount,
        "bytes of workloads": jobs.workloadBytes,
        "connections that linger": lingeringCount
      }).find(([, count]) => count !== 0)
      if (left !== undefined) return `${name} still has ${left[1]} ${left[0]}`
    }
    return undefined
  }

  /** Longest that anything may take once all is healed, from the times that programs are made of. */
  private patienceMillis(): number {
    const { clients, faults, world } = this.scenario
    const work = clients
      .flatMap(({ calls }) => calls)
      .reduce((sum, { items = [], takesMillis }) => sum + takesMillis * Math.max(4, items.length * 2), 0)
    const jumps = faults
      .filter((fault) => fault.kind === "jump")
      .reduce((sum, fault) => sum + Math.abs(fault.amount), 0)
    // A silent connection is probed after 10 s for 5 s; a failed server is dialled again after 7 s at most.
    // The rest is for troubles that follow one another: with 60 s of it, seed 362 was a false alarm.
    return 1.2 * (world.network.giveUpAfterMillis + 15_000 + 7000 + 83_000 + work + jumps)
  }
}

const textOf = (reason: { readonly _tag: string; readonly error?: unknown; readonly defect?: unknown }): string => {
  const value = reason._tag === "Fail" ? reason.error : reason.defect
  return value instanceof Error ? (value.stack ?? value.message) : String(value)
}

/**
 * Runs a scenario with the decisions given.
 *
 * @since 0.1.0
 * @category running
 */
export const simulate = (scenario: Scenario, choices: Choices, options: RunOptions = {}): Outcome => {
  choices.onChoice = options.onChoice
  let failure: Error | undefined
  let run: Run | undefined
  try {
    hermetically(
      () => {
        run = new Run(scenario, choices, options)
        run.run()
      },
      { stacks: options.keepHistory ?? false }
    )
  } catch (error) {
    if (error instanceof Stalled) {
      // A machine that has so much else to do needs more time.
      const { wallMillis = usualPatience.wallMillis } = options
      return simulate(scenario, choices.anew(), { ...options, wallMillis: 3 * wallMillis })
    }
    failure = error instanceof Error ? error : new Error(String(error))
  }
  return {
    scenario,
    hash: choices.hash.digest(),
    record: choices.record(),
    decisions: choices.count,
    steps: run?.world.kernel.steps ?? 0,
    simulatedMillis: run?.world.kernel.now ?? 0,
    packets: run?.recorder.packets ?? 0,
    answered: run?.recorder.scene.answered ?? 0,
    succeeded: run?.recorder.scene.succeeded ?? 0,
    failure,
    reached: run?.reached ?? [],
    moments: run?.recorder.moments ?? []
  }
}
