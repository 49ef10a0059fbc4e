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

/** Names are free to invent: of more kinds than this only the reason counts. */
const maxKinds = 1_000

interface Told {
  readonly atMillis: number
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
  const forgetOld = (now: number) => {
    for (const [kind, { atMillis }] of kinds) {
      // They stand in the order in which they were told.
      if (now - atMillis < quietMillis) return
      kinds.delete(kind)
    }
  }
  return (session, reason, key) => {
    const fields = fieldsOf(session, reason, key)
    const now = nowMillis()
    const exact = JSON.stringify(fields)
    if (kinds.size >= maxKinds && !kinds.has(exact)) forgetOld(now)
    const kind = kinds.size < maxKinds || kinds.has(exact) ? exact : reason
    const told = kinds.get(kind)
    if (told !== undefined && now - told.atMillis < quietMillis) {
      told.untold++
      return log.write("DEBUG", "refused", fields)
    }
    const untold = told?.untold ?? 0
    kinds.delete(kind)
    kinds.set(kind, { atMillis: now, untold: 0 })
    log.write("WARNING", "refused", untold === 0 ? fields : { ...fields, untold })
  }
}
