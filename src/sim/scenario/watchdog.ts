/**
 * A loop within one step of a program leaves the kernel no turn to count it by. Here the
 * engine itself ends what takes too long, from outside.
 *
 * @since 0.1.0
 */
import { Script } from "node:vm"

/** Hundreds of times what a few thousand steps take. */
const usualPatienceMillis = 10_000

const key = "effect-gearman/sim/watched"

// An engine can end scripts only, so one calls what is watched.
const script = new Script(`globalThis["${key}"]()`, { filename: "watchdog" })

const world = globalThis as { [key]?: (() => unknown) | undefined }

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"

/**
 * Calls a function that may never return: `onEndless` makes the error then. What it was
 * doing is left as it was, without its finalizers.
 *
 * @since 0.1.0
 * @category running
 */
export const watched = <A>(run: () => A, onEndless: () => Error, patienceMillis = usualPatienceMillis): A => {
  world[key] = run
  try {
    return script.runInThisContext({ timeout: patienceMillis, displayErrors: false }) as A
  } catch (error) {
    throw isTimeout(error) ? onEndless() : error
  } finally {
    world[key] = undefined
  }
}
