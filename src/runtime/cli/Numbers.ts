/**
 * Flags that are numbers, each refused where it makes no sense: none of the commands
 * could do anything with no job at a time, or with a time that has passed.
 */
import * as Flag from "effect/cli/Flag"

const atLeast = (least: number, unit: string) => (flag: Flag.Flag<number>) =>
  Flag.filter(
    flag,
    (value) => value >= least,
    () => `${least} or more${unit}`
  )

/** How many: 1 or more. */
export const Count = (name: string): Flag.Flag<number> => Flag.Int(name).pipe(atLeast(1, ""))

/** A length of time in seconds, which may have a fraction; a thousandth is the least. */
export const Seconds = (name: string): Flag.Flag<number> =>
  Flag.Finite(name).pipe(Flag.withMetavar("SECONDS"), atLeast(0.001, " seconds"))

/** The same, where 0 means not to wait. */
export const SecondsOrNone = (name: string): Flag.Flag<number> =>
  Flag.Finite(name).pipe(Flag.withMetavar("SECONDS"), atLeast(0, " seconds"))

/** The time between two looks; with less, servers would do little else than answer. */
export const Pause = (name: string): Flag.Flag<number> =>
  Flag.Finite(name).pipe(Flag.withMetavar("SECONDS"), atLeast(0.1, " seconds"))

/** The port of a server, to which somebody connects. */
export const Port = (name: string): Flag.Flag<number> =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= 1 && value <= 65_535,
      () => "from 1 to 65535"
    )
  )
