/**
 * Planted bugs in what is said of an attempt when it is over, in what callers hear before
 * their end, and in who comes first.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const fair: ReadonlyArray<Mutant> = [
  {
    id: "late-words",
    title: "A handler whose attempt is over goes on saying things, as if for the next one",
    file: "src/protocol/worker/Handler.ts",
    find: "if (!run.isLost) conversation.say(make())",
    replace: "conversation.say(make())",
    property: 16,
    needs: ["time", "workload"]
  },
  {
    id: "warning-as-data",
    title: "A warning is sent as data",
    file: "src/protocol/worker/Handler.ts",
    find: "warning: (bytes) => sendBytes(PacketType.WORK_WARNING, bytes)",
    replace: "warning: (bytes) => sendBytes(PacketType.WORK_DATA, bytes)",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "data-as-warning",
    title: "A client tells data as a warning",
    file: "src/protocol/client/Submission.ts",
    find: 'this.submission.emit({ _tag: "Data", data })',
    replace: 'this.submission.emit({ _tag: "Warning", data })',
    property: 5,
    needs: ["workload"]
  },
  {
    id: "newest-caller-first",
    title: "Of those who wait for their turn at a client, the newest is served first",
    file: "src/protocol/client/Fleet.ts",
    find: "for (const submission of this.queued) {\n      if",
    replace: "for (const submission of [...this.queued].reverse()) {\n      if",
    property: 30,
    needs: ["workload"]
  },
  {
    id: "asks-first-twice",
    title: "When the first server is slow, it is asked once more, in place of the second",
    file: "src/protocol/client/Program.ts",
    find: "order: [...others, head!],",
    replace: "order: [head!, ...others],",
    property: 35,
    needs: ["workload"]
  },
  {
    id: "sleepers-not-woken-after",
    title: "Nobody is woken for the jobs that those who had asked already have left",
    file: "src/protocol/server/Grabs.ts",
    find: "      for (let left = Math.min(count, fn.runnableCount); left > 0; left--) this.jobs.wake(fn)\n",
    replace: "",
    property: 23,
    needs: ["workload"]
  }
]
