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

const answers: { readonly [request: string]: ReadonlyArray<string> } = {
  GRAB_JOB: ["JOB_ASSIGN"],
  GRAB_JOB_UNIQ: ["JOB_ASSIGN_UNIQ"],
  GRAB_JOB_ALL: ["JOB_ASSIGN_UNIQ", "JOB_ASSIGN_ALL"]
}

/** A worker is told what was asked for, in the words that it has asked for. */
const judgeWords = ({ node }: ServerModel, job: ModelJob, { fields, name }: PacketEvent, request: string): void => {
  if (answers[request]?.includes(name) !== true) throw new Violation(15, `${node} answered ${request} by ${name}`)
  const isSame = fields[1] === job.function && fields.at(-1) === job.workload
  if (isSame && (name === "JOB_ASSIGN" || fields[2] === job.unique)) return
  const asked = `${job.function} ${job.unique} ${job.workload}`
  throw new Violation(8, `${node} handed out ${fields.join(" ")}, but ${asked} was asked for`)
}

const judgeOwner = (server: ServerModel, { assignedAt, owner, state, timeLimit }: ModelJob, text: string): void => {
  if (state === "finished" || state === "dropped") throw new Violation(13, `${text}, but it is ${state}`)
  if (state !== "running" || owner === undefined || !owner.open) return
  const ranMillis = server.now() - assignedAt
  // Clocks that drift may see the limit a little earlier than the world does.
  if (timeLimit > 0 && ranMillis >= timeLimit * 0.8) return
  throw new Violation(timeLimit > 0 ? 19 : 13, `${text}, and connection ${owner.id} has had it for ${ranMillis} ms`)
}

const judgeOrder = (server: ServerModel, connection: ModelConnection, job: ModelJob, text: string): void => {
  if (job.epoch > 0 || job.raisedWhileRunning) return
  for (const other of server.unfinished) {
    if (other === job || !isRunnableFor(connection)(other)) continue
    if (other.priority < job.priority)
      throw new Violation(29, `${text} before ${other.handle}, which has a higher priority`)
    if (other.function !== job.function || other.priority !== job.priority || other.place >= job.firstPlace) continue
    if (job.attempts === 0) throw new Violation(30, `${text} before ${other.handle}, which is older`)
    throw new Violation(17, `${text} again before ${other.handle}, which waited already when it was lost`)
  }
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
    judgeWords(server, job, packet, request.name)
    const text = `${server.node} assigned ${job.handle} to connection ${connection.id}`
    if (!connection.abilities.has(job.function)) throw new Violation(14, `${text}, which cannot do ${job.function}`)
    judgeOwner(server, job, text)
    if (job.attempts >= server.attemptsMax)
      throw new Violation(18, `${text}, attempt ${job.attempts + 1} of ${server.attemptsMax}`)
    if (job.epoch * 1000 > wallMillis(server.node)) throw new Violation(27, `${text} before its time, ${job.epoch}`)
    judgeOrder(server, connection, job, text)
  },
  noJob: ({ node, unfinished }, connection) => {
    for (const job of unfinished) {
      // The question was older than what it has announced since.
      if (!isRunnableFor(connection)(job) || connection.learned.has(job.function)) continue
      throw new Violation(23, `${node} told connection ${connection.id} that there is no job, but ${job.handle} waits`)
    }
  },
  unasked: ({ node }, { id }, { name }) => {
    // ERROR answers whatever cannot be done, also what has no reply otherwise.
    if (name !== "ERROR")
      throw new Violation(15, `${node} sent ${name} to connection ${id}, which had not asked for it`)
  }
})
