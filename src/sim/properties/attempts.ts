/**
 * What workers say of an attempt, at the time when they may, and that callers hear it as it
 * was said: properties 5, 16 and 19.
 *
 * @since 0.1.0
 */
import type { Event } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

/** A worker that gave up lets the server put the job back first, for a second by its own clock. */
const graceMillis = 800

/**
 * A worker fails a job that is over its time only when its server had time to give it to
 * another. `limitOf` gives the time that a function of its own may take, 0 where it is for
 * ever or where handlers themselves say that a job fails.
 *
 * @since 0.1.0
 * @category properties
 */
export const surrender = (limitOf: (fn: string) => number): Property => {
  /** By connection and handle: the function's limit, and when the job came. */
  const brought = new Map<string, { readonly limit: number; readonly at: number }>()
  return {
    name: "surrender",
    packets: "workers",
    observe: ({ at, event }) => {
      if (event._tag !== "Packet") return
      const { connection, fields, got, name, node } = event
      const [handle = "", fn = ""] = fields
      const key = `${connection} ${handle}`
      if (got && name.startsWith("JOB_ASSIGN")) {
        const limit = limitOf(fn)
        if (limit > 0) brought.set(key, { limit, at })
        else brought.delete(key)
      } else if (!got && name === "WORK_FAIL") {
        const job = brought.get(key)
        // What stood ready when the same job came again goes out all the same.
        if (job === undefined || at === job.at || at - job.at >= (job.limit + graceMillis) * 0.9) return
        throw new Violation(
          19,
          `${node} says that ${handle} fails ${at - job.at} ms after it came, before it is put back`
        )
      }
    }
  }
}

/** Handlers say how many thousandths are done. */
const progressTotal = 1000

/** What a worker is told, its program has heard of after so long. */
const noticeMillis = 30

/**
 * A handler that goes on for a moment when its attempt is over says nothing that the server
 * would take for words of the next attempt. Such words name their execution, as `late 7`,
 * and are said when it finishes. `isPrompt` tells whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const lateWords = (isPrompt: (node: string) => boolean): Property => {
  /** By connection and handle: when the job came last. */
  const brought = new Map<string, number>()
  const beganAt = new Map<string, number>()
  const finishedAt = new Map<string, number>()
  return {
    name: "lateWords",
    packets: "workers",
    observe: ({ at, event }) => {
      if (event._tag === "Began") beganAt.set(String(event.execution), at)
      else if (event._tag === "Finished") {
        if (event.how === "interrupted") finishedAt.set(String(event.execution), at)
        else beganAt.delete(String(event.execution))
      }
      if (event._tag !== "Packet") return
      const { connection, fields, got, name, node } = event
      const [handle = "", text = ""] = fields
      const key = `${connection} ${handle}`
      if (got && name.startsWith("JOB_ASSIGN")) brought.set(key, at)
      if (!got && name === "WORK_STATUS" && fields[2] !== String(progressTotal))
        throw new Violation(5, `${node} says "${text} ${fields[2]}" of ${handle}, and no handler said that`)
      if (got || name !== "WORK_DATA" || !text.startsWith("late ")) return
      const execution = text.slice("late ".length)
      const since = brought.get(key) ?? 0
      if (!isPrompt(node) || since <= beganAt.get(execution)!) return
      if ((finishedAt.get(execution) ?? at) - since < noticeMillis) return
      throw new Violation(16, `${node} said "${text}" of ${handle}, which it has anew since ${since} ms`)
    }
  }
}

type Heard = Extract<Event, { readonly _tag: "Heard" }>

/**
 * What a caller hears while its job runs is what a worker of that job has said: data as
 * data, warnings as warnings, each of them no more than once.
 *
 * @since 0.1.0
 * @category properties
 */
export const hearing = (): Property => {
  const executions = new Map<string, { readonly function: string; readonly workload: string }>()
  const open = new Map<number, { readonly function: string; readonly workload: string }>()
  const heard = new Set<string>()
  const judge = ({ caller, kind, text }: Heard): void => {
    const asked = open.get(caller)
    if (asked === undefined) throw new Violation(7, `caller ${caller} hears ${kind} "${text}" after its end`)
    const [word = "", execution = ""] = text.split(" ")
    const ran = executions.get(execution)
    if (word !== kind || ran?.function !== asked.function || ran.workload !== asked.workload)
      throw new Violation(5, `caller ${caller} of ${asked.function} ${asked.workload} hears ${kind} "${text}"`)
    const once = `${caller} ${text}`
    if (heard.has(once)) throw new Violation(5, `caller ${caller} hears ${kind} "${text}" twice`)
    heard.add(once)
  }
  return {
    name: "hearing",
    packets: "none",
    observe: ({ event }) => {
      if (event._tag === "Heard") judge(event)
      else if (event._tag === "Asked") open.set(event.caller, event)
      else if (event._tag === "Answered") open.delete(event.caller)
      else if (event._tag === "Began") executions.set(String(event.execution), event)
    }
  }
}
