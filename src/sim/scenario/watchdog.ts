/**
 * A loop within one step of a program leaves the kernel no turn to count it by. Here the
 * engine itself ends what takes too long, from outside.
 *
 * @since 0.1.0
 */
import { Script } from "node:vm"

/**
 * Many times what a few thousand steps take: by any clock, and of the processor's time.
 *
 * @since 0.1.0
 * @category constants
 */
export const usualPatience = { wallMillis: 10_000, cpuMillis: 3000 }

/**
 * Something was ended without having had its time: the machine did something else. Whether
 * it ever ends, nobody knows.
 *
 * @since 0.1.0
 * @category errors
 */
export class Stalled extends Error {
  override readonly name = "Stalled"
}

const key = "effect-gearman/sim/watched"

// An engine can end scripts only, so one calls what is watched.
const script = new Script(`globalThis["${key}"]()`, { filename: "watchdog" })

const world = globalThis as { [key]?: (() => unknown) | undefined }

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"

const cpuMillis = (): number => {
  // Older Nodes tell it of the whole process only.
  const { system, user } = (process.threadCpuUsage ?? process.cpuUsage)()
  return (system + user) / 1000
}

/**
 * Calls a function that may never return: `onEndless` makes the error then, or it is
 * `Stalled`. What it was doing is left as it was, without its finalizers.
 *
 * @since 0.1.0
 * @category running
 */
export const watched = <A>(run: () => A, onEndless: () => Error, patience = usualPatience): A => {
  world[key] = run
  const begun = cpuMillis()
  try {
    return script.runInThisContext({ timeout: patience.wallMillis, displayErrors: false }) as A
  } catch (error) {
    if (!isTimeout(error)) throw error
    throw cpuMillis() - begun < patience.cpuMillis ? new Stalled("the machine stood still") : onEndless()
  } finally {
    world[key] = undefined
  }
}
