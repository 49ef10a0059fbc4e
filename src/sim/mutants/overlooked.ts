/**
 * Planted bugs that nothing noticed when they were first tried, or only by luck: each made a
 * property sharper, or a focused scenario.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const overlooked: ReadonlyArray<Mutant> = [
  {
    id: "limit-said-again-ignored",
    title: "A function that is announced again with another time limit keeps the first one",
    file: "src/protocol/server/Requests.ts",
    find: "      known.timeoutMillis = timeoutMillis\n",
    replace: "",
    property: 19,
    needs: ["time", "workload"]
  },
  {
    id: "listener-index-stale",
    title: "When a listener leaves, the one that takes its place does not know where it is",
    file: "src/protocol/server/Listeners.ts",
    find: "    last.jobIndex = this.jobIndex\n",
    replace: "",
    property: 56,
    needs: ["reset", "workload"]
  },
  {
    id: "noop-kept-asleep",
    title: "Who falls asleep again after a NOOP without asking still counts as woken",
    file: "src/protocol/server/Sleepers.ts",
    find: '  answered(session)\n  session.sleep = "asleep"',
    replace: '  session.sleep = "asleep"',
    property: 56,
    needs: ["workload"]
  },
  {
    id: "running-count-kept",
    title: "The jobs of a function that run are counted up only",
    file: "src/protocol/server/Jobs.ts",
    find: "    job.function.runningCount--\n",
    replace: "",
    property: 56,
    needs: ["workload"]
  },
  {
    id: "no-unique-for-all",
    title: "GRAB_JOB_ALL is answered without the unique",
    file: "src/protocol/server/Replies.ts",
    find: "const hasUnique = grabType !== PacketType.GRAB_JOB\n",
    replace: "const hasUnique = grabType === PacketType.GRAB_JOB_UNIQ\n",
    property: 15,
    needs: ["workload"]
  },
  {
    id: "always-one-client",
    title: "GET_STATUS_UNIQUE always tells of one client that waits",
    file: "src/protocol/server/Replies.ts",
    find: "job?.listeners.length ?? 0",
    replace: "1",
    property: 46,
    needs: ["workload"]
  },
  {
    id: "joins-running-unpromised",
    title: "A background submission that joins a running job promises nothing",
    file: "src/protocol/server/Jobs.ts",
    find: "if (isBackground) job.isBackground = true",
    replace: 'if (isBackground && job.state !== "running") job.isBackground = true',
    property: 24,
    needs: ["reset", "workload"]
  },
  {
    id: "created-untold",
    title: "Who joins a submission that has its handle is not told of it",
    file: "src/protocol/client/Submission.ts",
    find: 'if (this.handle !== undefined) listener.event({ _tag: "Created", handle: this.handle })',
    replace: "",
    property: 36,
    needs: ["interleaving", "workload"]
  },
  {
    id: "late-for-ever",
    title: "A server that was late once counts as late for ever",
    file: "src/protocol/client/Conversation.ts",
    find: "    this.isSuspect = false\n",
    replace: "",
    property: 33,
    needs: ["time", "workload"]
  },
  {
    id: "freed-slot-unused",
    title: "Slots that a lost connection gives back are not used before something else happens",
    file: "src/protocol/worker/Crew.ts",
    find: "    this.abandonAll((run) => run.conversation === conversation)\n    this.fill()",
    replace: "    this.abandonAll((run) => run.conversation === conversation)",
    property: 24,
    needs: ["reset"]
  },
  {
    id: "progress-turned-round",
    title: "A handler's progress is told with numerator and denominator swapped",
    file: "src/protocol/worker/Handler.ts",
    find: "`${numerator}\\0${denominator}`",
    replace: "`${denominator}\\0${numerator}`",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "map-one-by-one",
    title: "A map has one item under way, whatever its window",
    file: "src/protocol/DistributedMap.ts",
    find: "followed(run, options, countOf(items)), { concurrency: windowOf(options) })",
    replace: "followed(run, options, countOf(items)), { concurrency: 1 })",
    property: 51,
    needs: ["workload"]
  }
]
