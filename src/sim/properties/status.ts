/**
 * What a server says of its jobs when asked, and in which order it serves the functions of
 * one worker: properties 46, 31, and that a NOOP has a reason (25).
 *
 * @since 0.1.0
 */
import { noted } from "./following.ts"
import { type Property, Violation } from "./Property.ts"
import { isFreshlyQueued, type ModelConnection, type ModelJob, type ServerModel } from "./ServerModel.ts"

/** What stands for nothing, or for the workload, is no unique; nor is what a server may be too short for. */
const isUnique = (text: string): boolean => text !== "" && text !== "-" && text.length < 64

const number32 = (text: string | undefined): number => Number(text ?? "") || 0

/** The number in its handle: those of later jobs are greater. */
const numberOf = ({ handle }: ModelJob): number => Number(handle.split(":").at(-1))

/** There may be a job of that unique whose JOB_CREATED has yet to be seen. */
const isAskedFor = (server: ServerModel, unique: string): boolean =>
  [...server.connections.values()].some(({ awaiting }) =>
    awaiting.some((request) => "workload" in request && request.unique === unique)
  )

/**
 * GET_STATUS is answered by what is so between the question and the answer.
 *
 * @since 0.1.0
 * @category properties
 */
export const status = (): Property => {
  const progress = new WeakMap<ModelJob, readonly [numerator: number, denominator: number]>()

  const judge = (server: ServerModel, handle: string, told: ReadonlyArray<string>): void => {
    const text = `${server.node} says of ${handle}: ${told.join(" ")}`
    const [known, running, numerator, denominator] = told
    const job = server.jobs.get(handle)
    const isOver = job === undefined || job.state === "finished"
    if (isOver && known !== "0") throw new Violation(46, `${text}, but there is no such job`)
    if (isOver || server.mayBeGone(job)) return
    const isRunning = job.state === "running"
    const isUnsure = isRunning && (job.owner?.open !== true || server.mayBeTimedOut(job))
    if (known !== "1" || (!isUnsure && running !== (isRunning ? "1" : "0")))
      throw new Violation(46, `${text}, but it is ${job.state}`)
    const [above, below] = (isRunning ? progress.get(job) : undefined) ?? [0, 0]
    if (!isUnsure && (number32(numerator) !== above || number32(denominator) !== below))
      throw new Violation(46, `${text}, but its worker has said ${above} of ${below}`)
  }

  /** Some job of that unique is known, whatever its function; of the newest, all is told. */
  const judgeUnique = (server: ServerModel, unique: string, told: ReadonlyArray<string>): void => {
    const isKnown = told[0] === "1"
    // One that is cancelled while it runs cannot be found by its unique any more.
    const isOf = ({ cancelled, key = "" }: ModelJob) => !cancelled && key.endsWith(`\0=\0${unique}`)
    const jobs = [...server.unfinished].filter(isOf)
    const sure = jobs.find((job) => !server.mayBeGone(job))
    if (!isKnown && sure !== undefined)
      throw new Violation(46, `${server.node} does not know ${unique}, which is ${sure.handle} and ${sure.state}`)
    if (isKnown && jobs.length === 0) throw new Violation(46, `${server.node} knows ${unique}, which no job has`)
    if (!isKnown || sure === undefined) return
    const newest = jobs.reduce((one, other) => (numberOf(other) > numberOf(one) ? other : one))
    if (server.mayBeGone(newest) || isAskedFor(server, unique)) return
    judge(server, newest.handle, told)
    const { length } = newest.listeners
    if (told[4] !== String(length))
      throw new Violation(46, `${server.node} says that ${told[4]} wait for ${unique}, which are ${length}`)
  }

  return {
    name: "status",
    assigned: (_server, _connection, job) => {
      progress.delete(job)
    },
    worked: (server, connection, job, packet) => {
      if (packet.name !== "WORK_STATUS" || job === undefined || job.owner !== connection) return
      if (!server.mayBeTimedOut(job)) progress.set(job, [number32(packet.fields[1]), number32(packet.fields[2])])
    },
    told: (server, packet) => {
      const [name = "", known, running, numerator, denominator] = packet.fields
      const hasProgress = number32(numerator) > 0 || number32(denominator) > 0
      if (packet.name.startsWith("STATUS_RES") && known === "1" && running === "0" && hasProgress)
        throw new Violation(46, `${server.node} says of ${name}, which does not run: ${numerator} of ${denominator}`)
      if (packet.name === "STATUS_RES") judge(server, name, packet.fields.slice(1))
      if (packet.name === "STATUS_RES_UNIQUE" && isUnique(name)) judgeUnique(server, name, packet.fields.slice(1))
    }
  }
}

/**
 * Functions of one connection with jobs of equal priority take turns.
 *
 * @since 0.1.0
 * @category properties
 */
export const turns = (): Property => {
  const servedTo = noted<ModelConnection, Map<string, number>>(() => new Map())
  let count = 0
  return {
    name: "turns",
    assigned: (server, connection, job) => {
      const mine = servedTo(connection)
      const before = mine.get(job.function) ?? 0
      for (const other of before > 0 && !job.raisedWhileRunning && job.epoch === 0 ? server.unfinished : []) {
        const turn = mine.get(other.function) ?? Infinity
        const isAlike =
          other.priority === job.priority && isFreshlyQueued(other) && connection.abilities.has(other.function)
        if (turn >= before || other === job || !isAlike) continue
        const text = `${server.node} served ${job.function} again to connection ${connection.id}`
        throw new Violation(31, `${text} before ${other.function}, whose ${other.handle} waits`)
      }
      mine.set(job.function, ++count)
    },
    lostAbility: (connection, fn) => {
      if (fn === undefined) servedTo(connection).clear()
      else servedTo(connection).delete(fn)
    }
  }
}

/**
 * Nobody is woken for nothing, and for one job no more than `mostOf` says, where 0 is all.
 *
 * @since 0.1.0
 * @category properties
 */
export const reasons = (mostOf: (server: string) => number = () => 0): Property => {
  /** NOOPs in this step, by server, and what else happened in it. */
  const noops = new Map<ServerModel, number>()
  let created: ModelJob | undefined
  let isPlain = true
  const other = () => {
    isPlain = false
  }
  /** Nothing can make the server wake anybody for this job. */
  const isSettled = (server: ServerModel, job: ModelJob): boolean =>
    job === created ||
    (job.state === "running" && job.owner?.open === true && job.timeLimit === 0 && !server.mayBeGone(job))
  const judgeCount = (server: ServerModel, count: number): void => {
    const most = mostOf(server.node)
    if (most === 0 || count <= most || !isPlain || created === undefined || created.epoch > 0) return
    for (const job of server.unfinished) if (!isSettled(server, job)) return
    throw new Violation(25, `${server.node} woke ${count} workers for ${created.handle}, ${most} are allowed`)
  }

  /** Functions of which something happened in this step: they may have had work for a moment. */
  const touched = new Set<string>()
  /** Those that could do more when the step began. */
  const weakened = new Set<ModelConnection>()
  /** Who learned what in this step: a sleeper is woken at once for what waits already. */
  const learned = new Set<string>()
  const touch = (job: ModelJob | undefined) => {
    if (job !== undefined) touched.add(job.function)
  }
  /** Jobs that came when somebody able had asked already, and who that was: if they get them, nobody is woken. */
  const expected = new Map<ModelJob, ReadonlyArray<ModelConnection>>()
  const asks = ({ awaiting, open }: ModelConnection): boolean =>
    open && awaiting.some((request) => "_tag" in request && request.name.startsWith("GRAB_JOB"))
  const expect = (server: ServerModel, job: ModelJob): void => {
    const able = [...server.connections.values()].filter((one) => one.abilities.has(job.function) && asks(one))
    if (able.length === 0) touch(job)
    else expected.set(job, able)
  }
  return {
    name: "reasons",
    created: (server, _submission, job, isNew) => {
      if (isNew && job.epoch === 0) expect(server, job)
      else touch(job)
      if (created !== undefined || !isNew) other()
      created = job
    },
    assigned: (_server, connection, job) => {
      if (expected.get(job)?.includes(connection) !== true) touch(job)
      other()
    },
    worked: (_server, _connection, job) => {
      touch(job)
      other()
    },
    slept: other,
    noJob: other,
    closed: other,
    lostAbility: (connection) => {
      weakened.add(connection)
      other()
    },
    observe: ({ event }) => {
      if (event._tag !== "Packet" || !event.got || !event.name.startsWith("CAN_DO")) return
      learned.add(`${event.node} ${event.connection} ${event.fields[0]}`)
    },
    noop: (server, connection) => {
      const isForLearner = created !== undefined && learned.has(`${server.node} ${connection.id} ${created.function}`)
      if (!isForLearner) noops.set(server, (noops.get(server) ?? 0) + 1)
      if (weakened.has(connection)) return
      for (const fn of touched) if (connection.abilities.has(fn)) return
      for (const job of server.unfinished) {
        if (!connection.abilities.has(job.function)) continue
        if (job.state === "queued" || job.owner?.open !== true || server.mayBeTimedOut(job)) return
      }
      throw new Violation(25, `${server.node} woke connection ${connection.id}, but has nothing for it`)
    },
    afterStep: () => {
      // Emptying a set that is empty costs as much as any other.
      if (touched.size > 0) touched.clear()
      if (weakened.size > 0) weakened.clear()
      if (expected.size > 0) expected.clear()
      if (learned.size > 0) learned.clear()
      if (noops.size > 0) {
        for (const [server, count] of noops) judgeCount(server, count)
        noops.clear()
      }
      created = undefined
      isPlain = true
    }
  }
}
