/**
 * Planted bugs of the worker: what it tells its servers, when it asks for jobs, and how
 * many it runs.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const worker: ReadonlyArray<Mutant> = [
  {
    id: "61-no-can-do-again",
    title: "A worker that has reconnected does not say what it can do",
    file: "src/protocol/worker/Crew.ts",
    find: "      if (!this.draining.has(registration)) conversation.say(registration.announcement)",
    replace:
      "      const told = ((registration as { told?: Set<string> }).told ??= new Set())\n      if (!this.draining.has(registration) && !told.has(conversation.server)) conversation.say(registration.announcement)\n      told.add(conversation.server)",
    property: 21,
    needs: ["reset"]
  },
  {
    id: "62-noop-overlooked",
    title: "A NOOP is overlooked while something waits to be sent",
    file: "src/protocol/worker/Conversation.ts",
    find: "        if (this.grabs === 0) {",
    replace: "        if (this.grabs === 0 && this.waiting.length === 0) {",
    property: 24,
    needs: ["interleaving", "fragments"],
    note: "PRE_SLEEP is said in the same step as NO_JOB is read; what is overlooked is a NOOP that meets other output."
  },
  {
    id: "63-slot-freed-early",
    title: "A slot is free once its handler was told to stop, not when it has",
    file: "src/protocol/worker/Crew.ts",
    find: "    if (at === -1) return void run.fiber?.interruptUnsafe()\n",
    replace: "    if (at === -1) {\n      this.finished(run)\n      return void run.fiber?.interruptUnsafe()\n    }\n",
    property: 22,
    needs: ["reset"]
  },
  {
    id: "63-slot-kept",
    title: "A slot whose handler was interrupted is not free again",
    file: "src/protocol/worker/Program.ts",
    find: "          crew.finished(running)\n        })",
    replace: '          if (exit._tag === "Success") crew.finished(running)\n        })',
    property: 24,
    needs: ["reset"]
  },
  {
    id: "slot-kept-before-begin",
    title: "A handler that is interrupted before it begins keeps its slot",
    file: "src/protocol/worker/Program.ts",
    find: '        running.fiber = fork(run(running))\n        // Not a finalizer: one that is interrupted before it begins has none.\n        running.fiber.addObserver((exit) => {\n          if (exit._tag === "Failure") Handler.brokeOff(running, exit.cause)\n          crew.finished(running)\n        })',
    replace: "        running.fiber = fork(Effect.ensuring(run(running), Effect.sync(() => crew.finished(running))))",
    property: 58,
    needs: ["interleaving", "reset"],
    note: "This one was no planted bug at first: a simulation found it."
  },
  {
    id: "grabs-lost-with-connection",
    title: "Slots that waited for a lost connection's answer are not free again",
    file: "src/protocol/worker/Crew.ts",
    find: "    this.unask(conversation, conversation.grabs)\n",
    replace: "",
    property: 24,
    needs: ["reset"]
  },
  {
    id: "grabs-more-than-slots",
    title: "A question for a job takes no slot",
    file: "src/protocol/worker/Crew.ts",
    find: "    this.freeSlots--\n",
    replace: "    if (conversation.grabs === 0) this.freeSlots--\n",
    property: 22,
    needs: ["workload"]
  },
  {
    id: "own-limit-overlooked",
    title: "A question for a job takes no room of a function with a limit of its own",
    file: "src/protocol/worker/Crew.ts",
    find: "    conversation.lane.free--\n",
    replace: "    if (conversation.grabs === 0) conversation.lane.free--\n",
    property: 22,
    needs: ["workload"]
  },
  {
    id: "own-limit-kept",
    title: "A lost connection keeps its questions' room of a function with a limit of its own",
    file: "src/protocol/worker/Crew.ts",
    find: "    lane.free += slots\n",
    replace: "    if (slots === 1) lane.free += slots\n",
    property: 36,
    needs: ["reset"]
  },
  {
    id: "runs-what-should-wait",
    title: "Jobs taken ahead run at once",
    file: "src/protocol/worker/Crew.ts",
    find: "this.freeHandlers = options.concurrency",
    replace: "this.freeHandlers = this.slots",
    property: 22,
    needs: ["workload"]
  },
  {
    id: "waiting-forgotten",
    title: "A job taken ahead is not begun when a handler is free again",
    file: "src/protocol/worker/Crew.ts",
    find: "    this.freeHandlers++\n    this.fill()\n",
    replace: "    this.freeHandlers++\n    this.isBeginning = true\n    this.fill()\n    this.isBeginning = false\n",
    property: 36,
    needs: ["workload"]
  },
  {
    id: "no-pre-sleep",
    title: "A worker does not say that it sleeps",
    file: "src/protocol/worker/Conversation.ts",
    find: "if (this.grabs === 0) this.say(preSleep)",
    replace: "",
    property: 24,
    needs: ["workload"]
  },
  {
    id: "sleeps-with-question",
    title: "A worker says that it sleeps while it waits for an answer",
    file: "src/protocol/worker/Conversation.ts",
    find: "if (this.grabs === 0) this.say(preSleep)",
    replace: "this.say(preSleep)",
    property: 24,
    needs: ["interleaving"]
  },
  {
    id: "drain-interrupts",
    title: "A function that is no longer served drops the jobs that run",
    file: "src/protocol/worker/Program.ts",
    find: "yield* Effect.timeoutOption(Effect.interruptible(when(() => crew.isQuiet(registration))), drainTimeout)",
    replace: "",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "never-withdrawn",
    title: "A function that is no longer served is not taken back",
    file: "src/protocol/worker/Crew.ts",
    find: "      told.add(conversation)\n      conversation.say(registration.withdrawal)",
    replace: "      told.add(conversation)",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "failure-as-success",
    title: "JobFail is reported as an exception",
    file: "src/protocol/worker/Handler.ts",
    find: "if (isJobFail(failure.value)) return failed",
    replace: 'if (isJobFail(failure.value)) return [PacketType.WORK_COMPLETE, textOf("done")]',
    property: 8,
    needs: ["workload"]
  },
  {
    id: "timed-out-says-fail",
    title: "A handler over its time reports WORK_FAIL at once, before the server has put the job back",
    file: "src/protocol/worker/Handler.ts",
    find: "Effect.sleep(timeoutGraceMillis),",
    replace: "Effect.sleep(0 * timeoutGraceMillis),",
    property: 19,
    needs: ["time"]
  },
  {
    id: "exception-without-end",
    title: "A handler's defect or undecodable payload is reported to nobody",
    file: "src/protocol/worker/Handler.ts",
    find: "  conversation.say(packet(type, assignment.handle, data))",
    replace: "  if (type !== PacketType.WORK_EXCEPTION) conversation.say(packet(type, assignment.handle, data))",
    property: 36,
    needs: ["workload"]
  }
]
