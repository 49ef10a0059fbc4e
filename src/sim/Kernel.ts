/**
 * The one loop that runs a simulated world: no await, no timer, no thread. It picks the
 * next ready task by a choice, and when nothing is ready moves the time to the next
 * timer. Everything a simulated program does is a task or a timer of some node.
 *
 * Time is a whole number of milliseconds, so that many things fall on one instant, and
 * their order is then a choice too.
 *
 * @since 0.1.0
 */
import type { Choices } from "./Choice.ts"

/**
 * Who a task or timer belongs to. It is dropped when its owner is no longer live and
 * held back while the owner is paused.
 *
 * @since 0.1.0
 * @category models
 */
export interface Owner {
  readonly name: string
  live: boolean
  paused: boolean
  /** Tasks that wait for the pause to end. */
  readonly held: Array<Task>
  /** Timers that are set. */
  timers: number
  /** True when its tasks are Effect fibers, which may be preempted. */
  readonly preemptible: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Task {
  readonly owner: Owner
  readonly run: () => void
}

/**
 * A timer that is set.
 *
 * @since 0.1.0
 * @category models
 */
export class Timer implements Task {
  readonly at: number
  readonly order: number
  readonly owner: Owner
  readonly run: () => void
  /** False once it has fired or was cancelled. */
  set = true

  constructor(at: number, order: number, owner: Owner, run: () => void) {
    this.at = at
    this.order = order
    this.owner = owner
    this.run = run
  }
}

/**
 * How the kernel treats running programs; a scenario draws them.
 *
 * @since 0.1.0
 * @category models
 */
export interface KernelOptions {
  /** Each task is preempted at an operation below this number, or not at all; 0 preempts never. */
  readonly preemptWithin: number
  /** A fiber that another fiber wakes waits for its turn, instead of running at once inside it. */
  readonly resumeInTurn: boolean
  /** One in this many steps time goes on although tasks are ready; 0 means never. */
  readonly hurryOneIn: number
  /**
   * Any timer that is set may be the next one, by choice, also while tasks are ready; those
   * that were due before it are late. None is early: the time goes on with it. For searches
   * of all orders of events, which must not depend on how long anything takes.
   */
  readonly untimed?: boolean | undefined
}

// More operations than a task ever has, and a small integer to the engine, which a larger one is not.
const never = 0x3fff_ffff

// Order is kept while the list is short, so that choosing 0 always means the oldest.
const orderedBelow = 24

/**
 * @since 0.1.0
 * @category models
 */
export class Kernel {
  readonly choices: Choices
  readonly options: KernelOptions
  /** Milliseconds since the world began. */
  now = 0
  steps = 0
  /** Called after each step. */
  afterStep: (() => void) | undefined
  /** The network's and the faults' own events. */
  readonly world: Owner = makeOwner("world", false)
  /** Whose task runs, or ran last. */
  running: Owner = this.world
  /** Operations left before the running task is preempted. */
  operationsLeft = 0
  /** True until the running task's first operation. */
  taskBegins = false
  /** A fiber runs within another's step, which has more to do when this one yields. */
  isNested = false
  private readonly ready: Array<Task> = []
  private readonly heap: Array<Timer> = []
  private timerOrder = 0

  constructor(choices: Choices, options: KernelOptions) {
    this.choices = choices
    this.options = options
  }

  /** Makes a task ready. */
  schedule(owner: Owner, run: () => void): void {
    if (!owner.live) return
    const task: Task = { owner, run }
    if (owner.paused) owner.held.push(task)
    else this.ready.push(task)
  }

  /** Makes a task ready after some milliseconds. */
  timer(owner: Owner, delayMillis: number, run: () => void): Timer {
    const timer = new Timer(this.now + Math.max(0, Math.ceil(delayMillis)), this.timerOrder++, owner, run)
    owner.timers++
    push(this.heap, timer)
    return timer
  }

  cancel(timer: Timer): void {
    if (!timer.set) return
    timer.set = false
    timer.owner.timers--
  }

  pause(owner: Owner): void {
    owner.paused = true
    this.withdraw(owner, (task) => owner.held.push(task))
  }

  resume(owner: Owner): void {
    owner.paused = false
    for (const task of owner.held.splice(0)) this.ready.push(task)
  }

  /** Everything of this owner is gone: tasks, timers, held tasks. */
  drop(owner: Owner): void {
    owner.live = false
    owner.held.length = 0
    this.withdraw(owner, () => {})
  }

  /** Ready tasks of this owner, also held ones. */
  tasksOf(owner: Owner): number {
    return owner.held.length + this.ready.filter((task) => task.owner === owner).length
  }

  /** The time of the next timer, if there is one. */
  nextTimerAt(): number | undefined {
    while (this.heap.length > 0 && !isDue(this.heap[0]!)) pop(this.heap)
    return this.heap[0]?.at
  }

  isIdle(): boolean {
    return this.ready.length === 0
  }

  /** Does one thing. False when there is nothing left to do. */
  step(): boolean {
    const { choices, options, ready } = this
    if (options.untimed === true) return this.stepUntimed()
    const hurries = ready.length > 0 && options.hurryOneIn > 0 && choices.oneIn("hurry", options.hurryOneIn)
    if (ready.length === 0 || hurries) {
      if (!this.advance() && ready.length === 0) return false
    }
    // What was due may all belong to paused owners.
    if (ready.length === 0) return true
    this.runReady(choices.choose("run", ready.length))
    return true
  }

  /** Ready tasks and timers that are set are all alike. */
  private stepUntimed(): boolean {
    // In order, so that 0 is the oldest task, or else the timer that is due first.
    const timers = this.heap.filter((timer) => isDue(timer) && !timer.owner.paused).sort(byTime)
    const ready = this.ready.length
    if (ready + timers.length === 0) return false
    const index = this.choices.choose("run or fire", ready + timers.length)
    if (index >= ready) this.fire(timers[index - ready]!)
    this.runReady(Math.min(index, ready))
    return true
  }

  /** The time goes on to a timer's, and it alone is ready. */
  private fire(timer: Timer): void {
    this.now = Math.max(this.now, timer.at)
    this.choices.hash.number(this.now)
    this.cancel(timer)
    this.ready.push(timer)
  }

  private runReady(index: number): void {
    const { ready } = this
    this.steps++
    const task = ready[index]!
    const last = ready.length - 1
    // A loop of our own: `copyWithin` asks each place whether it is there.
    if (last < orderedBelow) for (let at = index; at < last; at++) ready[at] = ready[at + 1]!
    else ready[index] = ready[last]!
    ready.length = last
    this.begin(task.owner)
    task.run()
    if (this.afterStep !== undefined) this.afterStep()
  }

  /** What runs from now on in this step is this owner's. */
  begin(owner: Owner): void {
    this.running = owner
    this.taskBegins = true
    this.isNested = false
    if (owner.preemptible) this.drawPreemption()
  }

  /** Decides at which operation from now on the running task is preempted, if at any. */
  drawPreemption(): void {
    const gap = this.choices.choose("preempt", this.options.preemptWithin)
    this.operationsLeft = gap === 0 ? never : gap
  }

  /** Moves the time to the next timer and makes all that are due then ready. */
  private advance(): boolean {
    const at = this.nextTimerAt()
    if (at === undefined) return false
    this.now = at
    this.choices.hash.number(at)
    while (this.nextTimerAt() === at) {
      const timer = pop(this.heap)
      timer.set = false
      timer.owner.timers--
      if (timer.owner.paused) timer.owner.held.push(timer)
      else this.ready.push(timer)
    }
    return true
  }

  private withdraw(owner: Owner, take: (task: Task) => void): void {
    let kept = 0
    for (const task of this.ready) {
      if (task.owner === owner) take(task)
      else this.ready[kept++] = task
    }
    this.ready.length = kept
  }
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const makeOwner = (name: string, preemptible: boolean): Owner => ({
  name,
  live: true,
  paused: false,
  held: [],
  timers: 0,
  preemptible
})

const isDue = (timer: Timer): boolean => timer.set && timer.owner.live

const isBefore = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order)

const byTime = (one: Timer, other: Timer): number => one.at - other.at || one.order - other.order

const push = (heap: Array<Timer>, timer: Timer): void => {
  let at = heap.length
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = timer
}

const pop = (heap: Array<Timer>): Timer => {
  const first = heap[0]!
  const moved = heap.pop()!
  const length = heap.length
  if (length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= length) break
    if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, moved)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = moved
  return first
}
