/**
 * A caller's time limit ends its wait, and not before its time: property 61.
 *
 * @since 0.1.0
 */
import { type Asked } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

/** Clocks may run a tenth faster or slower, and a program needs a moment. */
const earliest = 0.89
const latest = 1.12
const noticeMillis = 100

/**
 * `isPrompt` tells whose programs nothing holds up.
 *
 * @since 0.1.0
 * @category properties
 */
export const deadlines = (isPrompt: (node: string) => boolean): Property => {
  const open = new Map<number, { readonly asked: Asked; readonly at: number; readonly limit: number }>()
  return {
    name: "deadlines",
    packets: "none",
    observe: ({ at, event }) => {
      if (event._tag === "Asked" && event.limitMillis !== undefined)
        open.set(event.caller, { asked: event, at, limit: event.limitMillis })
      else if (event._tag === "Ended") {
        for (const [caller, { asked }] of open) if (asked.node === event.node) open.delete(caller)
      } else if (event._tag === "Answered") {
        const one = open.get(event.caller)
        open.delete(event.caller)
        if (event.how !== "failure" || event.text !== "Timeout" || one === undefined) return
        const waited = at - one.at
        if (waited >= one.limit * earliest) return
        throw new Violation(
          61,
          `caller ${event.caller} was told Timeout after ${waited} ms, of ${one.limit} that it had`
        )
      }
    },
    atRest: (_servers, until) => {
      for (const [caller, { asked, at, limit }] of open) {
        if (until - at <= limit * latest + noticeMillis || !isPrompt(asked.node)) continue
        throw new Violation(61, `caller ${caller} still waits, ${until - at} ms after it asked for ${limit}`)
      }
    }
  }
}
