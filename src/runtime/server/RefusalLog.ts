/**
 * What is refused, as lines of the log: who was refused what is told once a minute, and in
 * between at DEBUG. A flood must not become a flood of lines.
 */
import type { Reason, RefusalObserver } from "../../protocol/server/Refusals.ts"
import type { Session } from "../../protocol/server/Session.ts"
import type { Log } from "./Log.ts"
import type { Fields } from "./LogFormat.ts"

/** For so long the same is not told again. */
const quietMillis = 60_000

/** Names are free to invent: of one peer's further kinds only the reason counts, so that others are heard of too. */
const maxKindsOfOne = 20

/** Of all peers together; of further kinds only the reason counts. */
const maxKinds = 1_000

interface Told {
  readonly atMillis: number
  readonly who: string
  readonly fields: Fields
  /** How many were not told of since. */
  untold: number
}

const fieldsOf = (session: Session | undefined, reason: Reason, key: string | undefined): Fields => ({
  reason,
  ...(key === undefined ? {} : { function: Buffer.from(key, "latin1").toString() }),
  ...(session === undefined
    ? {}
    : {
        identity: Buffer.from(session.rights.identity, "latin1").toString(),
        address: session.peer.peerHost ?? ""
      })
})

/** Tells the log of each refusal; `nowMillis` is any clock that does not jump. */
export const make = (log: Log, nowMillis: () => number = () => performance.now()): RefusalObserver => {
  const kinds = new Map<string, Told>()
  const kindsOf = new Map<string, number>()
  const warn = (fields: Fields, untold: number) =>
    log.write("WARNING", "refused", untold === 0 ? fields : { ...fields, untold })
  const forgetOld = (now: number) => {
    for (const [kind, { atMillis, fields, untold, who }] of kinds) {
      // They stand in the order in which they were told.
      if (now - atMillis < quietMillis) return
      kinds.delete(kind)
      const left = kindsOf.get(who)! - 1
      if (left === 0) kindsOf.delete(who)
      else kindsOf.set(who, left)
      if (untold > 0) warn(fields, untold)
    }
  }
  const isRoomFor = (who: string) => kinds.size < maxKinds && (kindsOf.get(who) ?? 0) < maxKindsOfOne
  return (session, reason, key) => {
    const now = nowMillis()
    forgetOld(now)
    const whole = fieldsOf(session, reason, key)
    const peer = fieldsOf(session, reason, undefined)
    const who = JSON.stringify([peer["identity"], peer["address"]])
    const exact = JSON.stringify(whole)
    const fields = kinds.has(exact) || isRoomFor(who) ? whole : kinds.size < maxKinds ? peer : { reason }
    const kind = fields === whole ? exact : JSON.stringify(fields)
    const told = kinds.get(kind)
    if (told !== undefined) {
      told.untold++
      return log.write("DEBUG", "refused", whole)
    }
    kinds.set(kind, { atMillis: now, who, fields, untold: 0 })
    kindsOf.set(who, (kindsOf.get(who) ?? 0) + 1)
    warn(whole, 0)
  }
}
