/**
 * Numbers that someone gave as options.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** The value, where something can be counted with it. Throws what then is a defect: the program itself is wrong. */
export const count = (option: string, value: number, least = 1): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new RangeError(`${option} is ${value}; it must be a whole number of at least ${least}`)
}

/** A time longer than none: a connection that must answer in no time is always lost. Throws as `count` does. */
export const time = (option: string, value: Duration.Input): Duration.Duration => {
  const given = Duration.fromInput(value)
  if (Option.isSome(given) && Duration.toMillis(given.value) > 0) return given.value
  throw new RangeError(
    `${option} is ${String(value)}; it must be longer than nothing, such as "5 seconds"; Duration.infinity is never`
  )
}
