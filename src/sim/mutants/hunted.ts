/**
 * Planted bugs of a hunt for what nothing noticed: each was alive when it was thought of, and
 * made a property sharper, or a situation more frequent.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const hunted: ReadonlyArray<Mutant> = [
  {
    id: "priority-lost-with-worker",
    title: "A job that is put back has normal priority",
    file: "src/protocol/server/Jobs.ts",
    find: "      this.counters.requeued++\n      this.offer(job)",
    replace: "      this.counters.requeued++\n      job.priority = 1\n      this.offer(job)",
    property: 29,
    needs: ["reset", "workload"]
  },
  {
    id: "scheduled-raise-uncounted",
    title: "A scheduled job that gains priority is not counted where it now belongs",
    file: "src/protocol/server/Jobs.ts",
    find: "      job.priority = priority\n      job.function.scheduled[priority]++",
    replace: "      job.priority = priority",
    property: 59,
    needs: ["time", "workload"]
  },
  {
    id: "due-half-a-second-early",
    title: "What is due within half a second runs at once",
    file: "src/protocol/server/Jobs.ts",
    find: "if (dueMillis > now.wallMillis) {",
    replace: "if (dueMillis > now.wallMillis + 500) {",
    property: 27,
    needs: ["time"]
  },
  {
    id: "last-sleeper-not-passed-on",
    title: "When only one sleeper is left, it is nobody's turn if the woken one stays silent",
    file: "src/protocol/server/Jobs.ts",
    find: "if (fn.sleepers.size > 0 && fn.heapIndex === -1)",
    replace: "if (fn.sleepers.size > 1 && fn.heapIndex === -1)",
    property: 24,
    needs: ["crash", "time"]
  },
  {
    id: "cancelled-still-joined",
    title: "A job that was cancelled while it runs can still be joined",
    file: "src/protocol/server/Jobs.ts",
    find: "    this.attachmentCount -= detachAll(job)\n    this.merging.remove(job)\n    job.isCancelled = true",
    replace: "    this.attachmentCount -= detachAll(job)\n    job.isCancelled = true",
    property: 59,
    needs: ["workload"]
  },
  {
    id: "cancelled-unknown",
    title: "A job that was cancelled and still runs is unknown to whoever asks for its status",
    file: "src/protocol/server/Requests.ts",
    find: "const isVisible = job !== undefined && actions",
    replace: "const isVisible = job !== undefined && !job.isCancelled && actions",
    property: 46,
    needs: ["workload"]
  },
  {
    id: "two-hear-the-failure",
    title: "Of those who listen to a job that fails, two are told",
    file: "src/protocol/server/Listeners.ts",
    find: "export const failAll = (job: Job): void => {\n  for (const { session } of job.listeners) fail(session, job)",
    replace:
      "export const failAll = (job: Job): void => {\n  for (const { session } of job.listeners.slice(0, 2)) fail(session, job)",
    property: 36,
    needs: ["crash", "workload"]
  },
  {
    id: "excepted-not-remembered",
    title: "A worker that sends WORK_FAIL after WORK_EXCEPTION, as Perl's do, is told that there is no such job",
    file: "src/protocol/server/WorkReports.ts",
    find: '        session.rememberAttempt(number, "excepted")\n        return',
    replace: "        return",
    property: 16,
    needs: ["workload"]
  },
  {
    id: "greeted-no-wake",
    title: "What was asked before a server has answered for the first time waits for the next question",
    file: "src/protocol/client/Conversation.ts",
    find: "      this.isGreeted = true\n      this.wake.openUnsafe()",
    replace: "      this.isGreeted = true",
    property: 36,
    needs: ["interleaving"]
  },
  {
    id: "urgent-joins-unurgent",
    title: "A client takes an urgent call for equal to one that is not",
    file: "src/protocol/client/Program.ts",
    find: "`${fn.name}\\0${priority}\\0${fn.idempotent}\\0",
    replace: "`${fn.name}\\0${fn.idempotent}\\0",
    property: 36,
    needs: ["workload"]
  },
  {
    id: "left-in-queue-counted",
    title: "Who leaves while it waits for its turn makes room for another",
    file: "src/protocol/client/Fleet.ts",
    find: "    if (this.queued.delete(submission)) return\n    this.jobs--",
    replace: "    this.queued.delete(submission)\n    this.jobs--",
    property: 57,
    needs: ["workload"]
  },
  {
    id: "late-server-preferred",
    title: "A client prefers a server that is late with its answers",
    file: "src/protocol/client/Fleet.ts",
    find: "if (link.conversation?.isSuspect !== true) return link",
    replace: "if (link.conversation?.isSuspect === true) return link",
    property: 37,
    needs: ["time"]
  },
  {
    id: "sent-forgotten",
    title: "Of a job that was sent and lost, its caller is told that there was no server",
    file: "src/protocol/client/Submission.ts",
    find: "    this.wasSent = true\n",
    replace: "",
    property: 38,
    needs: ["reset", "partition"]
  },
  {
    id: "hedge-fails-all",
    title: "A call fails as soon as one of the servers that were asked refuses it",
    file: "src/protocol/client/Program.ts",
    find: "(isJobFailure(error) || --open === 0 ? Effect.fail(error) : Effect.never)",
    replace: "Effect.fail(error)",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "backoff-grows",
    title: "The waits between dials grow from one loss to the next, however good the connection was",
    file: "src/protocol/connection/Reconnecting.ts",
    find: "failures = wasStable ? 1 : failures + 1",
    replace: "failures = failures + 1",
    property: 43,
    needs: ["crash", "time"]
  },
  {
    id: "no-jitter",
    title: "All wait the same time before they dial again",
    file: "src/protocol/connection/Backoff.ts",
    find: "base * (0.75 + random / 2)",
    replace: "base + 0 * random",
    property: 42,
    needs: ["partition"]
  },
  {
    id: "ending-takes-more",
    title: "A worker that is told to stop goes on asking for jobs",
    file: "src/protocol/worker/Crew.ts",
    find: "if (this.isEnding || this.freeSlots <= this.keptFree()) return false",
    replace: "if (this.freeSlots <= this.keptFree()) return false",
    property: 22,
    needs: ["workload"]
  },
  {
    id: "ending-waits-for-nothing",
    title: "Whoever waits for a worker to have nothing to do is not told",
    file: "src/protocol/worker/Crew.ts",
    find: "    for (const waiter of this.waiters) if (waiter.until()) waiter.wake()\n",
    replace: "",
    property: 58,
    needs: ["workload"]
  },
  {
    id: "withdrawn-while-it-runs",
    title: "A function is taken back while jobs of it run",
    file: "src/protocol/worker/Crew.ts",
    find: "      if (this.runs(registration, conversation)) continue\n",
    replace: "",
    property: 20,
    needs: ["workload"]
  },
  {
    id: "unsent-as-lost",
    title: "What was never sent counts as lost with the connection that it waited for",
    file: "src/protocol/client/Fleet.ts",
    find: "if (attempt !== undefined) this.dispatch((attempt as SubmissionAttempt).submission)",
    replace: "if (attempt !== undefined) this.lost(attempt as SubmissionAttempt, cause)",
    property: 37,
    needs: ["partition"]
  },
  {
    id: "merged-lost-forgotten",
    title: "Submissions that a server has merged are forgotten with their connection",
    file: "src/protocol/client/Conversation.ts",
    find: "      if (listened instanceof Merged) attempts.push(...listened.attempts)\n      else attempts.push(listened)",
    replace: "      if (!(listened instanceof Merged)) attempts.push(listened)",
    property: 36,
    needs: ["reset", "workload"]
  },
  {
    id: "first-equal-call-only",
    title: "Of equal calls, only the first is told that all have failed",
    file: "src/protocol/client/Submission.ts",
    find: "for (const listener of overdue) listener.failed(error)",
    replace: "overdue[0]?.failed(error)",
    property: 36,
    needs: ["workload"]
  }
]
