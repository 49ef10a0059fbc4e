/**
 * Which worker gets which job, in what order, and as what: properties 8, 13 to 15, 17, 18, 27,
 * 29, 30.
 *
 * @since 0.1.0
 */
import type { PacketEvent } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import { isFreshlyQueued, isPutBack, type ModelConnection, type ModelJob, type ServerModel } from "./ServerModel.ts"

const isRunnableFor = (connection: ModelConnection) => (job: ModelJob) =>
  (isFreshlyQueued(job) || isPutBack(job)) && connection.abilities.has(job.function)

const judgeOwner = (server: ServerModel, connection: ModelConnection, job: ModelJob): void => {
  const { owner, state } = job
  if (state === "finished" || state === "dropped") {
    throw new Violation(13, `${server.node} assigned ${job.handle} to connection ${connection.id}, but it is ${state}`)
  }
  if (state !== "running" || owner === undefined || !owner.open) return
  const ranMillis = server.now() - job.assignedAt
  // Clocks that drift may see the limit a little earlier than the world does.
  if (job.timeLimit > 0 && ranMillis >= job.timeLimit * 0.8) return
  throw new Violation(
    job.timeLimit > 0 ? 19 : 13,
    `${server.node} assigned ${job.handle} to connection ${connection.id} while connection ${owner.id} has had it for ${ranMillis} ms`
  )
}

const judgeOrder = (server: ServerModel, connection: ModelConnection, job: ModelJob): void => {
  if (job.epoch > 0 || job.raisedWhileRunning) return
  for (const other of server.unfinished) {
    if (other === job || !isRunnableFor(connection)(other)) continue
    if (other.priority < job.priority) {
      throw new Violation(
        29,
        `${server.node} assigned ${job.handle} before ${other.handle}, which has a higher priority`
      )
    }
    // Of one that was put back it is not known since when it waits, only since when at the latest.
    if (job.attempts > 0 || other.function !== job.function || other.priority !== job.priority) continue
    if (other.place < job.place) {
      throw new Violation(30, `${server.node} assigned ${job.handle} before ${other.handle}, which is older`)
    }
  }
}

const answers: { readonly [request: string]: ReadonlyArray<string> } = {
  GRAB_JOB: ["JOB_ASSIGN"],
  GRAB_JOB_UNIQ: ["JOB_ASSIGN_UNIQ"],
  GRAB_JOB_ALL: ["JOB_ASSIGN_UNIQ", "JOB_ASSIGN_ALL"]
}

/** A worker is told what was asked for, in the words that it has asked for. */
const judgeWords = (server: ServerModel, job: ModelJob, packet: PacketEvent, request: PacketEvent): void => {
  const { fields, name } = packet
  if (answers[request.name]?.includes(name) !== true)
    throw new Violation(15, `${server.node} answered ${request.name} by ${name}`)
  const hasUnique = name !== "JOB_ASSIGN"
  const isSame = fields[1] === job.function && fields.at(-1) === job.workload
  if (isSame && (!hasUnique || fields[2] === job.unique)) return
  throw new Violation(
    8,
    `${server.node} handed out ${fields.join(" ")}, but ${job.function} ${job.unique} ${job.workload} was asked for`
  )
}

/**
 * `wallMillis` tells what time a server thinks it is.
 *
 * @since 0.1.0
 * @category properties
 */
export const assignment = (wallMillis: (node: string) => number): Property => ({
  name: "assignment",
  assigned: (server, connection, job, packet, request) => {
    judgeWords(server, job, packet, request)
    if (!connection.abilities.has(job.function)) {
      throw new Violation(
        14,
        `${server.node} assigned ${job.handle}, a job of ${job.function}, to connection ${connection.id}, which cannot do it`
      )
    }
    judgeOwner(server, connection, job)
    if (job.attempts >= server.attemptsMax) {
      throw new Violation(
        18,
        `${server.node} assigned ${job.handle} for the ${job.attempts + 1}th time; ${server.attemptsMax} are allowed`
      )
    }
    if (job.epoch * 1000 > wallMillis(server.node)) {
      throw new Violation(27, `${server.node} assigned ${job.handle} before its time, ${job.epoch}`)
    }
    judgeOrder(server, connection, job)
  },
  noJob: (server, connection) => {
    for (const job of server.unfinished) {
      // The question was older than what it has announced since.
      if (!isRunnableFor(connection)(job) || connection.learned.has(job.function)) continue
      throw new Violation(
        23,
        `${server.node} told connection ${connection.id} that there is no job, but ${job.handle} waits`
      )
    }
  },
  unasked: (server, connection, packet) => {
    // ERROR answers whatever cannot be done, also what has no reply otherwise.
    if (packet.name === "ERROR") return
    throw new Violation(
      15,
      `${server.node} sent ${packet.name} to connection ${connection.id}, which had not asked for it`
    )
  }
})
