/**
 * What went wrong in a program that is itself wrong.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"

export const defectOf = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
