/**
 * The client's packets as bytes, and the checks that keep what cannot be sent from
 * breaking the connection that others share.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { BackgroundOptions } from "../Client.ts"
import * as Codec from "../Codec.ts"
import { show, wait } from "../connection/Count.ts"
import { InvalidRequest } from "../GearmanError.ts"
import * as Packet from "../Packet.ts"
import type { Priority } from "../JobFunction.ts"

/** libgearman's limit, which other clients and workers have too. */
export const maxFunctionBytes = 512
/** gearmand merges nothing whose unique is longer. */
export const maxUniqueBytes = 63
/** gearmand answers nothing to a longer one. */
export const maxHandleBytes = 63
/** What a job server of this library accepts at most in one packet. */
export const maxPacketBytes = Codec.defaultLimits.maxPacketBytes

const { PacketType } = Packet

const foreground = { high: PacketType.SUBMIT_JOB_HIGH, normal: PacketType.SUBMIT_JOB, low: PacketType.SUBMIT_JOB_LOW }
const background = {
  high: PacketType.SUBMIT_JOB_HIGH_BG,
  normal: PacketType.SUBMIT_JOB_BG,
  low: PacketType.SUBMIT_JOB_LOW_BG
}

/** A name, unique or handle: bytes without a NUL, no more than the limit. */
const checkField = (field: string, bytes: Uint8Array, limit: number): InvalidRequest | undefined => {
  if (bytes.length > limit) {
    return new InvalidRequest({ field, problem: `it has ${bytes.length} bytes, the limit is ${limit}` })
  }
  return bytes.includes(0) ? new InvalidRequest({ field, problem: "it contains a NUL byte" }) : undefined
}

export const checkFunction = (name: Uint8Array): InvalidRequest | undefined =>
  name.length === 0
    ? new InvalidRequest({ field: "function name", problem: "it is empty" })
    : checkField("function name", name, maxFunctionBytes)

export const checkUnique = (unique: Uint8Array): InvalidRequest | undefined =>
  checkField("unique", unique, maxUniqueBytes)

export const checkHandle = (handle: string): InvalidRequest | undefined =>
  checkField("handle", Codec.fromLatin1(handle), maxHandleBytes)

export interface Job {
  readonly function: Uint8Array
  readonly unique: Uint8Array
  readonly workload: Uint8Array
  readonly priority: Priority
  readonly isBackground: boolean
  /** Seconds since 1970; 0 for now. */
  readonly epochSeconds: number
}

/** The job's SUBMIT_ packet; the function's name is checked already. (Gearman protocol, "Client Requests") */
export const submission = (job: Job): Uint8Array | InvalidRequest => {
  const { function: name, unique } = job
  const problem = checkUnique(unique)
  if (problem !== undefined) return problem
  const { epochSeconds, priority } = job
  if (!Number.isSafeInteger(epochSeconds)) {
    return new InvalidRequest({
      field: "time",
      problem: "it is too far away; leave such a job to whoever will want it"
    })
  }
  // A type that does not exist would cost all who share the connection their jobs.
  const prompt: number | undefined = (job.isBackground ? background : foreground)[priority]
  if (prompt === undefined) {
    return new InvalidRequest({
      field: "priority",
      problem: `it is ${String(priority)}; it must be high, normal or low`
    })
  }
  const epoch = epochSeconds > 0 ? Packet.toBytes(String(epochSeconds)) : undefined
  const type = epoch === undefined ? prompt : PacketType.SUBMIT_JOB_EPOCH
  const prefix = epoch === undefined ? [name, unique] : [name, unique, epoch]
  let bodyBytes = prefix.length + job.workload.length
  for (const field of prefix) bodyBytes += field.length
  if (bodyBytes > maxPacketBytes) {
    return new InvalidRequest({
      field: "workload",
      problem: `the packet would have ${bodyBytes} bytes, the limit is ${maxPacketBytes}`
    })
  }
  const bytes = new Uint8Array(Codec.headerBytes + bodyBytes)
  Codec.writeHeader(bytes, 0, false, type, bodyBytes)
  let at = Codec.headerBytes
  for (const field of prefix) {
    bytes.set(field, at)
    at += field.length + 1
  }
  bytes.set(job.workload, at)
  return bytes
}

/** In whole seconds, as SUBMIT_JOB_EPOCH has it; 0 for a job that is not delayed. Throws where a time makes no sense. */
export const epochSeconds = ({ after, at }: BackgroundOptions, nowMilliseconds: number): number => {
  if (at === undefined && after === undefined) return 0
  const moment = at === undefined ? nowMilliseconds + Duration.toMillis(wait("after", after!)) : momentOf(at)
  return Math.ceil(moment / 1000)
}

const momentOf = (at: DateTime.DateTime | Date): number => {
  const moment = DateTime.make(at)
  if (Option.isSome(moment)) return DateTime.toEpochMillis(moment.value)
  throw new RangeError(
    `at is ${show(at)}; it must be a moment, such as new Date("2040-01-01T00:00:00Z"), or a DateTime`
  )
}
