/**
 * The packets a job server answers with, written straight into a connection's outbox.
 * Codes and texts of ERROR are gearmand's: libraries compare the codes.
 *
 * @since 0.1.0
 */
import type * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"
import type { Action } from "./Access.ts"
import type { Job } from "./Job.ts"
import { shuttingDownCode } from "../connection/ShuttingDown.ts"
import { byReferenceBytes } from "./Outbox.ts"
import type { Lines } from "./Lists.ts"
import type { Session } from "./Session.ts"

const { PacketType } = Packet

/**
 * What is wrong with a request, as ERROR tells it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  readonly code: string
  readonly text: string
}

/**
 * Refusals that gearmand has too.
 *
 * @since 0.1.0
 * @category constants
 */
export const refusals = {
  responseMagic: { code: "INVALID_MAGIC", text: "Request magic expected" },
  unexpectedCommand: { code: "INVALID_COMMAND", text: "Command not expected" },
  uniqueTooLarge: { code: "ARGUMENT_TOO_LARGE", text: "Unique value too large" },
  handleTooLarge: {
    code: "ARGUMENT_TOO_LARGE",
    text: "Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf"
  },
  queueFull: { code: "QUEUE_ERROR", text: "Job queue is full" },
  unknownOption: { code: "UNKNOWN_OPTION", text: "Server does not recognize given option" },
  noJobForData: { code: "JOB_NOT_FOUND", text: "Job does not exist on server" },
  noJobForResult: { code: "JOB_NOT_FOUND", text: "Job given in work result not found" },
  noJobForException: { code: "JOB_NOT_FOUND", text: "An exception was received for a job that does not exist" }
} as const satisfies Record<string, Refusal>

/**
 * Refusals of our own, where gearmand closes the connection, hangs, or says nothing.
 *
 * @since 0.1.0
 * @category constants
 */
export const ownRefusals = {
  functionTooLarge: { code: "ARGUMENT_TOO_LARGE", text: "Function name too large" },
  reducerTooLarge: { code: "ARGUMENT_TOO_LARGE", text: "Reducer name too large" },
  tooManyAbilities: { code: "QUEUE_ERROR", text: "Too many functions of one connection" },
  tooManyFunctions: { code: "QUEUE_ERROR", text: "Too many functions" },
  shuttingDown: { code: shuttingDownCode, text: "The job was not taken; ask another server" },
  epochOutOfRange: { code: "INVALID_ARGUMENT", text: "Epoch out of range" },
  maySubmitNothing: { code: "ACCESS_DENIED", text: "This connection may not ask for jobs" },
  timeoutOutOfRange: { code: "INVALID_ARGUMENT", text: "Timeout out of range" }
} as const satisfies Record<string, Refusal>

/**
 * That a connection lacks a right; the function's name has one character per byte.
 *
 * @since 0.1.0
 * @category constructors
 */
export const denied = ({ rights }: Session, action: Action, key: string): Refusal => ({
  code: "ACCESS_DENIED",
  text: `${rights.identity} may not ${action} ${key}`
})

/**
 * ERROR.
 *
 * @since 0.1.0
 * @category replies
 */
export const error = (session: Session, { code, text }: Refusal): void => {
  const bytes = code.length + 1 + text.length
  if (!session.begin(PacketType.ERROR, bytes, bytes)) return
  session.outbox.putLatin1(code)
  session.outbox.putByte(0)
  session.outbox.putLatin1(text)
}

/**
 * JOB_CREATED.
 *
 * @since 0.1.0
 * @category replies
 */
export const jobCreated = (session: Session, job: Job): void => {
  if (session.begin(PacketType.JOB_CREATED, job.handleBytes, job.handleBytes)) session.outbox.putHandle(job)
}

/**
 * NO_JOB.
 *
 * @since 0.1.0
 * @category replies
 */
export const noJob = (session: Session): void => {
  session.begin(PacketType.NO_JOB, 0, 0)
}

/**
 * JOB_ASSIGN, JOB_ASSIGN_UNIQ or JOB_ASSIGN_ALL, as the worker asked for it. A job without
 * a reducer is never sent as JOB_ASSIGN_ALL.
 *
 * @since 0.1.0
 * @category replies
 */
export const jobAssign = (session: Session, job: Job, grabType: number): void => {
  const { reducer, unique, workload } = job
  const { name } = job.function
  const hasUnique = grabType !== PacketType.GRAB_JOB
  const hasReducer = grabType === PacketType.GRAB_JOB_ALL && reducer !== undefined
  const isLarge = workload.length >= byReferenceBytes
  let fieldBytes = job.handleBytes + 1 + name.length + 1
  if (hasUnique) fieldBytes += unique.length + 1
  if (hasReducer) fieldBytes += reducer.length + 1
  const type = hasReducer ? PacketType.JOB_ASSIGN_ALL : hasUnique ? PacketType.JOB_ASSIGN_UNIQ : PacketType.JOB_ASSIGN
  const bodyBytes = fieldBytes + workload.length
  if (!session.begin(type, bodyBytes, isLarge ? fieldBytes : bodyBytes)) return
  const { outbox } = session
  outbox.putHandle(job)
  outbox.putByte(0)
  outbox.put(name)
  outbox.putByte(0)
  if (hasUnique) {
    outbox.putLatin1(unique)
    outbox.putByte(0)
  }
  if (hasReducer) {
    outbox.putLatin1(reducer)
    outbox.putByte(0)
  }
  if (isLarge) outbox.putReference(workload)
  else outbox.put(workload)
}

/**
 * A reply that gives bytes of the request back: ECHO_RES, OPTION_RES.
 *
 * @since 0.1.0
 * @category replies
 */
export const echo = (session: Session, type: number, frame: Codec.Frame): void => {
  const { end, start } = frame
  const length = end - start
  if (length < byReferenceBytes) {
    if (session.begin(type, length, length)) session.outbox.putRange(frame.bytes, start, end)
  } else if (session.begin(type, length, 0)) {
    session.outbox.putLoan(session.outbox.buffers.lend(frame, start, end))
  }
}

/**
 * The replies that tell how a job is.
 *
 * @since 0.1.0
 * @category models
 */
export type StatusType = typeof PacketType.STATUS_RES | typeof PacketType.STATUS_RES_UNIQUE

/**
 * STATUS_RES, or STATUS_RES_UNIQUE with its count of clients. What was asked for, a handle
 * or a unique, comes back as it was sent.
 *
 * @since 0.1.0
 * @category replies
 */
export const status = (
  session: Session,
  type: StatusType,
  bytes: Uint8Array,
  start: number,
  end: number,
  job: Job | undefined
): void => {
  const known = job === undefined ? 0 : 1
  const running = job?.state === "running" ? 1 : 0
  let text = `\0${known}\0${running}\0${job?.numerator ?? 0}\0${job?.denominator ?? 0}`
  if (type === PacketType.STATUS_RES_UNIQUE) text += `\0${job?.listeners.length ?? 0}`
  const bodyBytes = end - start + text.length
  if (!session.begin(type, bodyBytes, bodyBytes)) return
  session.outbox.putRange(bytes, start, end)
  session.outbox.putLatin1(text)
}

/**
 * The answer to a text command, one byte per character.
 *
 * @since 0.1.0
 * @category replies
 */
export const text = (session: Session, answer: string): void => {
  session.touch()
  if (session.outbox.reserve(answer.length)) session.outbox.putLatin1(answer)
}

/**
 * A list, as far as it can be made at once; the rest follows while it goes out.
 *
 * @since 0.1.0
 * @category encoding
 */
export const list = (session: Session, lines: Lines): void => {
  session.touch()
  session.outbox.putList(lines)
}
