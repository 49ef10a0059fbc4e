/**
 * What happened in a run, as anyone could have observed it: packets at the places where
 * programs touch their bytes, connections, programs starting and ending, callers asking
 * and being answered, handlers running. Properties judge these events and nothing else.
 *
 * @since 0.1.0
 */
import type * as Packet from "../../protocol/Packet.ts"

/**
 * A packet crossed a server's side, or its peer's side, of a connection. Fields hold one
 * character per byte.
 *
 * @since 0.1.0
 * @category models
 */
export interface PacketEvent {
  readonly _tag: "Packet"
  readonly node: string
  readonly connection: number
  /** True at the job server's side. */
  readonly atServer: boolean
  /** True when the node got it, false when it gave it. */
  readonly got: boolean
  readonly name: Packet.Name
  readonly fields: ReadonlyArray<string>
}

/**
 * A line of the text protocol did; its text is the only field.
 *
 * @since 0.1.0
 * @category models
 */
export interface LineEvent extends Omit<PacketEvent, "_tag" | "name"> {
  readonly _tag: "Line"
  readonly name: "TEXT"
}

/**
 * @since 0.1.0
 * @category models
 */
export type Event =
  | PacketEvent
  | LineEvent
  | {
      readonly _tag: "Opened" | "Closed"
      readonly node: string
      readonly connection: number
      readonly atServer: boolean
    }
  /** A connection ended while a packet had come only in part. */
  | { readonly _tag: "Cut"; readonly node: string; readonly connection: number }
  | { readonly _tag: "Malformed"; readonly node: string; readonly connection: number; readonly problem: string }
  /** So much waits to be sent to a connection; told only when it is much. */
  | { readonly _tag: "Waiting"; readonly node: string; readonly connection: number; readonly bytes: number }
  | { readonly _tag: "Dialled"; readonly node: string; readonly to: string }
  | { readonly _tag: "Started" | "Stopping"; readonly node: string }
  | { readonly _tag: "Ended"; readonly node: string; readonly how: string }
  | { readonly _tag: "Draining"; readonly node: string }
  | { readonly _tag: "Fault"; readonly text: string; readonly begins: boolean }
  | {
      readonly _tag: "Asked"
      readonly node: string
      /** Counts all callers of the world. */
      readonly caller: number
      readonly function: string
      readonly unique: string
      readonly workload: string
      readonly kind: "run" | "background" | "later" | "map" | "status" | "echo"
      readonly priority: "high" | "normal" | "low"
      readonly idempotent: boolean
      /** Somebody may interrupt it. */
      readonly interrupts: boolean
      /** In the moment of such a packet. */
      readonly interruptOn?: Packet.Name | undefined
      /** Its own time limit. */
      readonly limitMillis?: number | undefined
      /** After so long it is asked of a second server. */
      readonly hedgeMillis?: number | undefined
      /** Only of maps. With an order it is a stream. */
      readonly map?:
        | {
            readonly window: number
            readonly collects: boolean
            readonly order: "input" | "completion" | undefined
            readonly isReadSlowly: boolean
          }
        | undefined
    }
  /** What a map's caller gets before the end: how many items are done, failed, and there; or a stream's next result. */
  | {
      readonly _tag: "Mapped"
      readonly node: string
      readonly caller: number
      readonly kind: "progress" | "result"
      readonly text: string
    }
  /** What a caller was told before the end. */
  | {
      readonly _tag: "Heard"
      readonly node: string
      readonly caller: number
      readonly kind: "data" | "warning" | "progress" | "status"
      /** Of a status: the handle, and what is told of it. */
      readonly text: string
    }
  | {
      readonly _tag: "Answered"
      readonly node: string
      readonly caller: number
      readonly how: "success" | "failure" | "interrupted"
      /** The result, or the reason's name. */
      readonly text: string
    }
  | {
      readonly _tag: "Began"
      readonly node: string
      /** Counts all executions of the world. */
      readonly execution: number
      readonly server: string
      readonly handle: string
      readonly function: string
      readonly workload: string
    }
  | {
      readonly _tag: "Finished"
      readonly node: string
      readonly execution: number
      readonly how: "success" | "failure" | "interrupted"
    }

/**
 * A caller asks for something.
 *
 * @since 0.1.0
 * @category models
 */
export type Asked = Extract<Event, { readonly _tag: "Asked" }>

/**
 * A handler begins.
 *
 * @since 0.1.0
 * @category models
 */
export type Began = Extract<Event, { readonly _tag: "Began" }>

/**
 * The packets that end a job.
 *
 * @since 0.1.0
 * @category constants
 */
export const endsJob: ReadonlySet<string> = new Set(["WORK_COMPLETE", "WORK_FAIL", "WORK_EXCEPTION"])

/**
 * Tells whether a client hears of the end of what it submits by this packet.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isAwaited = (name: string): boolean => !name.endsWith("_BG") && !name.endsWith("_EPOCH")

/**
 * The kinds of callers who submit one job.
 *
 * @since 0.1.0
 * @category constants
 */
export const submits: ReadonlySet<string> = new Set(["run", "background", "later"])

/**
 * Which kind of machine something happened to.
 *
 * @since 0.1.0
 * @category models
 */
export type Side = "servers" | "clients" | "workers" | "strangers"

const sides: { readonly [kind: string]: Side } = { server: "servers", client: "clients", worker: "workers" }

/**
 * @since 0.1.0
 * @category getters
 */
export const sideOf = (node: string): Side => sides[node.slice(0, 6)] ?? "strangers"

/**
 * An event with the time it happened, in milliseconds since the world began.
 *
 * @since 0.1.0
 * @category models
 */
export interface Moment {
  readonly at: number
  readonly event: Event
}
