/**
 * A job server's state in a form that does not depend on how it came about: two servers
 * that will do the same from now on have the same text and the same hash, whatever numbers
 * their jobs bear and however late it is. A search that meets a state again need not go on.
 *
 * A job is named by its place (`echo/1/0` is the first of the normal queue of `echo`), a
 * connection by whoever holds its other end, a deadline by its place among the others.
 *
 * @since 0.1.0
 */
import * as Codec from "../../protocol/Codec.ts"
import type { Deadlines, Timed } from "../../protocol/server/Deadlines.ts"
import type { ServerFunction } from "../../protocol/server/Functions.ts"
import type { Job } from "../../protocol/server/Job.ts"
import type { JobServerCore } from "../../protocol/server/JobServerCore.ts"
import type { Now } from "../../protocol/server/Now.ts"
import type { Session } from "../../protocol/server/Session.ts"
import { TraceHash } from "../TraceHash.ts"

/**
 * What a connection is called: by its other end, the same in every run, and no two alike.
 *
 * @since 0.1.0
 * @category models
 */
export type NameOf = (session: Session) => string

interface Deadline {
  readonly name: string
  readonly millis: number
}

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

const byDue = (one: Timed, other: Timed): number => one.dueMillis - other.dueMillis || one.number - other.number

const membersOf = <T extends Timed>(deadlines: Deadlines<T>): ReadonlyArray<T> => deadlines["heap"].toSorted(byDue)

/** In which order they are due, what is due together, and what is due already: no times. */
const orderOf = (deadlines: ReadonlyArray<Deadline>, nowMillis: number): ReadonlyArray<string> => {
  let before: number | undefined
  return deadlines
    .toSorted((one, other) => one.millis - other.millis)
    .map(({ millis, name }) => {
      const sign = millis <= nowMillis ? "due" : millis === before ? "with" : "then"
      before = millis
      return `${sign} ${name}`
    })
}

/**
 * What each live job is called, by its number. Handles that peers and packets on the way
 * know have to be named alike where they are part of a larger state.
 *
 * @since 0.1.0
 * @category getters
 */
export const jobNames = ({ jobs, sessions }: JobServerCore, nameOf: NameOf): ReadonlyMap<number, string> => {
  const names = new Map<number, string>()
  for (const fn of jobs.functions.values()) {
    for (const [priority, queue] of fn.queues.entries()) {
      let index = 0
      for (const job of queue) names.set(job.number, `${fn.key}/${priority}/${index++}`)
    }
  }
  for (const session of sessions) {
    let index = 0
    for (const job of session.running) names.set(job.number, `${nameOf(session)}!${index++}`)
  }
  for (const [index, job] of membersOf(jobs.scheduled).entries()) names.set(job.number, `scheduled/${index}`)
  return names
}

/**
 * The state as plain data; what differs between two states is found by comparing these.
 * Counters, what was said before, and what a log would tell are no part of it. Of the
 * bytes that are not sent yet only the number: they are the network's.
 *
 * @since 0.1.0
 * @category conversions
 */
export const canonicalState = (core: JobServerCore, now: Now, nameOf: NameOf): unknown => {
  const { jobs, sessions } = core
  const { functions, grabs, merging } = jobs
  const names = jobNames(core, nameOf)
  const nameOfJob = (job: Job): string => names.get(job.number) ?? "gone"
  const keyOf = (fn: ServerFunction): string => fn.key
  const namesOf = (of: Iterable<Session>): ReadonlyArray<string> => Array.from(of, nameOf)

  const jobOf = (job: Job): ReadonlyArray<unknown> => [
    nameOfJob(job),
    job.function.key,
    job.unique,
    Codec.latin1(job.workload),
    job.reducer ?? null,
    job.priority,
    job.isBackground,
    job.isCancelled,
    job.retries,
    job.numerator,
    job.denominator,
    typeof job.mergeKey,
    typeof job.mergeKey === "string" && merging.findUnique(job.function, job.mergeKey)?.number === job.number,
    job.listeners.map(({ session, sessionIndex }) => `${nameOf(session)}.${sessionIndex}`)
  ]

  const functionOf = (fn: ServerFunction): ReadonlyArray<unknown> => [
    fn.key,
    fn.maxQueue,
    // Also those who are awake: they keep their place until they sleep again.
    Array.from(fn.sleepers, ({ session }) => nameOf(session)),
    Array.from(fn.woken, nameOf),
    grabs["saved"].get(fn) ?? 0
  ]

  const sessionOf = (session: Session): ReadonlyArray<unknown> => [
    nameOf(session),
    Codec.latin1(session.clientId),
    session.wantsExceptions,
    session.rights.isFull || session.rights.identity,
    session.hasText,
    session.isProbed,
    session.sleep,
    session.wokenBy?.function.key ?? null,
    session.heldGrab,
    session.isOpen,
    session.closing,
    session.outbox.waitingBytes,
    Array.from(session.abilities.values())
      .sort((one, other) => one.turn - other.turn)
      .map((ability) => [ability.function.key, ability.timeoutMillis]),
    Array.from(session.running, nameOfJob),
    session.attachments.map(({ job }) => nameOfJob(job)),
    Array.from(session["formerAttempts"] ?? [], ([number, kind]) => `${names.get(number) ?? "gone"} ${kind}`)
  ]

  const monotonic: ReadonlyArray<Deadline> = [
    ...membersOf(jobs.attempts).map((job) => ({ name: `attempt ${nameOfJob(job)}`, millis: job.dueMillis })),
    ...membersOf(jobs.passOns).map((fn) => ({ name: `pass on ${fn.key}`, millis: fn.dueMillis })),
    ...Array.from(sessions)
      .filter(({ wokenBy }) => wokenBy !== undefined)
      .sort((one, other) => byText(nameOf(one), nameOf(other)))
      .map((one) => ({ name: `give up ${nameOf(one)}`, millis: one.wokenMillis + core.options.wakeupTimeoutMillis })),
    ...membersOf(core["lingering"]).map((one) => ({ name: `cut ${nameOf(one)}`, millis: one.dueMillis })),
    ...membersOf(core["idle"]).flatMap((one) => [
      { name: `look at ${nameOf(one)}`, millis: one.dueMillis },
      { name: `idle ${nameOf(one)}`, millis: one.heardMillis + core.options.idleTimeoutMillis }
    ])
  ]
  const wall = membersOf(jobs.scheduled).map((job) => ({ name: nameOfJob(job), millis: job.dueMillis }))

  const all = Array.from(jobs.byNumber.values())
  // Of equal uniques of several functions GET_STATUS_UNIQUE tells the newest.
  const merged = all
    .filter(({ mergeKey }) => typeof mergeKey === "string")
    .toSorted((one, other) => byText(one.unique, other.unique) || one.number - other.number)
  return {
    jobs: all.map(jobOf).sort(([one], [other]) => byText(String(one), String(other))),
    merged: merged.map(nameOfJob),
    functions: Array.from(functions.values())
      .sort((one, other) => byText(one.key, other.key))
      .map(functionOf),
    // The one that is idle for longest goes first when there are too many.
    idle: Array.from(functions["idle"], keyOf),
    sessions: Array.from(new Set([...sessions, ...membersOf(core["lingering"])]))
      .sort((one, other) => byText(nameOf(one), nameOf(other)))
      .map(sessionOf),
    grabs: namesOf(grabs["held"]),
    touched: namesOf(core["delivery"].touched),
    monotonic: orderOf(monotonic, now.monotonicMillis),
    wall: orderOf(wall, now.wallMillis),
    shutdown: core.shutdown
  }
}

/**
 * 32 hexadecimal digits for the state. Costs as much as there is state.
 *
 * @since 0.1.0
 * @category operations
 */
export const stateHash = (core: JobServerCore, now: Now, nameOf: NameOf): string => {
  const hash = new TraceHash()
  hash.text(JSON.stringify(canonicalState(core, now, nameOf)))
  return hash.digest()
}
