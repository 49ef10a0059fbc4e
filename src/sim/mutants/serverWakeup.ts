/**
 * Planted bugs of the job server: who is woken, who sleeps, and when a job's time comes.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const serverWakeup: ReadonlyArray<Mutant> = [
  {
    id: "01-sleep-unchecked",
    title: "PRE_SLEEP puts a worker to sleep without looking for work again",
    file: "src/protocol/server/Requests.ts",
    find: "if (next === undefined) return Sleepers.fallAsleep(session)",
    replace: "if (next !== null) return Sleepers.fallAsleep(session)",
    property: 23,
    needs: ["interleaving"]
  },
  {
    id: "02-wake-before-push",
    title: "Sleepers are woken if there is work, and then the job is pushed",
    file: "src/protocol/server/Jobs.ts",
    find: "    this.wake(job.function)",
    replace: "    this.functions.dequeue(job)\n    this.wakeAgain(job.function)\n    this.functions.enqueue(job)",
    property: 23,
    needs: ["interleaving"],
    note: "The server does both in one step, so the order alone shows nowhere; the waking also looks whether there is work."
  },
  {
    id: "03-one-noop-for-all",
    title: "NOOP goes to one sleeper, and all count as awake",
    file: "src/protocol/server/Sleepers.ts",
    find: "    sendNoop(ability, nowMillis)\n    woken++",
    replace: '    if (woken === 0) sendNoop(ability, nowMillis)\n    else ability.session.sleep = "awake"\n    woken++',
    property: 23,
    needs: ["interleaving", "workload"]
  },
  {
    id: "04-asleep-after-noop",
    title: "A worker that was sent a NOOP still counts as asleep",
    file: "src/protocol/server/Sleepers.ts",
    find: '  session.sleep = "woken"\n',
    replace: "",
    property: 25,
    needs: ["interleaving"]
  },
  {
    id: "05-wake-anybody",
    title: "The first sleeper is woken, whatever it can do",
    file: "src/protocol/server/Jobs.ts",
    find: "if (fn.sleepers.size > 0) this.counters.noops += Sleepers.wake(fn, this.workerWakeup, this.nowMillis)",
    replace:
      "for (const one of this.functions.values()) if (one.sleepers.size > 0) return void (this.counters.noops += Sleepers.wake(one, 1, this.nowMillis))",
    property: 23,
    needs: ["workload"]
  },
  {
    id: "06-requeue-wakes-nobody",
    title: "Nobody is woken for a job that is put back",
    file: "src/protocol/server/Jobs.ts",
    find: "      this.counters.requeued++\n      this.offer(job)",
    replace: "      this.counters.requeued++\n      this.functions.enqueue(job)",
    property: 24,
    needs: ["reset"]
  },
  {
    id: "07-no-epoch-timer",
    title: "A scheduled job has no timer: it is looked at when a packet comes",
    file: "src/protocol/server/JobServerCore.ts",
    find: "return wall === Infinity ? monotonic : Math.min(monotonic, wall, maxWallWaitMillis)",
    replace: "return wall === -Infinity ? 0 : monotonic",
    property: 27,
    needs: ["time"]
  },
  {
    id: "08-epoch-early",
    title: "A scheduled job runs up to a second early",
    file: "src/protocol/server/Jobs.ts",
    find: "this.scheduled.takeDue(now.wallMillis)",
    replace: "this.scheduled.takeDue(now.wallMillis + 1000)",
    property: 27,
    needs: ["time"]
  },
  {
    id: "09-scan-breaks",
    title: "Looking for work ends at the first function that has none",
    file: "src/protocol/server/Functions.ts",
    find: "if (ability.function.queues[priority as Priority].size === 0) continue",
    replace: "if (ability.function.queues[priority as Priority].size === 0) break",
    property: 23,
    needs: ["workload"],
    note: "Scheduled jobs are in no queue here, so it is the empty queue that ends the loop."
  },
  {
    id: "14-cant-do-still-listed",
    title: "CANT_DO leaves the worker among the function's sleepers",
    file: "src/protocol/server/Requests.ts",
    find: "    Sleepers.delist(ability)\n",
    replace: "",
    property: 25,
    needs: ["workload"]
  },
  {
    id: "silent-woken",
    title: "A wake-up that is never answered does not go on to the next sleeper",
    file: "src/protocol/server/Jobs.ts",
    find: "    if (fn.sleepers.size > 0 && fn.heapIndex === -1) this.passOns",
    replace: "    if (fn.sleepers.size > 0 && fn.heapIndex === -2) this.passOns",
    property: 24,
    needs: ["reset", "workload"]
  },
  {
    id: "wake-same-again",
    title: "A NOOP that led to nothing is not followed by another while work remains",
    file: "src/protocol/server/Requests.ts",
    find: "    jobs.wakeAgain(fn)\n  }\n\n  private preSleep",
    replace: "  }\n\n  private preSleep",
    property: 23,
    needs: ["interleaving", "workload"]
  },
  {
    id: "grab-stays-asleep",
    title: "GRAB_JOB does not end a worker's sleep",
    file: "src/protocol/server/Requests.ts",
    find: '    session.sleep = "awake"\n    jobs.grab',
    replace: "    jobs.grab",
    property: 25,
    needs: ["workload"]
  },
  {
    id: "can-do-asleep",
    title: "A sleeping worker that learns a function is not woken for the jobs that wait",
    file: "src/protocol/server/Requests.ts",
    find: 'if (session.sleep === "asleep" && fn.runnableCount > 0) {',
    replace: "if (fn.runnableCount < 0) {",
    property: 23,
    needs: ["workload"]
  },
  {
    id: "cant-do-strands",
    title: "A worker that takes back the function it was woken for leaves its jobs to nobody",
    file: "src/protocol/server/Requests.ts",
    find: "if (session.wokenBy === ability) this.jobs.wakeAgain(Sleepers.answered(session))",
    replace: "if (session.wokenBy === ability) Sleepers.answered(session)",
    property: 23,
    needs: ["interleaving", "workload"]
  },
  {
    id: "leave-strands",
    title: "A woken worker that goes away is still waited for",
    file: "src/protocol/server/Requests.ts",
    find: "    if (session.wokenBy === ability) this.jobs.wakeAgain(Sleepers.answered(session))\n",
    replace: "",
    property: 23,
    needs: ["reset"]
  },
  {
    id: "epoch-in-seconds",
    title: "The epoch's seconds are taken for milliseconds",
    file: "src/protocol/server/Requests.ts",
    find: "dueMillis = seconds * 1000",
    replace: "dueMillis = seconds",
    property: 27,
    needs: ["time"]
  },
  {
    id: "list-middle",
    title: "Taking the middle one out of a list loses all that come after it",
    file: "src/protocol/server/Fifo.ts",
    find: "else member.previous.next = member.next",
    replace: "else member.previous.next = undefined",
    property: 23,
    needs: ["workload"]
  }
]
