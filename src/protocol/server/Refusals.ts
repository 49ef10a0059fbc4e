/**
 * What was refused, and why: counted by reason and by function, and told to whoever keeps a
 * log. The server itself decides nothing by it.
 *
 * @since 0.1.0
 */
import type { Action } from "./Access.ts"
import type { Session } from "./Session.ts"

/**
 * Why something was refused: a right that the connection lacks, a listener or command that
 * is closed, or the option whose limit was reached.
 *
 * @since 0.1.0
 * @category models
 */
export type Reason =
  | Action
  | "textProtocol"
  | "cancel"
  | "shutdown"
  | "draining"
  | "malformed"
  | "maxConnections"
  | "maxJobs"
  | "maxJobsPerFunction"
  | "maxWorkloadBytes"
  | "maxFunctions"
  | "maxFunctionsPerConnection"
  | "maxFunctionBytes"
  | "maxUniqueBytes"
  | "maxPacketBytes"
  | "maxLineBytes"
  | "maxOutputBytes"
  | "idleTimeout"

/**
 * Told of each refusal, synchronously; `key` is the function it is about, if it is about one.
 * Must not throw.
 *
 * @since 0.1.0
 * @category models
 */
export type RefusalObserver = (session: Session | undefined, reason: Reason, key: string | undefined) => void

// Names that were refused are free to invent: what is kept of them is bounded.
const maxFunctions = 1_000

/**
 * Counts of refusals since the start.
 *
 * @since 0.1.0
 * @category models
 */
export class Refusals {
  readonly byReason = new Map<Reason, number>()
  /** Of the first thousand functions that something was refused for. */
  readonly byFunction = new Map<string, Map<Reason, number>>()
  observer: RefusalObserver | undefined = undefined

  add(session: Session | undefined, reason: Reason, key?: string): void {
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1)
    if (key !== undefined) this.addTo(key, reason)
    this.observer?.(session, reason, key)
  }

  private addTo(key: string, reason: Reason): void {
    let counts = this.byFunction.get(key)
    if (counts === undefined) {
      if (this.byFunction.size >= maxFunctions) return
      counts = new Map()
      this.byFunction.set(key, counts)
    }
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
}
