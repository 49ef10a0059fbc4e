/**
 * Situations that a campaign has to come into sometimes. A simulator that never merges
 * into a running job proves nothing about merging; so each situation has a name, and a
 * campaign says which it never saw. They are read off the history: the programs under
 * test know nothing of them.
 *
 * @since 0.1.0
 */
import { faultKinds } from "../scenario/Scenario.ts"
import { wordsOf } from "./Commands.ts"
import { type Asked, endsJob, type Event, type PacketEvent } from "./History.ts"
import type { Property } from "./Property.ts"
import { isLive, type ModelConnection, type ModelJob } from "./ServerModel.ts"

const requests = [
  "SUBMIT_JOB",
  "SUBMIT_JOB_HIGH",
  "SUBMIT_JOB_LOW",
  "SUBMIT_JOB_BG",
  "SUBMIT_JOB_HIGH_BG",
  "SUBMIT_JOB_LOW_BG",
  "SUBMIT_JOB_EPOCH",
  "GRAB_JOB",
  "GRAB_JOB_UNIQ",
  "GRAB_JOB_ALL",
  "CAN_DO",
  "CAN_DO_TIMEOUT",
  "CANT_DO",
  "RESET_ABILITIES",
  "PRE_SLEEP",
  "SET_CLIENT_ID",
  "GET_STATUS",
  "GET_STATUS_UNIQUE",
  "OPTION_REQ",
  "ECHO_REQ"
] as const

const answers = [
  "JOB_CREATED",
  "JOB_ASSIGN",
  "JOB_ASSIGN_UNIQ",
  "NO_JOB",
  "NOOP",
  "STATUS_RES",
  "STATUS_RES_UNIQUE",
  "OPTION_RES",
  "ECHO_RES",
  "ERROR"
] as const

const words = ["WORK_DATA", "WORK_WARNING", "WORK_STATUS", "WORK_COMPLETE", "WORK_FAIL", "WORK_EXCEPTION"] as const

const failures = ["Ambiguous", "NoServer", "JobFailed", "Described", "ItemFailed"] as const

const situations = [
  "a submission joins a queued job",
  "a submission joins a running job",
  "a submission joins by equal workload",
  "a submission joins a job that nobody waited for",
  "a submission joins from another connection",
  "one connection waits for a job twice",
  "a joined job gains priority",
  "a foreground submission joins a background job",
  "a background submission joins a foreground job",
  "an equal submission comes after the end",
  "an equal submission comes after the job was abandoned",
  "a job is heard by two connections",
  "a result has no listener",
  "a listener leaves while the job runs",
  "a listener leaves while the job is queued",
  "a worker leaves with a job",
  "a worker leaves with two jobs",
  "a job gets a second attempt",
  "a job gets a third attempt",
  "a job goes to another worker after its time limit",
  "a result comes after its time limit",
  "a job fails since its attempts are spent",
  "a stranger speaks of a job",
  "a worker gives up an ability while it runs such a job",
  "a worker holds two jobs",
  "a worker lifts a function's time limit",
  "a worker sleeps",
  "a sleeper is woken",
  "PRE_SLEEP is refused since work waits",
  "a woken worker finds no job",
  "two workers are woken by one job",
  "a scheduled job runs",
  "jobs of three priorities wait at once",
  "a server starts again",
  "a worker starts again",
  "a client starts again",
  "a server dies with jobs",
  "a caller is answered after its server died",
  "a connection ends in the middle of a packet",
  "two faults at once",
  "a fault kind twice at once",
  "a fault strikes in the moment of a packet",
  "a caller is answered while a machine is broken for ever",
  "a caller is interrupted",
  "a caller is interrupted in the moment of a reply",
  "listeners are told one end in two ways",
  "a map is done",
  "a map of no items is done",
  "a map keeps a failure in its place",
  "a map is ended by a failure",
  "a stream's results come as they are done",
  "a job's status is known",
  "a job's status is unknown",
  "a caller's own time is up",
  "an operator looks while jobs wait",
  "an operator cancels a queued job",
  "an operator cancels a running job",
  "a cancelled job is heard by two listeners",
  "an operator drops a function",
  "an operator mistypes",
  "a line with too many words ends its connection",
  "an operator sets a limit",
  "a submission is refused at a limit",
  "a submission is denied by rules",
  "two functions have jobs of one unique"
] as const

/**
 * Every mark there is.
 *
 * @since 0.1.0
 * @category constants
 */
export const allMarks: ReadonlyArray<string> = [
  ...[...faultKinds, "drain"].map((kind) => `fault ${kind}`),
  ...requests.map((name) => `server gets ${name}`),
  ...words.map((name) => `server gets ${name}`),
  ...answers.map((name) => `server gives ${name}`),
  ...words.map((name) => `server gives ${name}`),
  ...failures.map((name) => `a caller ends in ${name}`),
  ...situations
]

type Situation = (typeof situations)[number]

const known = new Set(allMarks)

/**
 * Collects the marks of runs; one may watch many.
 *
 * @since 0.1.0
 * @category models
 */
export class Marks implements Property {
  readonly name = "marks"
  readonly hit = new Set<string>()
  private faults: Array<string> = []
  private begun = new Set<string>()
  private diedWithJobs = false
  private serverDied = false
  private isBrokenForEver = false
  private heardBy = new Map<string, number>()
  private ends = new Map<string, string>()
  /** What workers have said to have a time limit. */
  private timed = new Set<string>()
  private last = new Map<string, ModelJob>()
  private woken = new Map<string, number>()

  /** Call it before each run. */
  begin(): void {
    this.faults = []
    this.begun.clear()
    this.diedWithJobs = false
    this.serverDied = false
    this.isBrokenForEver = false
    this.heardBy.clear()
    this.ends.clear()
    this.timed.clear()
    this.woken.clear()
    this.last.clear()
  }

  get missing(): ReadonlyArray<string> {
    return allMarks.filter((mark) => !this.hit.has(mark))
  }

  private mark(name: Situation): void {
    this.hit.add(name)
  }

  private markIf(condition: boolean, name: Situation): void {
    if (condition) this.hit.add(name)
  }

  readonly observe: NonNullable<Property["observe"]> = ({ event }) => {
    switch (event._tag) {
      case "Packet":
        return this.packet(event)
      case "Line":
        return this.markIf(
          event.atServer && event.got && wordsOf(event.fields[0]!) === undefined,
          "a line with too many words ends its connection"
        )
      case "Fault":
        return this.fault(event)
      case "Started":
        if (this.begun.has(event.node)) this.restarted(event.node)
        this.begun.add(event.node)
        return
      case "Ended":
        if (event.node.startsWith("server") && event.how !== "ended") this.serverDied = true
        return
      case "Cut":
        return this.mark("a connection ends in the middle of a packet")
    }
  }

  readonly created: NonNullable<Property["created"]> = (server, submission, job, isNew) => {
    const { background, connection, priority, unique } = submission
    if (isNew) {
      const before = job.key === undefined ? undefined : this.last.get(`${server.node} ${job.key}`)
      if (job.key !== undefined) this.last.set(`${server.node} ${job.key}`, job)
      if (before === undefined || before === job) return
      this.markIf(before.state === "finished", "an equal submission comes after the end")
      this.markIf(before.state === "queued", "an equal submission comes after the job was abandoned")
      return
    }
    this.mark(job.state === "running" ? "a submission joins a running job" : "a submission joins a queued job")
    this.markIf(unique === "-", "a submission joins by equal workload")
    this.markIf(job.listeners.length === 0 && !job.background, "a submission joins a job that nobody waited for")
    this.markIf(
      job.listeners.some((one) => one !== connection),
      "a submission joins from another connection"
    )
    this.markIf(!background && job.listeners.includes(connection), "one connection waits for a job twice")
    this.markIf(priority < job.priority && job.state === "queued", "a joined job gains priority")
    this.markIf(!background && job.background, "a foreground submission joins a background job")
    this.markIf(background && !job.background, "a background submission joins a foreground job")
  }

  readonly commanded: NonNullable<Property["commanded"]> = (server, [command = ""], [answer = ""]) => {
    this.markIf(server.unfinished.size > 1 && command === "status", "an operator looks while jobs wait")
    this.markIf(command === "drop" && answer === "OK", "an operator drops a function")
    this.markIf(command === "maxqueue" && answer === "OK", "an operator sets a limit")
    this.markIf(answer.startsWith("ERR UNKNOWN_COMMAND"), "an operator mistypes")
  }

  readonly cancelled: NonNullable<Property["cancelled"]> = (_server, job) => {
    this.mark(job.state === "running" ? "an operator cancels a running job" : "an operator cancels a queued job")
    this.markIf(job.listeners.length > 1, "a cancelled job is heard by two listeners")
  }

  readonly told: NonNullable<Property["told"]> = (server, { fields: [unique], name }) => {
    if (name !== "STATUS_RES_UNIQUE") return
    const functions = [...server.unfinished].filter((job) => job.unique === unique).map((job) => job.function)
    this.markIf(new Set(functions).size > 1, "two functions have jobs of one unique")
  }

  readonly refused: NonNullable<Property["refused"]> = (_server, _submission, code) =>
    this.mark(code === "ACCESS_DENIED" ? "a submission is denied by rules" : "a submission is refused at a limit")

  readonly assigned: NonNullable<Property["assigned"]> = (server, connection, job) => {
    this.markIf(job.attempts === 1, "a job gets a second attempt")
    this.markIf(job.attempts === 2, "a job gets a third attempt")
    this.markIf(
      job.state === "running" && job.owner?.open === true,
      "a job goes to another worker after its time limit"
    )
    this.markIf(job.epoch > 0, "a scheduled job runs")
    const others = [...server.unfinished]
    this.markIf(
      others.some((other) => other.state === "running" && other.owner === connection),
      "a worker holds two jobs"
    )
    const queued = new Set(others.filter((other) => other.state === "queued").map((other) => other.priority))
    this.markIf(queued.size === 3, "jobs of three priorities wait at once")
  }

  readonly noJob: NonNullable<Property["noJob"]> = (server, connection) => {
    this.markIf((this.woken.get(`${server.node} ${connection.id}`) ?? 0) > 0, "a woken worker finds no job")
    this.woken.delete(`${server.node} ${connection.id}`)
  }

  readonly worked: NonNullable<Property["worked"]> = (server, connection, job, packet) => {
    if (job === undefined) return
    if (job.owner !== connection) return this.mark("a stranger speaks of a job")
    this.markIf(packet.name === "WORK_COMPLETE" && server.mayBeTimedOut(job), "a result comes after its time limit")
    this.markIf(packet.name === "WORK_COMPLETE" && job.listeners.length === 0, "a result has no listener")
    this.markIf(!connection.abilities.has(job.function), "a worker gives up an ability while it runs such a job")
  }

  readonly forwarded: NonNullable<Property["forwarded"]> = (server, connection, job, packet) => {
    if (packet.name === "WORK_FAIL" && job !== undefined && isLive(job)) {
      this.mark("a job fails since its attempts are spent")
    }
    const key = `${server.node} ${packet.fields[0]}`
    const before = this.heardBy.get(key)
    this.markIf(before !== undefined && before !== connection.id, "a job is heard by two connections")
    this.heardBy.set(key, connection.id)
    if (!endsJob.has(packet.name)) return
    const end = this.ends.get(key)
    this.ends.set(key, packet.name)
    this.markIf(end !== undefined && end !== packet.name, "listeners are told one end in two ways")
  }

  readonly slept: NonNullable<Property["slept"]> = () => this.mark("a worker sleeps")

  readonly noop: NonNullable<Property["noop"]> = (server, connection) => {
    this.mark("a sleeper is woken")
    const key = `${server.node} ${connection.id}`
    for (const [other, count] of this.woken) {
      this.markIf(other !== key && other.startsWith(`${server.node} `) && count > 0, "two workers are woken by one job")
    }
    this.woken.set(key, 1)
    const waits = [...server.unfinished].some((job) => job.state === "queued" && connection.abilities.has(job.function))
    this.markIf(waits && connection.noops === 1, "PRE_SLEEP is refused since work waits")
  }

  readonly closed: NonNullable<Property["closed"]> = (server, connection) => {
    const held = [...server.unfinished].filter((job) => job.state === "running" && job.owner === connection)
    this.markIf(held.length > 0, "a worker leaves with a job")
    this.markIf(held.length > 1, "a worker leaves with two jobs")
  }

  readonly left: NonNullable<Property["left"]> = (_server, _connection: ModelConnection, job: ModelJob) => {
    this.markIf(job.state === "running", "a listener leaves while the job runs")
    this.markIf(job.state === "queued", "a listener leaves while the job is queued")
  }

  readonly afterStep: NonNullable<Property["afterStep"]> = ({ servers }) => {
    if (!this.serverDied || this.diedWithJobs) return
    this.diedWithJobs = true
    for (const server of servers.values()) {
      this.markIf([...server.unfinished].some(isLive), "a server dies with jobs")
    }
  }

  private packet(event: PacketEvent): void {
    if (!event.atServer) return
    const name = `server ${event.got ? "gets" : "gives"} ${event.name}`
    if (known.has(name)) this.hit.add(name)
    if (event.name.startsWith("CAN_DO")) this.limit(event)
    if (event.got || !event.name.startsWith("STATUS_RES")) return
    this.mark(event.fields[1] === "1" ? "a job's status is known" : "a job's status is unknown")
  }

  private limit({ connection, fields, name }: PacketEvent): void {
    const key = `${connection} ${fields[0]}`
    if (name === "CAN_DO_TIMEOUT") this.timed.add(key)
    else this.markIf(this.timed.delete(key), "a worker lifts a function's time limit")
  }

  private fault(event: Extract<Event, { readonly _tag: "Fault" }>): void {
    const [kind = ""] = event.text.split(" ")
    if (!event.begins) {
      const index = this.faults.indexOf(kind)
      if (index !== -1) this.faults.splice(index, 1)
      return
    }
    this.hit.add(`fault ${kind}`)
    if (event.text.endsWith(" for ever")) this.isBrokenForEver = true
    this.markIf(event.text.includes(" on "), "a fault strikes in the moment of a packet")
    this.markIf(this.faults.length > 0, "two faults at once")
    this.markIf(this.faults.includes(kind), "a fault kind twice at once")
    this.faults.push(kind)
  }

  private restarted(node: string): void {
    if (node.startsWith("server")) this.mark("a server starts again")
    if (node.startsWith("worker")) this.mark("a worker starts again")
    if (node.startsWith("client")) this.mark("a client starts again")
  }

  readonly answered: NonNullable<Property["answered"]> = (_scene, call, event) => {
    this.markIf(event.how === "failure" && event.text === "Timeout", "a caller's own time is up")
    this.markIf(event.how === "interrupted", "a caller is interrupted")
    this.markIf(
      event.how === "interrupted" && call.interruptOn !== undefined,
      "a caller is interrupted in the moment of a reply"
    )
    this.markIf(
      event.how === "success" && this.isBrokenForEver,
      "a caller is answered while a machine is broken for ever"
    )
    this.markIf(event.how === "success" && this.serverDied, "a caller is answered after its server died")
    this.markIf(event.how === "success" && event.text.includes(","), "a map is done")
    this.markIf(event.how === "failure" && event.text.startsWith("ItemFailed"), "a map is ended by a failure")
    if (call.kind === "map" && event.how === "success") this.mapEnded(call, event.text)
    const name = `a caller ends in ${event.text.split(" ")[0]}`
    if (event.how === "failure" && known.has(name)) this.hit.add(name)
  }

  private mapEnded(asked: Asked, text: string): void {
    this.markIf(asked.workload === "", "a map of no items is done")
    this.markIf(text.includes("ItemFailed"), "a map keeps a failure in its place")
    const itemsOf = (from: string) => (from.match(/(?<=\bi)\d+/g) ?? []).join()
    const isOther = itemsOf(asked.workload) !== itemsOf(text) && !text.includes("ItemFailed")
    this.markIf(isOther, "a stream's results come as they are done")
  }
}
