/**
 * How long callers wait: until their own time limit and no longer (61), and long enough for
 * a server to come back (37).
 *
 * @since 0.1.0
 */
import type { IsPrompt } from "./following.ts"
import { type Property, Violation } from "./Property.ts"

/** Clocks may run a tenth faster or slower, and a program needs a moment. */
const earliest = 0.89
const latest = 1.12
const noticeMillis = 100

/**
 * A caller's time limit ends its wait, and not before its time.
 *
 * @since 0.1.0
 * @category properties
 */
export const deadlines = (isPrompt: IsPrompt): Property => ({
  name: "deadlines",
  of: "clients",
  failed: ({ now }, { at, caller, limitMillis = 0 }, reason) => {
    const waited = now - at
    if (reason === "Timeout" && waited < limitMillis * earliest)
      throw new Violation(61, `caller ${caller} was told Timeout after ${waited} ms, of ${limitMillis} that it had`)
  },
  atRest: ({ calls }, until) => {
    for (const { at, caller, limitMillis = Infinity, node } of calls.values()) {
      if (until - at <= limitMillis * latest + noticeMillis || !isPrompt(node)) continue
      throw new Violation(61, `caller ${caller} still waits, ${until - at} ms after it asked for ${limitMillis}`)
    }
  }
})

/** Callers wait five seconds for any server, by a clock that may run a tenth faster. */
const patienceMillis = 4400

/**
 * A caller is not told that there is no server, or that nobody knows what became of an
 * idempotent job, before it has waited for one.
 * Setting a wall clock shortens no wait.
 *
 * @since 0.1.0
 * @category properties
 */
export const patience = (): Property => ({
  name: "patience",
  of: "clients",
  failed: ({ now, stopping }, { at, caller, idempotent, kind, node }, reason) => {
    const isHasty = now - at < patienceMillis && (kind === "run" || kind === "background") && !stopping.has(node)
    if (isHasty && (reason === "NoServer" || (reason === "Ambiguous" && idempotent)))
      throw new Violation(37, `caller ${caller} was told ${reason} after ${now - at} ms`)
  }
})
