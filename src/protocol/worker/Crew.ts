/**
 * The worker as a whole, as a synchronous machine: its slots, shared fairly over all
 * servers, its functions, and what runs. A question to a server reserves a slot until it
 * is answered, so that there are never more jobs than slots.
 *
 * Some slots may be for jobs that wait here until a handler is free: they spare the way to
 * the server and back between two jobs. They run in the order in which they came. Jobs of a
 * function with a limit of its own never wait: each question for one keeps a handler free
 * for the answer. So that those that wait do not leave it none, handlers that become free
 * go to the two in turn.
 */
import type * as Fiber from "effect/Fiber"
import type { Assignment, Conversation } from "./Conversation.ts"
import type { Lane, Registration } from "./Lane.ts"

/** A job that is ours: it runs, or waits for a handler. */
export interface Running {
  readonly assignment: Assignment
  readonly conversation: Conversation
  /** Undefined when no handler serves the function, or it cannot be run. */
  readonly registration: Registration | undefined
  /** Absent while it waits. */
  fiber: Fiber.Fiber<void> | undefined
  /** Its connection is lost, or it is handed back: nothing that it says matters any more. */
  isLost: boolean
}

interface Waiter {
  readonly until: () => boolean
  readonly wake: () => void
}

export class Crew {
  /** Those that wait, too. */
  readonly running = new Set<Running>()
  private readonly waiting: Array<Running> = []
  /** Kept for nobody. */
  private freeHandlers: number
  private isBeginning = false
  /** The next handler is for a function with a limit of its own. */
  private isOwnTurn = false
  private readonly conversations: Array<Conversation> = []
  private readonly prefetch: number
  private readonly slots: number
  private freeSlots: number
  /** Where to go on asking, of all and of those with a limit of their own. */
  private readonly turns = { all: 0, own: 0 }
  private readonly timed = new Set<Registration>()
  /** Functions that come to their end, with the servers that were told. */
  private readonly draining = new Map<Registration, Set<Conversation>>()
  private isEnding = false
  private readonly onUnknown: (run: Running) => void
  private readonly waiters = new Set<Waiter>()

  constructor(options: {
    readonly concurrency: number
    /** Slots for jobs that wait here. */
    readonly prefetch: number
    readonly onUnknown: (run: Running) => void
  }) {
    this.prefetch = options.prefetch
    this.slots = options.concurrency + options.prefetch
    this.freeSlots = this.slots
    this.freeHandlers = options.concurrency
    this.onUnknown = options.onUnknown
  }

  openConversations(lane?: Lane): ReadonlyArray<Conversation> {
    return this.conversations.filter((conversation) => lane === undefined || conversation.lane === lane)
  }

  joined(conversation: Conversation): void {
    conversation.isOpen = true
    this.conversations.push(conversation)
    for (const registration of conversation.lane.functions.values()) {
      if (!this.draining.has(registration)) conversation.say(registration.announcement)
    }
    this.fill()
  }

  left(conversation: Conversation): void {
    const index = this.conversations.indexOf(conversation)
    if (index !== -1) this.conversations.splice(index, 1)
    conversation.close()
    this.unask(conversation, conversation.grabs)
    conversation.grabs = 0
    this.abandonAll((run) => run.conversation === conversation)
    this.fill()
  }

  /** The newest first, for those wait: a handler that stops would begin what waits next. */
  abandonAll(isMeant: (run: Running) => boolean): ReadonlyArray<Running> {
    const meant = [...this.running].filter(isMeant).toReversed()
    for (const run of meant) this.abandon(run)
    return meant
  }

  /** Stops a handler whose result has nowhere to go. Its slot is free once it has stopped. A job that waits is never begun. */
  private abandon(run: Running): void {
    run.isLost = true
    const at = this.waiting.indexOf(run)
    if (at === -1) return void run.fiber?.interruptUnsafe()
    this.waiting.splice(at, 1)
    this.running.delete(run)
    this.release(run.conversation)
  }

  private release({ lane }: Conversation, slots = 1): void {
    this.freeSlots += slots
    lane.free += slots
  }

  /** So many questions were in vain. */
  private unask(conversation: Conversation, questions: number): void {
    this.release(conversation, questions)
    if (conversation.lane.isOwn) this.freeHandlers += questions
  }

  answered(conversation: Conversation, assignment: Assignment | undefined): void {
    if (assignment === undefined) {
      this.unask(conversation, 1)
    } else {
      const { functions } = conversation.lane
      const registration = assignment.problem === undefined ? functions.get(assignment.function) : undefined
      if (registration?.isTimed === true) {
        // The attempt before it took too long: what it still said would be taken for this one's.
        this.abandonAll((run) => run.conversation === conversation && run.assignment.handle === assignment.handle)
      }
      const run: Running = { assignment, conversation, registration, fiber: undefined, isLost: false }
      this.running.add(run)
      if (conversation.lane.isOwn) this.start(run)
      else this.waiting.push(run)
    }
    this.fill()
  }

  private start(run: Running): void {
    if (run.registration === undefined) this.onUnknown(run)
    else run.registration.start(run)
  }

  /** Starts what waits while a handler is free. One that ends at once makes room that this loop sees. */
  private begin(): void {
    if (this.isBeginning) return
    this.isBeginning = true
    while (this.freeHandlers > 0 && this.waiting.length > 0) {
      if (this.prefetch > 0 && this.isOwnTurn && this.ask("own")) {
        this.isOwnTurn = false
        continue
      }
      this.isOwnTurn = true
      this.freeHandlers--
      this.start(this.waiting.shift()!)
    }
    this.isBeginning = false
  }

  finished(run: Running): void {
    if (!this.running.delete(run)) return
    this.release(run.conversation)
    this.freeHandlers++
    this.fill()
  }

  /** Begins what waits, and asks for as many jobs as there are free slots, the servers in turn. */
  fill(): void {
    this.begin()
    while (this.ask("all")) continue
    for (const conversation of this.conversations) this.giveUpRefused(conversation)
    for (const [registration, told] of this.draining) this.withdraw(registration, told)
    for (const waiter of this.waiters) if (waiter.until()) waiter.wake()
  }

  /**
   * A server counts an attempt's time while it waits here: jobs with a time limit, taken
   * ahead, would run out of it before they begin, come back, and never begin.
   */
  private keptFree(): number {
    return this.timed.size > 0 ? this.prefetch : 0
  }

  /** Asks for one job, unless there is no room, or nobody to ask. */
  private ask(whom: "all" | "own"): boolean {
    if (this.isEnding || this.freeSlots <= this.keptFree()) return false
    const conversation = this.nextWilling(whom)
    if (conversation === undefined) return false
    this.freeSlots--
    conversation.lane.free--
    if (conversation.lane.isOwn) this.freeHandlers--
    conversation.grab()
    return true
  }

  private nextWilling(whom: "all" | "own"): Conversation | undefined {
    const { length } = this.conversations
    for (let step = 0; step < length; step++) {
      const index = (this.turns[whom] + step) % length
      const conversation = this.conversations[index]!
      const { lane } = conversation
      if (!conversation.wantsGrab || !lane.wantsJobs) continue
      if (lane.isOwn ? this.freeHandlers === 0 : whom === "own") continue
      this.turns[whom] = index + 1
      return conversation
    }
    return undefined
  }

  /** Calls back as soon as the condition holds. Returns how to stop waiting. */
  when(until: () => boolean, wake: () => void): () => void {
    if (until()) {
      wake()
      return () => {}
    }
    const waiter: Waiter = {
      until,
      wake: () => {
        this.waiters.delete(waiter)
        wake()
      }
    }
    this.waiters.add(waiter)
    return () => void this.waiters.delete(waiter)
  }

  register(registration: Registration): void {
    registration.lane.functions.set(registration.name, registration)
    if (registration.isTimed && !registration.lane.isOwn) this.timed.add(registration)
    for (const conversation of this.openConversations(registration.lane)) {
      conversation.say(registration.announcement)
      conversation.lookAgain()
    }
    this.fill()
  }

  /** No further job of any function. */
  end(): void {
    this.isEnding = true
  }

  /** No further job of this function, and none of the others of its lane until `unregister`. */
  drain(registration: Registration): void {
    this.draining.set(registration, new Set())
    registration.lane.draining++
    this.fill()
  }

  /**
   * Tells the servers that the function is no longer served, so that they wake others.
   * gearmand takes CANT_DO for a wish to give a running job back, so a server is told
   * only once nothing of the function runs or may come from there. One that we are about to
   * leave, so that it puts its jobs back, is told by that.
   */
  private withdraw(registration: Registration, told: Set<Conversation>): void {
    if (registration.lane.functions.get(registration.name) !== registration) return
    for (const conversation of this.openConversations(registration.lane)) {
      if (told.has(conversation) || conversation.isClosing || conversation.grabs > 0) continue
      if (this.runs(registration, conversation)) continue
      told.add(conversation)
      conversation.say(registration.withdrawal)
    }
  }

  /**
   * Rights and limits hold for a connection: where no function may be served, a new one may
   * find others. A refusal does not say of what, and a function may be refused more than once,
   * so nothing is given up that has a job, or may get one, or has not told all results.
   */
  private giveUpRefused(conversation: Conversation): void {
    const { grabs, isClosing, lane, refusals } = conversation
    if (refusals === 0 || refusals < lane.functions.size || isClosing || grabs > 0) return
    for (const run of this.running) if (run.conversation === conversation) return
    conversation.isClosing = true
    conversation.confirm(() => conversation.hangUp.openUnsafe())
  }

  private runs(registration: Registration, conversation?: Conversation): boolean {
    for (const run of this.running) {
      if (run.registration !== registration) continue
      if (conversation === undefined || run.conversation === conversation) return true
    }
    return false
  }

  /** No handler of the function runs. */
  isIdle(registration: Registration): boolean {
    return !this.runs(registration)
  }

  /** Nothing of a function that is being drained runs, and nothing of it can come any more. */
  isQuiet(registration: Registration): boolean {
    return this.isIdle(registration) && this.openConversations(registration.lane).every(({ grabs }) => grabs === 0)
  }

  /** The end of `drain`. */
  unregister(registration: Registration): void {
    const { lane, name } = registration
    const told = this.draining.get(registration)
    const conversations = this.openConversations(lane)
    if (this.draining.delete(registration)) lane.draining--
    this.timed.delete(registration)
    if (lane.functions.get(name) === registration) {
      lane.functions.delete(name)
      for (const conversation of conversations) {
        if (!told?.has(conversation) && !conversation.isClosing) conversation.say(registration.withdrawal)
      }
    }
    for (const conversation of conversations) conversation.lookAgain()
    this.fill()
  }

  /** What must be 0 when nothing is under way. */
  get size(): { readonly running: number; readonly reserved: number; readonly waiters: number } {
    const reserved = this.slots - this.freeSlots - this.running.size
    return { running: this.running.size, reserved, waiters: this.waiters.size }
  }
}
