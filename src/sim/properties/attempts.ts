/**
 * What workers say of an attempt, at the time when they may, and that callers hear it as it
 * was said: properties 5, 16 and 19.
 *
 * @since 0.1.0
 */
import { type IsPrompt, noted } from "./following.ts"
import { type Property, Violation } from "./Property.ts"
import type { Call } from "./Scene.ts"

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
export const surrender = (limitOf: (fn: string) => number): Property => ({
  name: "surrender",
  of: "workers",
  said: ({ now }, { brought }, { fields: [handle = ""], name, node }) => {
    const job = name === "WORK_FAIL" ? brought.get(handle) : undefined
    const limit = job === undefined ? 0 : limitOf(job.function)
    // What stood ready when the same job came again goes out all the same.
    if (job === undefined || limit === 0 || now === job.at || now - job.at >= (limit + graceMillis) * 0.9) return
    throw new Violation(19, `${node} says that ${handle} fails ${now - job.at} ms after it came, before it is put back`)
  }
})

/** Handlers say how many thousandths are done. */
const progressTotal = "1000"

/** What a worker is told, its program has heard of after so long. */
const noticeMillis = 30

/**
 * A handler that goes on for a moment when its attempt is over says nothing that the server
 * would take for words of the next attempt. Such words name their execution, as `late 7`,
 * and are said when it finishes.
 *
 * @since 0.1.0
 * @category properties
 */
export const lateWords = (isPrompt: IsPrompt): Property => ({
  name: "lateWords",
  of: "workers",
  said: ({ executions, now }, { brought }, { fields: [handle = "", text = "", total], name, node }) => {
    if (name === "WORK_STATUS" && total !== progressTotal)
      throw new Violation(5, `${node} says "${text} ${total}" of ${handle}, and no handler said that`)
    if (name !== "WORK_DATA" || !text.startsWith("late ")) return
    const { at, finishedAt } = executions.get(Number(text.slice("late ".length)))!
    const since = brought.get(handle)?.at ?? 0
    if (!isPrompt(node) || since <= at || Math.min(finishedAt, now) - since < noticeMillis) return
    throw new Violation(16, `${node} said "${text}" of ${handle}, which it has anew since ${since} ms`)
  }
})

/**
 * What a caller hears while its job runs is what a worker of that job has said: data as
 * data, warnings as warnings, each of them no more than once.
 *
 * @since 0.1.0
 * @category properties
 */
export const hearing = (): Property => {
  const heardBy = noted<Call, Set<string>>(() => new Set())
  return {
    name: "hearing",
    of: "clients",
    strayed: (_, { _tag, caller, text }) => {
      if (_tag === "Heard") throw new Violation(7, `caller ${caller} hears "${text}" after its end`)
    },
    hears: ({ executions }, call, { caller, kind, text }) => {
      if (kind === "status") return
      const [word = "", execution = "", total] = text.split(" ")
      const ran = executions.get(Number(execution))
      if (
        word !== kind ||
        (kind === "progress" && total !== progressTotal) ||
        ran?.function !== call.function ||
        ran.workload !== call.workload
      )
        throw new Violation(5, `caller ${caller} of ${call.function} ${call.workload} hears ${kind} "${text}"`)
      const heard = heardBy(call)
      if (heard.has(text)) throw new Violation(5, `caller ${caller} hears ${kind} "${text}" twice`)
      heard.add(text)
    }
  }
}
