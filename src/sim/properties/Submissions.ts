/**
 * What a client has submitted over a connection, and has not heard the end of.
 *
 * @since 0.1.0
 */
import { endsJob, isAwaited, type PacketEvent } from "./History.ts"
import type { Connection } from "./Scene.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Submitted {
  readonly node: string
  readonly connection: Connection
  readonly at: number
  readonly packet: PacketEvent["name"]
  readonly function: string
  readonly unique: string
  readonly workload: string
  /** The second of SUBMIT_JOB_EPOCH. */
  readonly epoch: number
}

/**
 * @since 0.1.0
 * @category models
 */
export class Submissions {
  /** Not answered yet, the oldest first. */
  private readonly sent: Array<Submitted> = []
  /** Of those that have an end, by handle. */
  private readonly held = new Map<string, ReadonlyArray<Submitted>>()

  submit(connection: Connection, { fields, name, node }: PacketEvent, at: number): Submitted {
    const [fn = "", unique = "", second = ""] = fields
    const epoch = name === "SUBMIT_JOB_EPOCH" ? Number(second) : 0
    const one = { node, connection, at, packet: name, function: fn, unique, workload: fields.at(-1) ?? "", epoch }
    this.sent.push(one)
    return one
  }

  /** A packet has come from the server. */
  hear({ fields: [handle = ""], name }: PacketEvent): void {
    if (name === "JOB_CREATED" || name === "ERROR") {
      const one = this.sent.shift()
      if (one === undefined || name === "ERROR" || !isAwaited(one.packet)) return
      this.held.set(handle, [...(this.held.get(handle) ?? []), one])
    } else if (endsJob.has(name)) this.held.delete(handle)
  }

  /** The one that the next answer is for. */
  get oldest(): Submitted | undefined {
    return this.sent[0]
  }

  /** Those that the server has given a handle. */
  accepted(): ReadonlyArray<Submitted> {
    return [...this.held.values()].flat()
  }

  /** Those that are under way. */
  all(): ReadonlyArray<Submitted> {
    return [...this.sent, ...this.accepted()]
  }
}
