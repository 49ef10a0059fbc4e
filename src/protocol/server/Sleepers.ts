/**
 * Who sleeps, and whom a new job wakes. The invariant: a function with work to hand out
 * never has an able connection asleep while no NOOP is under way for it.
 *
 * A function's list of sleepers is kept lazily: a connection enters it when it falls asleep
 * and leaves it when the function wakes it, or looks at it and finds it awake. So falling
 * asleep costs what waking up has cost, also with thousands of functions per connection.
 *
 * @since 0.1.0
 */
import * as Packet from "../Packet.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Ability, Session } from "./Session.ts"

const list = (ability: Ability): void => {
  ability.isListed = true
  ability.function.sleepers.push(ability)
}

/** An ability that is in no list, for one that was woken or is not asleep. */
export const unlist = (ability: Ability): void => {
  ability.isListed = false
  ability.session.unlisted.push(ability)
}

const sendNoop = (ability: Ability, nowMillis: number): void => {
  const { session } = ability
  session.sleep = "woken"
  session.wokenBy = ability
  session.wokenMillis = nowMillis
  ability.function.woken.push(session)
  session.begin(Packet.PacketType.NOOP, 0, 0)
}

/**
 * Sends NOOP to sleepers that can do the function: to all, or to the `most` that have
 * waited longest. Returns to how many.
 *
 * @since 0.1.0
 * @category operations
 */
export const wake = (fn: ServerFunction, most: number, nowMillis: number): number => {
  let woken = 0
  for (let left = most === 0 ? Infinity : most; left > 0;) {
    const ability = fn.sleepers.shift()
    if (ability === undefined) break
    unlist(ability)
    if (ability.session.sleep !== "asleep") continue
    sendNoop(ability, nowMillis)
    woken++
    left--
  }
  return woken
}

/**
 * Looks for what must never be: somebody asleep that can do the function while no NOOP is
 * under way for it. Wakes that one, and tells that it had to. Looks at so many abilities at
 * most.
 *
 * @since 0.1.0
 * @category operations
 */
export const rescue = (fn: ServerFunction, most: number, nowMillis: number): boolean => {
  let sleeper: Ability | undefined
  let left = most
  for (const ability of fn.abilities) {
    if (ability.session.wokenBy === ability || left-- === 0) return false
    if (ability.session.sleep === "asleep") sleeper ??= ability
  }
  if (sleeper === undefined) return false
  sendNoop(sleeper, nowMillis)
  return true
}

/**
 * PRE_SLEEP of a connection for which there is work: a NOOP at once.
 *
 * @since 0.1.0
 * @category operations
 */
export const refuseSleep = (session: Session, ability: Ability, nowMillis: number): void => {
  if (session.wokenBy === undefined) sendNoop(ability, nowMillis)
  else session.begin(Packet.PacketType.NOOP, 0, 0)
}

/**
 * PRE_SLEEP of a connection for which there is nothing.
 *
 * @since 0.1.0
 * @category operations
 */
export const fallAsleep = (session: Session): void => {
  answered(session)
  session.sleep = "asleep"
  let ability: Ability | undefined
  while ((ability = session.unlisted.shift()) !== undefined) list(ability)
}

/**
 * The connection's NOOP, if it had one, is no longer under way. Returns the function it
 * was for: if there still is work and no other NOOP is under way, others must be woken.
 *
 * @since 0.1.0
 * @category operations
 */
export const answered = (session: Session): ServerFunction | undefined => {
  const ability = session.wokenBy
  if (ability === undefined) return undefined
  session.wokenBy = undefined
  ability.function.woken.remove(session)
  return ability.function
}

/**
 * NOOPs that were sent so early count no longer as under way: who sleeps that long may be
 * gone without a word.
 *
 * @since 0.1.0
 * @category operations
 */
export const giveUpWoken = (fn: ServerFunction, untilMillis: number): void => {
  let session: Session | undefined
  while ((session = fn.woken.first) !== undefined && session.wokenMillis <= untilMillis) answered(session)
}

/**
 * A connection can do one more function.
 *
 * @since 0.1.0
 * @category operations
 */
export const enlist = (ability: Ability): void => {
  if (ability.session.sleep === "asleep") list(ability)
  else unlist(ability)
}

/**
 * A connection can do a function no more.
 *
 * @since 0.1.0
 * @category operations
 */
export const delist = (ability: Ability): void => {
  if (ability.isListed) ability.function.sleepers.remove(ability)
  else ability.session.unlisted.remove(ability)
}
