/**
 * A simulated machine that runs one program. Each start makes a new incarnation, with a
 * scheduler, clock and randomness of its own. A crash makes the incarnation inert: no
 * finalizer runs, nothing of it ever happens again. A stop interrupts the program as a
 * signal would, and its finalizers run.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { Generator } from "./Choice.ts"
import { ClockState, NodeClock } from "./Clock.ts"
import type { Kernel, Owner, Task } from "./Kernel.ts"

/**
 * One run of a node's program: the owner of its tasks and timers, and the scheduler that
 * Effect hands them to.
 *
 * @since 0.1.0
 * @category models
 */
export class Incarnation implements Owner, Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly name: string
  /** Which start of the node this is, from 1. */
  readonly number: number
  readonly executionMode = "async"
  readonly preemptible = true
  live = true
  paused = false
  readonly held: Array<Task> = []
  timers = 0
  private readonly kernel: Kernel
  /** Fibers that ran here; those that have ended are left out when there are many. */
  private readonly fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  private fibersMax = 64

  constructor(kernel: Kernel, name: string, number: number) {
    this.kernel = kernel
    this.name = name
    this.number = number
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(task: () => void): void {
    this.kernel.schedule(this, task)
  }

  flush(): void {
    throw new Error("a simulated program asked to run its tasks out of turn; runSync cannot wait in a simulation")
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    // Whatever is left of a crashed program parks itself here for ever.
    if (!this.live) return true
    const { kernel } = this
    if (fiber.currentOpCount <= 2) {
      this.fibers.add(fiber)
      if (this.fibers.size > this.fibersMax) this.forgetEnded()
      const begins = kernel.taskBegins
      kernel.taskBegins = false
      if (!begins && fiber.currentOpCount === 1) kernel.isNested = true
      // An interruption that has to wait is lost when the fiber's first step comes before it.
      return !begins && fiber.currentOpCount === 1 && kernel.options.resumeInTurn && !isInterrupted(fiber)
    }
    if (--kernel.operationsLeft > 0) return false
    if (!kernel.isIdle() || kernel.isNested || kernel.options.hurryOneIn > 0) return true
    // With nothing else to run it would only go on where it is: later perhaps there is.
    kernel.drawPreemption()
    return false
  }

  /** The fibers that have not ended, each as where it is: spans and functions, innermost first. */
  waiting(): ReadonlyArray<string> {
    this.forgetEnded()
    return Array.from(this.fibers, placeOf)
  }

  /**
   * Those of them that nobody has told to end. One that was interrupted is on its way: a stream
   * whose scope closes while an item begins does not wait for that item's end.
   */
  leftBehind(): ReadonlyArray<string> {
    this.forgetEnded()
    return Array.from(this.fibers)
      .filter((fiber) => !isInterrupted(fiber))
      .map(placeOf)
  }

  private forgetEnded(): void {
    for (const fiber of this.fibers) if (fiber.pollUnsafe() !== undefined) this.fibers.delete(fiber)
    this.fibersMax = Math.max(64, 2 * this.fibers.size)
  }
}

/**
 * What `waiting` tells of a fiber that is in no span.
 *
 * @since 0.1.0
 * @category constants
 */
export const withoutSpan = "a fiber without a span"

const placeOf = (fiber: Fiber.Fiber<unknown, unknown>): string => {
  const frames: Array<string> = []
  for (let frame = fiber.cache.stackFrame; frame !== undefined; frame = frame.parent) {
    const line = frame
      .stack()
      ?.split("\n")
      .find((text) => text.includes("at "))
    frames.push(line === undefined ? frame.name : `${frame.name} (${line.trim()})`)
  }
  return frames.length === 0 ? withoutSpan : frames.join(" ← ")
}

/** Effect keeps this to itself; its fibers have had the field since 4.0. */
const isInterrupted = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  (fiber as { readonly _interruptedCause?: unknown })._interruptedCause !== undefined

/** No two incarnations draw alike, whatever was chosen: real ones do not either. */
const seedOf = (name: string, incarnation: number, chosen: number): number => {
  let seed = incarnation
  for (let at = 0; at < name.length; at++) seed = (Math.imul(seed, 31) + name.charCodeAt(at)) >>> 0
  return seed + chosen * 0x1_0000_0000
}

/**
 * What a node is doing.
 *
 * @since 0.1.0
 * @category models
 */
export type NodeState = "running" | "stopping" | "ended" | "crashed" | "off"

/**
 * A machine.
 *
 * @since 0.1.0
 * @category models
 */
export class Node {
  readonly name: string
  readonly clock = new ClockState()
  incarnation: Incarnation
  state: NodeState = "off"
  /** How the program ended, once it did. */
  exit: Exit.Exit<unknown, unknown> | undefined
  /** Called when an incarnation is no more, however it ended. */
  onEnd: ((node: Node, incarnation: Incarnation, state: NodeState) => void) | undefined
  private readonly kernel: Kernel
  private fiber: Fiber.Fiber<unknown, unknown> | undefined

  constructor(kernel: Kernel, name: string) {
    this.kernel = kernel
    this.name = name
    this.incarnation = new Incarnation(kernel, name, 0)
    this.incarnation.live = false
  }

  /** True while a program runs here, also one that is about to stop. */
  get isUp(): boolean {
    return this.state === "running" || this.state === "stopping"
  }

  /** Starts a program. `contextOf` gives its services beyond Effect's own references. */
  start<R>(program: Effect.Effect<unknown, unknown, R>, contextOf: (owner: Owner) => Context.Context<R>): void {
    if (this.isUp) throw new Error(`${this.name} runs already`)
    const { kernel } = this
    const incarnation = new Incarnation(kernel, this.name, this.incarnation.number + 1)
    this.incarnation = incarnation
    this.state = "running"
    this.exit = undefined
    const random = new Generator(
      seedOf(this.name, incarnation.number, kernel.choices.choose(`random ${this.name}`, 1 << 20))
    )
    const services = contextOf(incarnation).pipe(
      Context.add(Scheduler.Scheduler, incarnation),
      Context.add(Clock.Clock, new NodeClock(kernel, incarnation, this.clock)),
      Context.add(Random.Random, {
        nextDoubleUnsafe: () => random.next() / 0x1_0000_0000,
        nextIntUnsafe: () => (random.next() % 0x20_0000) * 0x1_0000_0000 + random.next()
      }),
      Context.add(Logger.CurrentLoggers, new Set<Logger.Logger<unknown, unknown>>())
    )
    kernel.schedule(incarnation, () => {
      const fiber = Effect.runForkWith(services)(program)
      this.fiber = fiber
      fiber.addObserver((exit) => this.ended(incarnation, exit))
      // Told to stop before it had begun.
      if (this.state === "stopping") fiber.interruptUnsafe()
    })
  }

  /** The program is gone at once and nothing in it notices; its system closes its connections. */
  crash(): void {
    if (this.isUp) this.finish("crashed")
  }

  /** The machine loses power; nobody is told. */
  losePower(): void {
    if (this.isUp) this.finish("off")
  }

  /** Interrupts the program; its finalizers run, and then it has ended. */
  stop(): void {
    if (this.state !== "running") return
    this.state = "stopping"
    this.kernel.schedule(this.incarnation, () => this.fiber?.interruptUnsafe())
  }

  /** The program stands still; the rest of the world does not. */
  pause(): void {
    if (this.isUp) this.kernel.pause(this.incarnation)
  }

  resume(): void {
    if (this.incarnation.paused) this.kernel.resume(this.incarnation)
  }

  private ended(incarnation: Incarnation, exit: Exit.Exit<unknown, unknown>): void {
    if (!incarnation.live) return
    this.exit = exit
    this.finish("ended")
  }

  private finish(state: NodeState): void {
    const { incarnation } = this
    this.state = state
    this.fiber = undefined
    if (this.onEnd !== undefined) this.onEnd(this, incarnation, state)
    this.kernel.drop(incarnation)
  }
}
