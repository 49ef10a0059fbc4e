/**
 * What is so besides job servers, told by what clients, workers and strangers do and by the
 * packets at their side: who waits for what, which connections there are and what each side
 * of them owes, which handlers run, who stops. It decides nothing; properties watch it.
 *
 * @since 0.1.0
 */
import { type Asked, type Began, endsJob, type Event, type PacketEvent, type Side, sideOf } from "./History.ts"
import { type Hears, Hooks } from "./Hooks.ts"
import type { ServerModel } from "./ServerModel.ts"
import { Submissions, type Submitted } from "./Submissions.ts"

/**
 * What a caller waits for, and since when.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call extends Asked {
  readonly at: number
}

/**
 * A handler that runs or has run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Execution extends Began {
  readonly at: number
  how: "running" | "success" | "failure" | "interrupted"
  finishedAt: number
}

/**
 * A job that came to a worker, and when it did last.
 *
 * @since 0.1.0
 * @category models
 */
export interface Brought {
  readonly function: string
  readonly at: number
}

/**
 * A connection as those see it who have dialled.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly id: number
  readonly node: string
  readonly side: Side
  /** The job server that has accepted it. */
  server: string | undefined
  /** Since when the server has answered. */
  goodSince: number | undefined
  /** When something came last; when it was opened, until then. */
  heardAt: number
  closedAt: number | undefined
  /** What a client has submitted over it. */
  readonly jobs: Submissions
  /** A worker has said its own name. */
  isNamed: boolean
  /** What a worker can do, and whether within a time limit. */
  readonly abilities: Map<string, boolean>
  /** A worker's questions for jobs that have no answer. */
  asked: number
  isAsleep: boolean
  /** By handle, the jobs that have come to a worker, and those of them whose end it has not told. */
  readonly brought: Map<string, Brought>
  readonly held: Map<string, Brought>
}

type Told<T extends Event["_tag"]> = Extract<Event, { readonly _tag: T }>

/**
 * Told of what happens besides job servers, after the scene knows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SceneWatcher {
  readonly asked?: Hears<[scene: Scene, call: Call]>
  readonly hears?: Hears<[scene: Scene, call: Call, word: Told<"Heard">]>
  readonly mapped?: Hears<[scene: Scene, call: Call, word: Told<"Mapped">]>
  /** A caller does not wait any more. */
  readonly answered?: Hears<[scene: Scene, call: Call, end: Told<"Answered">]>
  /** It ended in failure, for that reason. */
  readonly failed?: Hears<[scene: Scene, call: Call, reason: string]>
  /** Something is told to a caller who does not wait. */
  readonly strayed?: Hears<[scene: Scene, word: Told<"Heard" | "Mapped" | "Answered">]>
  readonly began?: Hears<[scene: Scene, execution: Execution]>
  readonly finished?: Hears<[scene: Scene, execution: Execution]>
  readonly dialled?: Hears<[scene: Scene, node: string, server: string]>
  readonly opened?: Hears<[scene: Scene, connection: Connection]>
  readonly lost?: Hears<[scene: Scene, connection: Connection]>
  readonly said?: Hears<[scene: Scene, connection: Connection, packet: PacketEvent]>
  /** Before the scene knows it: what the packet answers is still there. */
  readonly heard?: Hears<[scene: Scene, connection: Connection, packet: PacketEvent]>
  /** Somebody said SUBMIT_JOB. */
  readonly submitted?: Hears<[scene: Scene, job: Submitted]>
  readonly started?: Hears<[scene: Scene, node: string]>
  readonly stops?: Hears<[scene: Scene, node: string]>
  readonly ended?: Hears<[scene: Scene, node: string, how: string]>
}

/**
 * A watcher may care for machines of one kind only.
 *
 * @since 0.1.0
 * @category models
 */
export interface SceneWatcherOf extends SceneWatcher {
  readonly of?: "clients" | "workers" | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export class Scene {
  /** When the last of it happened. */
  now = 0
  readonly servers = new Map<string, ServerModel>()
  /** Callers who wait, the first one first. */
  readonly calls = new Map<number, Call>()
  answered = 0
  succeeded = 0
  readonly connections = new Map<number, Connection>()
  readonly executions = new Map<number, Execution>()
  readonly running = new Set<Execution>()
  /** Programs that were told to stop, and when. */
  readonly stopping = new Map<string, number>()
  private readonly acceptedBy = new Map<number, string>()
  private readonly hooks: { readonly [S in Side]: Hooks<SceneWatcher> }

  constructor(watchers: ReadonlyArray<SceneWatcherOf>) {
    const hooksOf = (side?: Side) => new Hooks<SceneWatcher>(watchers.filter(({ of = side }) => of === side))
    const others = hooksOf()
    this.hooks = { servers: others, clients: hooksOf("clients"), workers: hooksOf("workers"), strangers: others }
  }

  /** Those of a machine. */
  connectionsOf(node: string): ReadonlyArray<Connection> {
    return [...this.connections.values()].filter((connection) => connection.node === node)
  }

  callsOf(node: string): ReadonlyArray<Call> {
    return [...this.calls.values()].filter((call) => call.node === node)
  }

  show(event: Event, at: number): void {
    this.now = at
    switch (event._tag) {
      case "Packet":
        return event.atServer ? undefined : this.packet(event)
      case "Asked": {
        const call = { ...event, at }
        this.calls.set(event.caller, call)
        return this.hooks[sideOf(event.node)].tell("asked", this, call)
      }
      case "Heard":
      case "Mapped":
      case "Answered":
        return this.word(event)
      case "Began": {
        const execution: Execution = { ...event, at, how: "running", finishedAt: Infinity }
        this.executions.set(event.execution, execution)
        this.running.add(execution)
        return this.hooks[sideOf(event.node)].tell("began", this, execution)
      }
      case "Finished":
        return this.finish(event)
      case "Dialled":
        return this.hooks[sideOf(event.node)].tell("dialled", this, event.node, event.to.split(":")[0]!)
      case "Opened":
      case "Closed":
        return event.atServer ? this.accepted(event) : this.dialler(event)
      case "Stopping":
        if (!this.stopping.has(event.node)) this.stopping.set(event.node, at)
        return this.hooks[sideOf(event.node)].tell("stops", this, event.node)
      case "Started":
        this.stopping.delete(event.node)
        this.forget(event.node)
        return this.hooks[sideOf(event.node)].tell("started", this, event.node)
      case "Ended":
        // Callers of a program that is no more wait for nothing.
        this.forget(event.node)
        return this.hooks[sideOf(event.node)].tell("ended", this, event.node, event.how)
    }
  }

  private forget(node: string): void {
    for (const { caller } of this.callsOf(node)) this.calls.delete(caller)
    for (const { id } of this.connectionsOf(node)) this.connections.delete(id)
    for (const execution of this.running) if (execution.node === node) this.running.delete(execution)
  }

  private word(event: Told<"Heard" | "Mapped" | "Answered">): void {
    const hooks = this.hooks[sideOf(event.node)]
    const call = this.calls.get(event.caller)
    if (call === undefined) return hooks.tell("strayed", this, event)
    if (event._tag === "Heard") return hooks.tell("hears", this, call, event)
    if (event._tag === "Mapped") return hooks.tell("mapped", this, call, event)
    this.calls.delete(event.caller)
    this.answered++
    if (event.how === "success") this.succeeded++
    hooks.tell("answered", this, call, event)
    if (event.how === "failure") hooks.tell("failed", this, call, event.text)
  }

  private finish({ execution: number, how }: Told<"Finished">): void {
    const execution = this.executions.get(number)
    if (execution === undefined) return
    execution.how = how
    execution.finishedAt = this.now
    this.running.delete(execution)
    this.hooks[sideOf(execution.node)].tell("finished", this, execution)
  }

  private accepted({ _tag, connection, node }: Told<"Opened" | "Closed">): void {
    if (_tag === "Closed") return
    this.acceptedBy.set(connection, node)
    const known = this.connections.get(connection)
    if (known !== undefined) known.server = node
  }

  private dialler({ _tag, connection: id, node }: Told<"Opened" | "Closed">): void {
    if (_tag === "Opened") return this.hooks[sideOf(node)].tell("opened", this, this.connection(id, node))
    const connection = this.connections.get(id)
    if (connection === undefined) return
    connection.closedAt = this.now
    this.connections.delete(id)
    this.hooks[sideOf(node)].tell("lost", this, connection)
  }

  private connection(id: number, node: string): Connection {
    const known = this.connections.get(id)
    if (known !== undefined) return known
    const connection: Connection = {
      ...{ id, node, side: sideOf(node), server: this.acceptedBy.get(id), goodSince: undefined },
      ...{ heardAt: this.now, closedAt: undefined },
      ...{ jobs: new Submissions(), isNamed: false, abilities: new Map(), asked: 0, isAsleep: false },
      ...{ brought: new Map(), held: new Map() }
    }
    this.connections.set(id, connection)
    return connection
  }

  private packet(packet: PacketEvent): void {
    const connection = this.connection(packet.connection, packet.node)
    const hooks = this.hooks[connection.side]
    if (packet.got) {
      connection.goodSince ??= this.now
      connection.heardAt = this.now
      hooks.tell("heard", this, connection, packet)
      return this.hear(connection, packet)
    }
    this.say(connection, packet)
    if (packet.name.startsWith("SUBMIT_"))
      hooks.tell("submitted", this, connection.jobs.submit(connection, packet, this.now))
    hooks.tell("said", this, connection, packet)
  }

  private hear(connection: Connection, packet: PacketEvent): void {
    const { fields, name } = packet
    const isJob = name.startsWith("JOB_ASSIGN")
    if (name === "NOOP") connection.isAsleep = false
    else if (name === "NO_JOB" || isJob) connection.asked--
    else connection.jobs.hear(packet)
    if (!isJob) return
    const [handle = "", fn = ""] = fields
    const job = { function: fn, at: this.now }
    connection.brought.set(handle, job)
    connection.held.set(handle, job)
  }

  private say(connection: Connection, { fields: [first = ""], name }: PacketEvent): void {
    if (name === "SET_CLIENT_ID") connection.isNamed = first === connection.node
    else if (name === "CAN_DO" || name === "CAN_DO_TIMEOUT") connection.abilities.set(first, name !== "CAN_DO")
    else if (name === "CANT_DO") connection.abilities.delete(first)
    else if (name === "PRE_SLEEP") connection.isAsleep = true
    else if (endsJob.has(name)) connection.held.delete(first)
    else if (name.startsWith("GRAB_JOB")) {
      connection.isAsleep = false
      connection.asked++
    }
  }
}
