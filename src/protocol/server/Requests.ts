/**
 * What each request packet does. A request that makes no sense is answered and changes
 * nothing. (Gearman protocol, "Client Requests" and "Worker Requests")
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"
import { type Action, actions } from "./Access.ts"
import type { Job, Priority } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import type { Now } from "./Now.ts"
import { endOfText, parseInt64 } from "./Numbers.ts"
import type { Options } from "./Options.ts"
import type { Reason } from "./Refusals.ts"
import * as Replies from "./Replies.ts"
import { Ability, type Session } from "./Session.ts"
import * as Sleepers from "./Sleepers.ts"
import { WorkReports } from "./WorkReports.ts"

const { PacketType } = Packet
// The unique that stands for the workload.
const byWorkload = "-"
// Workers that ask for less get this, as in gearmand.
const minTimeoutMillis = 1000

/**
 * The requests, against one server's jobs.
 *
 * @since 0.1.0
 * @category models
 */
export class Requests {
  private readonly jobs: Jobs
  private readonly options: Options
  private readonly reports: WorkReports

  constructor(jobs: Jobs, options: Options) {
    this.jobs = jobs
    this.options = options
    this.reports = new WorkReports(jobs, (session, refusal) => this.refuse(session, refusal))
  }

  handle(session: Session, frame: Codec.Frame, now: Now): void {
    if (frame.isResponse) return this.refuse(session, Replies.refusals.responseMagic)
    switch (frame.type) {
      case PacketType.SUBMIT_JOB:
        return this.submit(session, frame, 1, false, now)
      case PacketType.SUBMIT_JOB_HIGH:
        return this.submit(session, frame, 0, false, now)
      case PacketType.SUBMIT_JOB_LOW:
        return this.submit(session, frame, 2, false, now)
      case PacketType.SUBMIT_JOB_BG:
      case PacketType.SUBMIT_JOB_EPOCH:
      case PacketType.SUBMIT_REDUCE_JOB_BACKGROUND:
        return this.submit(session, frame, 1, true, now)
      case PacketType.SUBMIT_JOB_HIGH_BG:
        return this.submit(session, frame, 0, true, now)
      case PacketType.SUBMIT_JOB_LOW_BG:
        return this.submit(session, frame, 2, true, now)
      case PacketType.SUBMIT_REDUCE_JOB:
        return this.submit(session, frame, 1, false, now)
      case PacketType.GRAB_JOB:
      case PacketType.GRAB_JOB_UNIQ:
      case PacketType.GRAB_JOB_ALL:
        return this.grab(session, frame.type)
      case PacketType.PRE_SLEEP:
        return this.preSleep(session)
      case PacketType.WORK_COMPLETE:
      case PacketType.WORK_DATA:
      case PacketType.WORK_WARNING:
      case PacketType.WORK_STATUS:
      case PacketType.WORK_EXCEPTION:
      case PacketType.WORK_FAIL:
        return this.reports.take(session, frame)
      case PacketType.CAN_DO:
      case PacketType.CAN_DO_TIMEOUT:
        return this.canDo(session, frame)
      case PacketType.CANT_DO:
        return this.cantDo(session, frame)
      case PacketType.RESET_ABILITIES:
        return this.resetAbilities(session)
      case PacketType.SET_CLIENT_ID:
        return this.setClientId(session, frame)
      case PacketType.GET_STATUS:
        return this.getStatus(session, frame)
      case PacketType.GET_STATUS_UNIQUE:
        return this.getStatusUnique(session, frame)
      case PacketType.OPTION_REQ:
        return this.option(session, frame)
      case PacketType.ECHO_REQ:
        return Replies.echo(session, PacketType.ECHO_RES, frame)
      default:
        return this.refuse(session, Replies.refusals.unexpectedCommand)
    }
  }

  /** Takes all abilities from a connection. Its running jobs are another matter. */
  resetAbilities(session: Session): void {
    for (const ability of session.abilities.values()) this.removeAbility(ability)
  }

  private refuse(session: Session, refusal: Replies.Refusal, reason?: Reason, key?: string): void {
    this.jobs.counters.errors++
    if (reason !== undefined) this.jobs.refusals.add(session, reason, key)
    Replies.error(session, refusal)
  }

  /** Parsed by the packet's length: too few separators cost this packet, not the ones after it. */
  private isIncomplete(session: Session, frame: Codec.Frame): boolean {
    const expected = Packet.fieldCounts[frame.type]!
    const found = frame.split(expected)
    if (found === expected) return false
    this.refuse(session, {
      code: "INVALID_PACKET",
      text: `${Packet.nameOf(frame.type)} has ${found} of ${expected} fields`
    })
    return true
  }

  /** Told with an ERROR what it may not do with the function, if it may not. */
  private isDenied(session: Session, action: Action, key: string): boolean {
    if (session.rights.may(action, key)) return false
    this.refuse(session, Replies.denied(session, action, key), action, key)
    return true
  }

  private submit(session: Session, frame: Codec.Frame, priority: Priority, isBackground: boolean, now: Now): void {
    const { jobs, options } = this
    if (this.isIncomplete(session, frame)) return
    if (frame.fieldLength(1) > options.maxUniqueBytes)
      return this.refuse(session, Replies.refusals.uniqueTooLarge, "maxUniqueBytes")
    if (frame.fieldLength(0) > options.maxFunctionBytes)
      return this.refuse(session, Replies.ownRefusals.functionTooLarge, "maxFunctionBytes")
    const { type } = frame
    const isReduce = type === PacketType.SUBMIT_REDUCE_JOB || type === PacketType.SUBMIT_REDUCE_JOB_BACKGROUND
    if (isReduce && frame.fieldLength(2) > options.maxFunctionBytes) {
      return this.refuse(session, Replies.ownRefusals.reducerTooLarge, "maxFunctionBytes")
    }
    if (!session.rights.isFull) {
      if (this.isDenied(session, "submit", frame.key(0))) return
      // Its worker submits to the reducer in its own name, but at this one's wish.
      if (isReduce && frame.fieldLength(2) > 0 && this.isDenied(session, "submit", frame.key(2))) return
    }
    let dueMillis = 0
    if (type === PacketType.SUBMIT_JOB_EPOCH) {
      const seconds = parseInt64(frame.bytes, frame.fieldStart(2), frame.fieldEnd(2))
      if (seconds === undefined) return this.refuse(session, Replies.ownRefusals.epochOutOfRange)
      dueMillis = seconds * 1000
    }
    const fn = jobs.functions.obtainNamed(frame, 0)
    if (fn === undefined) return this.refuse(session, Replies.ownRefusals.tooManyFunctions, "maxFunctions")

    const workloadIndex = isReduce ? 4 : type === PacketType.SUBMIT_JOB_EPOCH ? 3 : 2
    const start = frame.fieldStart(workloadIndex)
    const end = frame.fieldEnd(workloadIndex)
    const unique = frame.key(1)
    const mergesByWorkload = unique === byWorkload
    const mergesByUnique = unique !== "" && !mergesByWorkload
    const workloadKey = mergesByWorkload && end > start ? jobs.merging.workloadKey(frame.bytes, start, end) : undefined
    const found =
      workloadKey !== undefined
        ? jobs.merging.findWorkload(fn, workloadKey, frame.bytes, start, end)
        : mergesByUnique
          ? jobs.merging.findUnique(fn, unique)
          : undefined
    // Whoever joins a job that is waited for anyhow adds nothing; in the background it is not waited for.
    if (jobs.isDraining && (isBackground || found === undefined))
      return this.refuse(session, Replies.ownRefusals.shuttingDown, "draining", fn.key)
    if (found !== undefined) {
      if (!isBackground && jobs.isCrowded) return this.refuse(session, Replies.refusals.queueFull, "maxJobs", fn.key)
      // One that is packed can stay so if nothing about it changes.
      const joined = isBackground && priority >= found.priority ? found : jobs.byNumber.get(found.number)!
      if (!isBackground) jobs.attach(joined, session)
      jobs.merge(joined, priority, isBackground)
      return Replies.jobCreated(session, joined)
    }
    const limit = jobs.limitFor(fn, priority, end - start)
    if (limit !== undefined) return this.refuse(session, Replies.refusals.queueFull, limit, fn.key)
    const job = jobs.create({
      function: fn,
      unique,
      workload: jobs.workloads.keep(frame, start, end),
      reducer: isReduce && frame.fieldLength(2) > 0 ? frame.key(2) : undefined,
      priority,
      isBackground,
      dueMillis
    })
    if (workloadKey !== undefined) jobs.merging.addWorkload(job, workloadKey)
    else if (mergesByUnique) jobs.merging.addUnique(job, unique)
    if (!isBackground) jobs.attach(job, session)
    // The handle goes out before anybody can be told to run the job: one connection may be
    // client and worker.
    Replies.jobCreated(session, job)
    jobs.start(job, dueMillis, now)
  }

  private grab(session: Session, grabType: number): void {
    const { jobs } = this
    const fn = Sleepers.answered(session)
    session.sleep = "awake"
    jobs.grabs.take(session, grabType)
    jobs.wakeAgain(fn)
  }

  private preSleep(session: Session): void {
    const next = this.jobs.functions.nextFor(session)
    if (next === undefined) return Sleepers.fallAsleep(session)
    this.jobs.counters.noops++
    Sleepers.refuseSleep(session, next.ability, this.jobs.nowMillis)
  }

  private canDo(session: Session, frame: Codec.Frame): void {
    const { jobs, options } = this
    const hasTimeout = frame.type === PacketType.CAN_DO_TIMEOUT
    if (this.isIncomplete(session, frame)) return
    if (frame.fieldLength(0) > options.maxFunctionBytes)
      return this.refuse(session, Replies.ownRefusals.functionTooLarge, "maxFunctionBytes")
    if (!session.rights.isFull && this.isDenied(session, "serve", frame.key(0))) return
    let timeoutMillis = 0
    if (hasTimeout) {
      const millis = parseInt64(frame.bytes, frame.fieldStart(1), frame.fieldEnd(1))
      if (millis === undefined) return this.refuse(session, Replies.ownRefusals.timeoutOutOfRange)
      if (millis > 0) timeoutMillis = Math.max(minTimeoutMillis, millis)
    }
    const key = frame.key(0)
    const found = jobs.functions.find(key)
    const known = found === undefined ? undefined : session.abilities.get(found)
    if (known !== undefined) {
      known.timeoutMillis = timeoutMillis
      return
    }
    if (session.abilities.size >= options.maxFunctionsPerConnection)
      return this.refuse(session, Replies.ownRefusals.tooManyAbilities, "maxFunctionsPerConnection")
    const fn = jobs.functions.obtain(key)
    if (fn === undefined) return this.refuse(session, Replies.ownRefusals.tooManyFunctions, "maxFunctions")
    const ability = new Ability(session, fn, timeoutMillis, session.firstTurn())
    session.addAbility(ability)
    fn.abilities.add(ability)
    jobs.functions.settle(fn)
    if (session.sleep === "asleep" && fn.runnableCount > 0) {
      // It fell asleep before it said what it can do; nothing else would wake it for these.
      Sleepers.unlist(ability)
      jobs.counters.noops++
      Sleepers.refuseSleep(session, ability, jobs.nowMillis)
    } else Sleepers.enlist(ability)
  }

  private cantDo(session: Session, frame: Codec.Frame): void {
    // A name over the limit is nobody's, and not worth reading.
    if (frame.end - frame.start > this.options.maxFunctionBytes) return
    const fn = this.jobs.functions.find(Codec.latin1(frame.bytes, frame.start, frame.end))
    const ability = fn === undefined ? undefined : session.abilities.get(fn)
    if (ability !== undefined) this.removeAbility(ability)
  }

  private removeAbility(ability: Ability): void {
    const { session } = ability
    const fn = ability.function
    session.removeAbility(ability)
    fn.abilities.delete(ability)
    Sleepers.delist(ability)
    if (session.wokenBy === ability) this.jobs.wakeAgain(Sleepers.answered(session))
    this.jobs.functions.settle(fn)
  }

  private setClientId(session: Session, frame: Codec.Frame): void {
    const limit = Math.min(frame.end, frame.start + this.options.maxClientIdBytes)
    const end = endOfText(frame.bytes, frame.start, limit)
    session.clientId = new Uint8Array(frame.bytes.subarray(frame.start, end))
  }

  private getStatus(session: Session, frame: Codec.Frame): void {
    const end = endOfText(frame.bytes, frame.start, frame.end)
    const job = this.jobs.byNumber.look(this.jobs.handles.numberOf(frame.bytes, frame.start, end))
    this.tellStatus(session, PacketType.STATUS_RES, frame, end, job)
  }

  /** To whom a job is none of its business, there is no such job. */
  private tellStatus(session: Session, type: Replies.StatusType, frame: Codec.Frame, end: number, job?: Job): void {
    const { rights } = session
    if (!actions.some((action) => rights.mayAny(action)))
      return this.refuse(session, Replies.ownRefusals.maySubmitNothing, "submit")
    const isVisible = job !== undefined && actions.some((action) => rights.may(action, job.function.key))
    Replies.status(session, type, frame.bytes, frame.start, end, isVisible ? job : undefined)
  }

  private getStatusUnique(session: Session, frame: Codec.Frame): void {
    const end = endOfText(frame.bytes, frame.start, frame.end)
    const length = end - frame.start
    let job = undefined
    if (length > 0 && length <= this.options.maxUniqueBytes) {
      job = this.jobs.merging.findAny(Codec.latin1(frame.bytes, frame.start, end))
    }
    this.tellStatus(session, PacketType.STATUS_RES_UNIQUE, frame, end, job)
  }

  private option(session: Session, frame: Codec.Frame): void {
    const end = endOfText(frame.bytes, frame.start, frame.end)
    if (!isExceptions(frame.bytes, frame.start, end)) return this.refuse(session, Replies.refusals.unknownOption)
    session.wantsExceptions = true
    Replies.echo(session, PacketType.OPTION_RES, frame)
  }
}

const exceptionsOption = Packet.toBytes("exceptions")

const isExceptions = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (end - start !== exceptionsOption.length) return false
  // Bit 32 is all that tells upper and lower case letters apart.
  for (let at = start; at < end; at++) if ((bytes[at]! | 32) !== exceptionsOption[at - start]) return false
  return true
}
