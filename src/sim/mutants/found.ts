/**
 * Bugs that nobody planted: each was in our sources once, and a simulation, or a random
 * sequence of commands, showed it. Planted back, they must be noticed again; what showed
 * them is in `src/sim/corpus`.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const found: ReadonlyArray<Mutant> = [
  {
    id: "found-never-hangs-up",
    title: "A worker that gives up a function keeps the connection over which it has a job of it that never ends",
    file: "src/protocol/connection/Session.ts",
    find: 'Effect.andThen(machine.hangUp.await, Effect.fail(lost("we hung up", undefined)))',
    replace: "Effect.never",
    property: 36,
    needs: ["workload", "time"]
  },
  {
    id: "found-timed-prefetched",
    title: "Jobs with a time limit are taken ahead, and run out of it before they begin, again and again",
    file: "src/protocol/worker/Crew.ts",
    find: "return this.timed.size > 0 ? this.prefetch : 0",
    replace: "return 0",
    property: 36,
    needs: ["time", "workload"]
  },
  {
    id: "found-late-joiner",
    title: "Who joins an equal call that waits for a server is given up with it, however short its own wait",
    file: "src/protocol/client/Fleet.ts",
    find: "equal.attach(listener, equal.isParked ? this.now() : undefined)",
    replace: "equal.attach(listener)",
    property: 37,
    needs: ["partition"]
  },
  {
    id: "found-owed-answer",
    title: "A server that owes an answer is probed like an idle one, and so never given up",
    file: "src/protocol/connection/Session.ts",
    find: '          if (owing >= timeout) return yield* lost("it stopped answering", undefined)\n',
    replace: "",
    property: 41,
    needs: ["partition"]
  },
  {
    id: "found-silent-sleeper",
    title: "A woken worker that never answers keeps others asleep when the next one that is woken leaves",
    file: "src/protocol/server/Jobs.ts",
    find: "    Sleepers.giveUpWoken(fn, this.nowMillis - this.wakeupTimeoutMillis)\n    const oldest = fn.woken.first\n    if (oldest === undefined) return this.wake(fn)\n    // The wait for whoever was woken last may be over with it, but the others' is not longer for that.\n    if (fn.sleepers.size > 0) this.passOns.set(fn, oldest.wokenMillis + this.wakeupTimeoutMillis)\n",
    replace: "    if (fn.woken.size === 0) this.wake(fn)\n",
    property: 24,
    needs: ["crash", "time"]
  },
  {
    id: "found-first-refuses",
    title: "A call fails when the first server refuses it, although a second one was asked and has it",
    file: "src/protocol/client/Program.ts",
    find: "Effect.raceFirst(answer(first), Effect.delay(second, hedge))",
    replace: "Effect.raceFirst(first, Effect.delay(second, hedge))",
    property: 37,
    needs: ["partition", "workload"]
  },
  {
    id: "found-answered-and-timed",
    title: "A handler that ends when its time is up says so twice: its result, and after a second that it failed",
    file: "src/protocol/worker/Handler.ts",
    find: "        : Effect.timeoutOrElse(answered(run, workload), {\n            duration: timeout,\n            orElse: () => Effect.as(Effect.sleep(timeoutGraceMillis), failed)\n          })\n    // Only now it is decided whether it was in time: what had been said before could not be taken back.\n    return Effect.map(answer, (it) => say(run, it))",
    replace:
      "        : answered(run, workload)\n    const said = Effect.map(answer, (it) => say(run, it))\n    if (timeout === undefined) return said\n    const late = Effect.map(Effect.sleep(timeoutGraceMillis), () => say(run, failed))\n    return Effect.timeoutOrElse(said, { duration: timeout, orElse: () => late })",
    property: 24,
    needs: ["time"]
  },
  {
    id: "found-withdrawn-while-leaving",
    title: "A worker takes a function back from a server whose job of it, taken ahead, it is about to hand back",
    file: "src/protocol/worker/Crew.ts",
    find: "if (told.has(conversation) || conversation.isClosing || conversation.grabs > 0) continue",
    replace: "if (told.has(conversation) || conversation.grabs > 0) continue",
    property: 20,
    needs: ["time"]
  },
  {
    id: "found-hedge-alone",
    title: "Where there is one server only, a slow call is submitted to it once more",
    file: "src/protocol/client/Program.ts",
    find: "      if (others.length === 0) return decoded(fn, first)\n",
    replace: "",
    property: 35,
    needs: ["workload"]
  }
]
