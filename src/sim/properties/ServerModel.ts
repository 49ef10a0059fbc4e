/**
 * What a job server must be thinking, told from its packets alone: which connection can
 * do what and sleeps, which jobs there are, who waits for them and who works on them.
 * It decides nothing; properties watch it and judge what the real server did.
 *
 * One model lives as long as one incarnation of a server.
 *
 * @since 0.1.0
 */
import { Commands } from "./Commands.ts"
import { endsJob, type LineEvent, type PacketEvent } from "./History.ts"
import type { Hears, Hooks } from "./Hooks.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Submission {
  readonly connection: ModelConnection
  readonly function: string
  readonly unique: string
  readonly workload: string
  readonly priority: number
  readonly background: boolean
  /** Not before this wall time, in seconds; 0 at once. */
  readonly epoch: number
  /** The job that lives under the same function and unique, as things were when it came. */
  readonly matches: ModelJob | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export class ModelJob {
  readonly handle: string
  readonly key: string | undefined
  readonly function: string
  readonly unique: string
  readonly workload: string
  readonly epoch: number
  priority: number
  /** Somebody submitted it in the background. */
  background: boolean
  state: "queued" | "running" | "finished" | "dropped" = "queued"
  owner: ModelConnection | undefined
  /** Connections that had it and ran out of time: they may still bring its result. */
  readonly heldBefore = new Set<ModelConnection>()
  /** One entry for each attachment. */
  listeners: Array<ModelConnection> = []
  attempts = 0
  /** Place in its queue: the greater, the later it came to the tail. Of one that was put back the last that it may have. */
  place: number
  /** The first that it may have: it is put back some time after it was handed out. */
  firstPlace: number
  /** When it was assigned last, in milliseconds. */
  assignedAt = 0
  /** The longest that its present attempt may take, in milliseconds; 0 is for ever. */
  timeLimit = 0
  /** Its worker gave up about when its time was over: it waits again, or has ended. */
  doubtful = false
  /** It was asked for with a higher priority while it ran. */
  raisedWhileRunning = false
  /** An operator has ended it for its listeners; its worker was not told. */
  cancelled = false

  constructor(handle: string, key: string | undefined, submission: Submission, place: number) {
    this.handle = handle
    this.key = key
    this.function = submission.function
    this.unique = submission.unique
    this.workload = submission.workload
    this.epoch = submission.epoch
    this.priority = submission.priority
    this.background = submission.background
    this.place = place
    this.firstPlace = place
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export class ModelConnection {
  readonly id: number
  readonly abilities = new Map<string, number>()
  /** Functions it has announced while a request of it waited for the reply. */
  readonly learned = new Set<string>()
  open = true
  asleep = false
  /** Got a NOOP since it last asked for a job or fell asleep. */
  woken = false
  /** When it got its last NOOP, in milliseconds. */
  wokenAt = 0
  /** NOOPs it may get: one for each PRE_SLEEP, and those of earlier steps count as one. */
  noops = 0
  exceptions = false
  clientId = "-"
  readonly commands = new Commands()
  /** Requests that await their reply, oldest first. */
  readonly awaiting: Array<PacketEvent | Submission> = []

  constructor(id: number) {
    this.id = id
  }
}

/**
 * Told of what a server does, after the model knows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerWatcher {
  readonly created?: Hears<[server: ServerModel, submission: Submission, job: ModelJob, isNew: boolean]>
  /** JOB_CREATED names a handle that lives, but for another function or unique. */
  readonly confused?: Hears<[server: ServerModel, submission: Submission, job: ModelJob]>
  /** `request` is the GRAB_JOB that `packet` answers. */
  readonly assigned?: Hears<
    [server: ServerModel, connection: ModelConnection, job: ModelJob, packet: PacketEvent, request: PacketEvent]
  >
  readonly noJob?: Hears<[server: ServerModel, connection: ModelConnection]>
  /** A worker's WORK_ packet reached the server; `job` is undefined unless it lives there. */
  readonly worked?: Hears<
    [server: ServerModel, connection: ModelConnection, job: ModelJob | undefined, packet: PacketEvent]
  >
  /** The server gave a WORK_ packet to a client. */
  readonly forwarded?: Hears<
    [server: ServerModel, connection: ModelConnection, job: ModelJob | undefined, packet: PacketEvent]
  >
  readonly noop?: Hears<[server: ServerModel, connection: ModelConnection]>
  readonly slept?: Hears<[server: ServerModel, connection: ModelConnection]>
  /** The server answered a question about its jobs, or something else that was asked. */
  readonly told?: Hears<[server: ServerModel, packet: PacketEvent]>
  /** A submission was refused, for the reason of this code. */
  readonly refused?: Hears<[server: ServerModel, submission: Submission, code: string]>
  /** A text command is answered, and not yet obeyed. */
  readonly commanded?: Hears<[server: ServerModel, words: ReadonlyArray<string>, answer: ReadonlyArray<string>]>
  /** An operator cancels a job, whose listeners are about to hear of it. */
  readonly cancelled?: Hears<[server: ServerModel, job: ModelJob]>
  /** A connection can do a function no more, or nothing any more. */
  readonly lostAbility?: Hears<[connection: ModelConnection, fn: string | undefined]>
  /** A reply came that no request explains. */
  readonly unasked?: Hears<[server: ServerModel, connection: ModelConnection, packet: PacketEvent]>
  /** A connection that waited for a job is gone. */
  readonly left?: Hears<[server: ServerModel, connection: ModelConnection, job: ModelJob]>
  readonly closed?: Hears<[server: ServerModel, connection: ModelConnection]>
}

const submissions: { readonly [name: string]: readonly [priority: number, background: boolean] } = {
  SUBMIT_JOB: [1, false],
  SUBMIT_JOB_BG: [1, true],
  SUBMIT_JOB_HIGH: [0, false],
  SUBMIT_JOB_HIGH_BG: [0, true],
  SUBMIT_JOB_LOW: [2, false],
  SUBMIT_JOB_LOW_BG: [2, true],
  SUBMIT_JOB_EPOCH: [1, true]
}

const isSubmission = (request: PacketEvent | Submission): request is Submission => !("_tag" in request)

/**
 * An ERROR that answers a WORK_ packet, which has no reply otherwise.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isWorkError = (packet: PacketEvent): boolean =>
  packet.name === "ERROR" && packet.fields[0] === "JOB_NOT_FOUND"

const asked = new Set(["GET_STATUS", "GET_STATUS_UNIQUE", "ECHO_REQ", "OPTION_REQ"])
const replies = new Set(["STATUS_RES", "STATUS_RES_UNIQUE", "ECHO_RES", "OPTION_RES", "ERROR"])

/**
 * The key under which equal submissions merge, or undefined when nothing merges with it.
 *
 * @since 0.1.0
 * @category getters
 */
export const mergeKey = (fn: string, unique: string, workload: string): string | undefined => {
  if (unique === "" || (unique === "-" && workload === "")) return undefined
  return unique === "-" ? `${fn}\0-\0${workload}` : `${fn}\0=\0${unique}`
}

/**
 * @since 0.1.0
 * @category models
 */
export class ServerModel {
  readonly node: string
  readonly jobs = new Map<string, ModelJob>()
  /** Those that others may join, by key. */
  readonly live = new Map<string, ModelJob>()
  /** Those of `jobs` that are not over. */
  readonly unfinished = new Set<ModelJob>()
  readonly connections = new Map<number, ModelConnection>()
  /** The functions it has heard of, each with the most jobs that an operator lets it have, by priority; 0 is no limit. */
  readonly functions = new Map<string, ReadonlyArray<number> | undefined>()
  private readonly hooks: Hooks<ServerWatcher>
  private places = 0

  readonly now: () => number
  /** How many attempts its jobs get. */
  readonly attemptsMax: number

  constructor(node: string, hooks: Hooks<ServerWatcher>, now: () => number, attemptsMax: number) {
    this.node = node
    this.attemptsMax = attemptsMax
    this.now = now
    this.hooks = hooks
  }

  connection(id: number): ModelConnection {
    const known = this.connections.get(id)
    if (known !== undefined) return known
    const connection = new ModelConnection(id)
    this.connections.set(id, connection)
    return connection
  }

  /** A live job under this key. */
  match(key: string | undefined): ModelJob | undefined {
    return key === undefined ? undefined : this.live.get(key)
  }

  closed(id: number): void {
    const connection = this.connection(id)
    connection.open = false
    connection.asleep = false
    // Its jobs stay its own until the server shows that it has noticed.
    for (const job of this.unfinished) {
      if (!job.listeners.includes(connection)) continue
      this.hooks.tell("left", this, connection, job)
      job.listeners = job.listeners.filter((listener) => listener !== connection)
    }
    this.hooks.tell("closed", this, connection)
  }

  /** The server has noticed by now who is gone: it says nothing of them any more, and their jobs wait again. */
  noticed(): void {
    for (const { id, open } of this.connections.values()) if (!open) this.connections.delete(id)
    for (const job of this.unfinished) {
      if (job.state !== "running" || job.owner?.open !== false || this.mayBeGone(job)) continue
      job.state = "queued"
      job.owner = undefined
      job.place = ++this.places
    }
  }

  got(packet: PacketEvent): void {
    const connection = this.connection(packet.connection)
    const [first = "", second = "", third = ""] = packet.fields
    const kind = submissions[packet.name]
    if (kind !== undefined) {
      const isEpoch = packet.name === "SUBMIT_JOB_EPOCH"
      const workload = isEpoch ? packet.fields[3]! : third
      connection.awaiting.push({
        connection,
        function: first,
        unique: second,
        workload,
        priority: kind[0],
        background: kind[1],
        epoch: isEpoch ? Number(third) : 0,
        matches: this.match(mergeKey(first, second, workload))
      })
      this.hearOf(first)
    } else if (asked.has(packet.name)) connection.awaiting.push(packet)
    else if (packet.name.startsWith("GRAB_JOB")) {
      connection.asleep = false
      connection.woken = false
      connection.noops = 0
      connection.awaiting.push(packet)
    } else if (packet.name === "CAN_DO" || packet.name === "CAN_DO_TIMEOUT") {
      if (connection.awaiting.length > 0) connection.learned.add(first)
      connection.abilities.set(first, Number(second))
      this.hearOf(first)
    } else if (packet.name === "CANT_DO") {
      connection.abilities.delete(first)
      this.hooks.tell("lostAbility", connection, first)
    } else if (packet.name === "RESET_ABILITIES") {
      connection.abilities.clear()
      this.hooks.tell("lostAbility", connection, undefined)
    } else if (packet.name === "PRE_SLEEP") {
      connection.asleep = true
      connection.woken = false
      connection.noops++
      this.hooks.tell("slept", this, connection)
    } else if (packet.name === "SET_CLIENT_ID") connection.clientId = first
    else if (packet.name.startsWith("WORK_")) this.work(connection, packet)
  }

  /** A line of the text protocol, from or to a connection. */
  line({ connection: id, fields, got }: LineEvent): void {
    const { commands } = this.connection(id)
    const [text = ""] = fields
    if (got) return commands.ask(text)
    const told = commands.tell(text)
    if (told === undefined) return
    const [words, answer] = told
    this.hooks.tell("commanded", this, words, answer)
    if (answer[0] === "OK") this.obey(words)
  }

  private obey([command = "", first = "", second = "", ...rest]: ReadonlyArray<string>): void {
    switch (command.toLowerCase()) {
      case "create":
        return this.hearOf(second)
      case "drop":
        for (const name of this.functions.keys()) {
          if (name.toLowerCase() === second.toLowerCase()) this.functions.delete(name)
        }
        return
      case "maxqueue": {
        const [high = 0, normal, low] = [second, ...rest].map((word) => Math.max(0, Number(word) || 0))
        if (!this.functions.has(first)) return
        return void this.functions.set(first, normal === undefined ? [high, high, high] : [high, normal, low ?? 0])
      }
      case "cancel":
        return this.cancel(this.jobs.get(second))
    }
  }

  private hearOf(fn: string): void {
    if (!this.functions.has(fn)) this.functions.set(fn, undefined)
  }

  private cancel(job: ModelJob | undefined): void {
    if (job === undefined || !isLive(job)) return
    this.hooks.tell("cancelled", this, job)
    job.cancelled = true
    job.listeners = []
    if (job.state === "queued" && !job.doubtful) return this.over(job, "dropped")
    if (job.key !== undefined && this.live.get(job.key) === job) this.live.delete(job.key)
  }

  gave(packet: PacketEvent): void {
    const connection = this.connection(packet.connection)
    if (packet.name === "NOOP") {
      this.hooks.tell("noop", this, connection)
      connection.woken = true
      connection.wokenAt = this.now()
      connection.noops--
    } else if (packet.name.startsWith("WORK_")) {
      const job = this.jobs.get(packet.fields[0]!)
      this.hooks.tell("forwarded", this, connection, job, packet)
      this.forwardedTerminal(job, packet)
    } else this.reply(connection, packet)
  }

  private work(connection: ModelConnection, packet: PacketEvent): void {
    const found = this.jobs.get(packet.fields[0]!)
    const job = found !== undefined && isLive(found) ? found : undefined
    this.hooks.tell("worked", this, connection, job, packet)
    const terminal = endsJob.has(packet.name)
    if (job === undefined) return
    if (this.mayEndLate(job, connection, packet)) job.doubtful = true
    if (job.owner !== connection) return
    if (!this.mayBeTimedOut(job) || packet.name === "WORK_COMPLETE") {
      if (terminal) this.over(job, "finished")
      return
    }
    // Whether the server had put the job back before this came, only its next words can show.
    if (!terminal) return
    job.doubtful = true
    job.state = "queued"
    job.heldBefore.add(connection)
    job.owner = undefined
  }

  /** Its present attempt is over its time limit, by some clock that may be a little off. */
  mayBeTimedOut(job: ModelJob): boolean {
    return job.state === "running" && job.timeLimit > 0 && this.now() - job.assignedAt >= job.timeLimit * 0.8
  }

  /** A result of an attempt whose time was over counts as long as nobody else has the job, or who had it is gone. */
  mayEndLate(job: ModelJob, connection: ModelConnection, packet: PacketEvent): boolean {
    const isFree = job.state === "queued" || job.owner?.open !== true || this.mayBeTimedOut(job)
    return packet.name === "WORK_COMPLETE" && job.heldBefore.has(connection) && job.owner !== connection && isFree
  }

  /** For all that its packets have shown, the server may be rid of the job. */
  mayBeGone(job: ModelJob): boolean {
    if (!isLive(job) || job.doubtful) return true
    const isLost = job.state === "running" && (job.owner === undefined || !job.owner.open || this.mayBeTimedOut(job))
    if (isLost && job.attempts >= this.attemptsMax) return true
    return (!job.background || job.cancelled) && job.listeners.length === 0 && (isLost || job.state === "queued")
  }

  /** What a server tells listeners although no owner of the job has said it ends the job all the same. */
  private forwardedTerminal(job: ModelJob | undefined, packet: PacketEvent): void {
    if (job === undefined || !isLive(job) || job.cancelled) return
    if (packet.name === "WORK_FAIL" || (packet.name === "WORK_COMPLETE" && job.doubtful)) this.over(job, "finished")
  }

  private reply(connection: ModelConnection, packet: PacketEvent): void {
    if (isWorkError(packet)) return
    const request = connection.awaiting.shift()
    if (request === undefined) return this.unasked(connection, packet)
    if (isSubmission(request)) {
      if (packet.name === "JOB_CREATED") this.create(request, packet.fields[0]!)
      else if (packet.name === "ERROR") this.hooks.tell("refused", this, request, packet.fields[0]!)
      else this.unasked(connection, packet)
      return
    }
    const { name } = request
    if (name.startsWith("GRAB_JOB")) {
      if (packet.name.startsWith("JOB_ASSIGN")) this.assign(connection, packet, request)
      else if (packet.name === "NO_JOB") this.hooks.tell("noJob", this, connection)
      else this.unasked(connection, packet)
      if (connection.awaiting.length === 0) connection.learned.clear()
    } else if (!replies.has(packet.name)) this.unasked(connection, packet)
    else {
      if (packet.name === "OPTION_RES") connection.exceptions = true
      this.hooks.tell("told", this, packet)
    }
  }

  private create(submission: Submission, handle: string): void {
    const { connection } = submission
    const key = mergeKey(submission.function, submission.unique, submission.workload)
    const known = this.jobs.get(handle)
    if (known !== undefined && (known.key !== key || known.function !== submission.function || key === undefined)) {
      this.hooks.tell("confused", this, submission, known)
      return
    }
    const job = known ?? new ModelJob(handle, key, submission, ++this.places)
    this.hooks.tell("created", this, submission, job, known === undefined)
    if (known === undefined) {
      this.jobs.set(handle, job)
      this.unfinished.add(job)
      // Whatever lived under this key before was dropped, or the watchers have objected.
      const before = this.match(key)
      if (before !== undefined) this.over(before, "dropped")
      if (key !== undefined) this.live.set(key, job)
    } else {
      job.background ||= submission.background
      if (submission.priority < job.priority && (job.state === "running" || job.doubtful)) job.raisedWhileRunning = true
      if (submission.priority < job.priority && job.state === "queued") {
        job.priority = submission.priority
        job.place = ++this.places
        job.firstPlace = job.place
      }
    }
    if (!submission.background && connection.open) job.listeners.push(connection)
  }

  private assign(connection: ModelConnection, packet: PacketEvent, request: PacketEvent): void {
    const job = this.jobs.get(packet.fields[0]!)
    if (job === undefined) return this.unasked(connection, packet)
    this.hooks.tell("assigned", this, connection, job, packet, request)
    if (job.owner?.open === true) job.heldBefore.add(job.owner)
    job.state = "running"
    job.doubtful = false
    job.owner = connection
    job.attempts++
    job.firstPlace = this.places + 1
    job.assignedAt = this.now()
    const timeLimit = connection.abilities.get(job.function) ?? 0
    // As in gearmand, less than a second is a second.
    job.timeLimit = timeLimit === 0 ? 0 : Math.max(1000, timeLimit)
  }

  over(job: ModelJob, state: "finished" | "dropped"): void {
    job.state = state
    this.unfinished.delete(job)
    job.owner = undefined
    if (job.key !== undefined && this.live.get(job.key) === job) this.live.delete(job.key)
  }

  private unasked(connection: ModelConnection, packet: PacketEvent): void {
    this.hooks.tell("unasked", this, connection, packet)
  }
}

/**
 * It waits in its queue beyond doubt, and was never given to a worker before.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isFreshlyQueued = (job: ModelJob): boolean =>
  job.state === "queued" && job.attempts === 0 && job.epoch === 0 && (job.background || job.listeners.length > 0)

/**
 * It waits in its queue beyond doubt, after an attempt that was lost.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isPutBack = (job: ModelJob): boolean =>
  job.state === "queued" &&
  job.attempts > 0 &&
  !job.doubtful &&
  !job.raisedWhileRunning &&
  !job.cancelled &&
  (job.background || job.listeners.length > 0)

/**
 * @since 0.1.0
 * @category predicates
 */
export const isLive = (job: ModelJob): boolean => job.state === "queued" || job.state === "running"
