/**
 * The functions of `npm run soak`. Each payload begins with the job's number.
 */
import * as JobFunction from "../../src/protocol/JobFunction.ts"

export const echo = JobFunction.utf8("soak.echo")
export const slow = JobFunction.utf8("soak.slow")
export const shared = JobFunction.utf8("soak.shared")
export const failing = JobFunction.utf8("soak.fail")
export const throwing = JobFunction.utf8("soak.throw")
/** For background jobs: workers print the numbers of those they have done. */
export const note = JobFunction.utf8("soak.note")

export const payloadOf = (id: number, bytes: number): string => `${id} `.padEnd(bytes, "abcdefghijklmnopqrstuvwxyz")

export const idOf = (payload: string): number => Number(payload.slice(0, payload.indexOf(" ")))
