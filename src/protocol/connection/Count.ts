/**
 * Numbers and times that someone gave as options.
 */
import * as Duration from "effect/Duration"
import * as Formatter from "effect/Formatter"
import * as Option from "effect/Option"

/** The value, where something can be counted with it. Throws what then is a defect: the program itself is wrong. */
export const count = (option: string, value: number, least = 1): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new RangeError(`${option} is ${value}; it must be a whole number of at least ${least}`)
}

/** Of what is no number `Duration` makes no time at all. */
const isReadable = (value: unknown): boolean =>
  typeof value === "object" && value !== null ? Object.values(value).every(isReadable) : !Number.isNaN(value)

const duration = (
  option: string,
  value: Duration.Input,
  isRight: (milliseconds: number) => boolean,
  wanted: string
): Duration.Duration => {
  const given = isReadable(value) ? Duration.fromInput(value) : Option.none()
  if (Option.isSome(given) && isRight(Duration.toMillis(given.value))) return given.value
  throw new RangeError(`${option} is ${show(value)}; it must be ${wanted}; Infinity is never`)
}

/** A value as it was given, for people. */
export const show = (value: unknown): string => (typeof value === "string" ? value : Formatter.format(value))

/** A time longer than none: a connection that must answer in no time is always lost. Throws as `count` does. */
export const time = (option: string, value: Duration.Input): Duration.Duration =>
  duration(option, value, (milliseconds) => milliseconds > 0, 'longer than nothing, such as "5 seconds"')

/** A time to wait, which may be none. Throws as `count` does. */
export const wait = (option: string, value: Duration.Input): Duration.Duration =>
  duration(option, value, (milliseconds) => milliseconds >= 0, 'a time such as "5 seconds", or 0')
