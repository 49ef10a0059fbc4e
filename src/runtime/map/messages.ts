/**
 * What passes between the worker, a slot's guard process and the guard's thread.
 *
 * @since 0.1.0
 */
import type { EvaluationKind, RemoteError } from "../../protocol/map/MapEvaluator.ts"
import type { Shipment } from "../../protocol/map/Shipment.ts"

/** Worker to guard, guard to thread: run this item. One at a time. */
export interface Task {
  readonly shipment: Shipment
  readonly worker: string
  readonly timeLimitMillis: number
}

/** Why there is no value. */
export interface Failure {
  readonly kind: typeof EvaluationKind.Type
  readonly error: typeof RemoteError.Type
  readonly position: number
}

/** Guard to worker: the item's end. */
export type Ending = { readonly value: Uint8Array } | { readonly failure: Failure }

/** Guard to worker: the first thread is ready, or the item's end. */
export type GuardMessage = "ready" | Ending

/** The guard ends with this when a thread cannot start, and its standard error says why. */
export const cannotStartExitCode = 70

/** Thread to guard. `leftover` tells that something the function started still goes on. */
export type ThreadMessage = "ready" | { readonly ending: Ending; readonly leftover: boolean }

/** Worker to guard, in its environment: how much memory an item may use, in MiB. */
export const memoryLimitVariable = "EFFECT_GEARMAN_MAP_MEMORY_MIB"
