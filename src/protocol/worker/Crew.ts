/**
 * The worker as a whole, as a synchronous machine: its slots, shared fairly over all
 * servers, its functions, and what runs. A question to a server reserves a slot until it
 * is answered, so that there are never more jobs than slots.
 */
import type * as Fiber from "effect/Fiber"
import type { Assignment, Conversation } from "./Conversation.ts"

/** A function that is served. */
export interface Registration {
  /** One character per byte. */
  readonly name: string
  /** CAN_DO or CAN_DO_TIMEOUT. */
  readonly announcement: Uint8Array
  /** CANT_DO. */
  readonly withdrawal: Uint8Array
  /** Starts a job; `Crew.finished` is called when it has ended, however it ends. */
  readonly start: (run: Running) => void
}

/** A job that is being run. */
export interface Running {
  readonly assignment: Assignment
  readonly conversation: Conversation
  /** Undefined when no handler serves the function. */
  readonly registration: Registration | undefined
  fiber: Fiber.Fiber<void> | undefined
  /** Its connection is lost, or it is handed back: nothing that it says matters any more. */
  isLost: boolean
}

interface Waiter {
  readonly until: () => boolean
  readonly wake: () => void
}

export class Crew {
  readonly functions = new Map<string, Registration>()
  readonly running = new Set<Running>()
  private readonly conversations: Array<Conversation> = []
  private readonly concurrency: number
  private freeSlots: number
  private turn = 0
  /**
   * Functions that come to their end, with the servers that were told. While there are
   * any, no jobs are asked for: each could be theirs.
   */
  private readonly draining = new Map<Registration, Set<Conversation>>()
  private isEnding = false
  private readonly onUnknown: (run: Running) => void
  private readonly waiters = new Set<Waiter>()

  constructor(concurrency: number, onUnknown: (run: Running) => void) {
    this.concurrency = concurrency
    this.freeSlots = concurrency
    this.onUnknown = onUnknown
  }

  get openConversations(): ReadonlyArray<Conversation> {
    return this.conversations
  }

  joined(conversation: Conversation): void {
    conversation.isOpen = true
    this.conversations.push(conversation)
    for (const registration of this.functions.values()) {
      if (!this.draining.has(registration)) conversation.say(registration.announcement)
    }
    this.fill()
  }

  left(conversation: Conversation): void {
    const index = this.conversations.indexOf(conversation)
    if (index !== -1) this.conversations.splice(index, 1)
    conversation.close()
    this.freeSlots += conversation.grabs
    conversation.grabs = 0
    for (const run of this.running) if (run.conversation === conversation) this.abandon(run)
    this.fill()
  }

  /** Stops a handler whose result has nowhere to go. Its slot is free once it has stopped. */
  abandon(run: Running): void {
    run.isLost = true
    run.fiber?.interruptUnsafe()
  }

  answered(conversation: Conversation, assignment: Assignment | undefined): void {
    if (assignment === undefined) {
      this.freeSlots++
    } else {
      const registration = this.functions.get(assignment.function)
      const run: Running = { assignment, conversation, registration, fiber: undefined, isLost: false }
      this.running.add(run)
      if (registration === undefined) this.onUnknown(run)
      else registration.start(run)
    }
    this.fill()
  }

  finished(run: Running): void {
    if (!this.running.delete(run)) return
    this.freeSlots++
    this.fill()
  }

  /** Asks for as many jobs as there are free slots, the servers in turn. */
  fill(): void {
    while (this.freeSlots > 0 && !this.isPaused && this.functions.size > 0) {
      const conversation = this.nextWilling()
      if (conversation === undefined) break
      this.freeSlots--
      conversation.grab()
    }
    for (const [registration, told] of this.draining) this.withdraw(registration, told)
    for (const waiter of this.waiters) if (waiter.until()) waiter.wake()
  }

  private nextWilling(): Conversation | undefined {
    const { length } = this.conversations
    for (let step = 0; step < length; step++) {
      const index = (this.turn + step) % length
      if (!this.conversations[index]!.wantsGrab) continue
      this.turn = index + 1
      return this.conversations[index]
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
    this.functions.set(registration.name, registration)
    for (const conversation of this.conversations) {
      conversation.say(registration.announcement)
      conversation.lookAgain()
    }
    this.fill()
  }

  private get isPaused(): boolean {
    return this.isEnding || this.draining.size > 0
  }

  /** No further job of any function. */
  end(): void {
    this.isEnding = true
  }

  /** No further job of this function, and none of the others until `unregister`. */
  drain(registration: Registration): void {
    this.draining.set(registration, new Set())
    this.fill()
  }

  /**
   * Tells the servers that the function is no longer served, so that they wake others.
   * gearmand takes CANT_DO for a wish to give a running job back, so a server is told
   * only once nothing of the function runs or may come from there.
   */
  private withdraw(registration: Registration, told: Set<Conversation>): void {
    if (this.functions.get(registration.name) !== registration) return
    for (const conversation of this.conversations) {
      if (told.has(conversation) || conversation.grabs > 0 || this.runs(registration, conversation)) continue
      told.add(conversation)
      conversation.say(registration.withdrawal)
    }
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
    return this.isIdle(registration) && this.conversations.every(({ grabs }) => grabs === 0)
  }

  /** The end of `drain`. */
  unregister(registration: Registration): void {
    const told = this.draining.get(registration)
    this.draining.delete(registration)
    if (this.functions.get(registration.name) === registration) {
      this.functions.delete(registration.name)
      for (const conversation of this.conversations) {
        if (!told?.has(conversation) && !conversation.isClosing) conversation.say(registration.withdrawal)
      }
    }
    for (const conversation of this.conversations) conversation.lookAgain()
    this.fill()
  }

  /** What must be 0 when nothing is under way. */
  get size(): { readonly running: number; readonly reserved: number; readonly waiters: number } {
    const reserved = this.concurrency - this.freeSlots - this.running.size
    return { running: this.running.size, reserved, waiters: this.waiters.size }
  }
}
