/**
 * Planted bugs that show only in a moment which was rare: what is said before what was asked
 * first, who is woken by jobs that come in one piece, whose turn it is among many.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const moments: ReadonlyArray<Mutant> = [
  {
    id: "line-before-answer",
    title: "A text command is answered before the packet that came ahead of it",
    file: "src/protocol/server/JobServerCore.ts",
    find: "    this.jobs.grabs.answer(session)\n    const answer",
    replace: "    const answer",
    property: 59,
    needs: ["interleaving"]
  },
  {
    id: "nonsense-before-answer",
    title: "Whoever says nonsense gets no answer to what came before it",
    file: "src/protocol/server/JobServerCore.ts",
    find: "    this.jobs.grabs.answer(session)\n    const what",
    replace: "    const what",
    property: 15,
    needs: ["interleaving"]
  },
  {
    id: "wakes-for-taken",
    title: "Sleepers are woken for jobs that somebody who had asked already was given",
    file: "src/protocol/server/Grabs.ts",
    find: "Math.min(count, fn.runnableCount)",
    replace: "count",
    property: 25,
    needs: ["interleaving"]
  },
  {
    id: "saved-once",
    title: "Of several jobs that somebody who had asked already may get, one is remembered",
    file: "src/protocol/server/Grabs.ts",
    find: "(this.saved.get(fn) ?? 0) + 1",
    replace: "1",
    property: 23,
    needs: ["interleaving", "workload"]
  },
  {
    id: "exceptions-as-the-first",
    title: "All who listen to a job are told of an exception as the first of them wants it",
    file: "src/protocol/server/Listeners.ts",
    find: "    if (session.wantsExceptions) report.sendTo(session)",
    replace: "    if (job.listeners[0]!.session.wantsExceptions) report.sendTo(session)",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "own-turn-never",
    title: "A function with a limit of its own is asked for when nothing else waits",
    file: "src/protocol/worker/Crew.ts",
    find: "      this.isOwnTurn = true\n",
    replace: "      this.isOwnTurn = false\n",
    property: 31,
    needs: ["workload"]
  },
  {
    id: "own-limit-and-ahead",
    title: "Of a function with a limit of its own, jobs are taken ahead, too",
    file: "src/protocol/worker/Program.ts",
    find: "new Lane(limit)",
    replace: "new Lane(limit + (options.prefetch ?? 0))",
    property: 22,
    needs: ["workload"]
  },
  {
    id: "own-limit-without-handler",
    title: "A function with a limit of its own is asked for when no handler is free",
    file: "src/protocol/worker/Crew.ts",
    find: 'if (lane.isOwn ? this.freeHandlers === 0 : whom === "own") continue',
    replace: 'if (whom === "own" && !lane.isOwn) continue',
    property: 22,
    needs: ["workload"]
  },
  {
    id: "leaves-unconfirmed",
    title: "A worker leaves before its last results are known to be with the servers",
    file: "src/protocol/worker/Program.ts",
    find: "      yield* confirmAll(crew.openConversations())\n    })",
    replace: "    })",
    property: 20,
    needs: ["crash", "workload"]
  },
  {
    id: "withdrawn-question-sent",
    title: "A question whose caller is gone is sent all the same",
    file: "src/protocol/client/Requests.ts",
    find: "      request.isWithdrawn = true\n",
    replace: "      void request\n",
    property: 40,
    needs: ["partition", "workload"]
  },
  {
    id: "status-turned-round",
    title: "Who asks for a job's status is told numerator and denominator swapped",
    file: "src/protocol/client/Queries.ts",
    find: "numerator: numberOf(frame, 3),\n  denominator: numberOf(frame, 4)",
    replace: "numerator: numberOf(frame, 4),\n  denominator: numberOf(frame, 3)",
    property: 46,
    needs: ["workload"]
  },
  {
    id: "progress-heard-turned-round",
    title: "A caller hears of progress with numerator and denominator swapped",
    file: "src/protocol/client/Conversation.ts",
    find: "attempt.status(numberOf(frame, 1), numberOf(frame, 2))",
    replace: "attempt.status(numberOf(frame, 2), numberOf(frame, 1))",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "room-never-again",
    title: "Handlers that wait for room to say something wait for ever",
    file: "src/protocol/worker/Conversation.ts",
    find: "    if (this.unsentBytes <= this.maxUnsentBytes / 2) this.room.openUnsafe()\n",
    replace: "",
    property: 36,
    needs: ["pressure"]
  },
  {
    id: "rest-of-requests-forgotten",
    title: "Requests that did not fit into one write wait for the next question",
    file: "src/protocol/client/Conversation.ts",
    find: "    else this.wake.openUnsafe()\n    return taken",
    replace: "    return taken",
    property: 36,
    needs: ["pressure"]
  }
]
