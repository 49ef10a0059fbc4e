/**
 * Planted bugs of the job server: which worker gets which job, in what order, and what
 * happens to jobs whose attempt is lost.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const serverAssignment: ReadonlyArray<Mutant> = [
  {
    id: "10-tail-pointer",
    title: "Taking the last job out leaves the list's tail at it",
    file: "src/protocol/server/Fifo.ts",
    find: "    if (member.next === undefined) this.last = member.previous\n    else member.next.previous = member.previous",
    replace: "    if (member.next !== undefined) member.next.previous = member.previous",
    property: 23,
    needs: ["workload"]
  },
  {
    id: "11-pop-then-check",
    title: "GRAB_JOB takes a job out before it looks at abilities, and pushes it back at the tail",
    file: "src/protocol/server/Functions.ts",
    find: "          const ability = abilities.get(fn)\n",
    replace:
      "          const ability = abilities.get(fn)\n          if (ability === undefined) {\n            const queue = fn.queues[priority as Priority]\n            const { first } = queue\n            queue.remove(first!)\n            queue.push(first!)\n          }\n",
    property: 30,
    needs: ["workload"]
  },
  {
    id: "12-owner-after-write",
    title: "A job becomes its worker's only when the assignment could be written at once",
    file: "src/protocol/server/Grabs.ts",
    find: "    this.jobs.assign(job, ability)\n",
    replace: "    if (session.peer.unsentBytes() === 0) this.jobs.assign(job, ability)\n",
    property: 13,
    needs: ["interleaving", "pressure"],
    note: "Between choosing a job and owning it nothing can happen here; a write that has to wait stands for the wait."
  },
  {
    id: "13-owner-omitted",
    title: "The second attempt of a job has no owner",
    file: "src/protocol/server/Jobs.ts",
    find: "    job.worker = session\n",
    replace: "    if (job.retries === 0) job.worker = session\n",
    property: 5,
    needs: ["reset"]
  },
  {
    id: "15-reset-drops-running",
    title: "RESET_ABILITIES also forgets the jobs that run",
    file: "src/protocol/server/Requests.ts",
    find: "        return this.resetAbilities(session)",
    replace:
      "        for (const job of session.running) job.worker = undefined\n        session.running.clear()\n        return this.resetAbilities(session)",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "16-requeue-newest-only",
    title: "A lost worker's newest job is put back, the others are not",
    file: "src/protocol/server/JobServerCore.ts",
    find: "for (const job of Array.from(session.running).toReversed()) this.jobs.requeue(job)",
    replace: "for (const job of Array.from(session.running).slice(-1)) this.jobs.requeue(job)",
    property: 17,
    needs: ["reset", "workload"]
  },
  {
    id: "17-requeue-copies",
    title: "What is put back is a copy of the job; the index has the old one",
    file: "src/protocol/server/Jobs.ts",
    find: "      this.counters.requeued++\n      this.offer(job)",
    replace:
      "      this.counters.requeued++\n      this.offer(Object.assign(Object.create(Object.getPrototypeOf(job)), job) as Job)",
    property: 5,
    needs: ["reset"]
  },
  {
    id: "18-one-attempt-more",
    title: "A job gets one attempt more than allowed",
    file: "src/protocol/server/Jobs.ts",
    find: "job.retries >= this.maxAttempts",
    replace: "job.retries > this.maxAttempts",
    property: 18,
    needs: ["reset"]
  },
  {
    id: "18-zero-is-unlimited",
    title: "0 retries are taken for no limit",
    file: "src/protocol/server/Jobs.ts",
    find: "options.jobRetries < 0 ? Infinity",
    replace: "options.jobRetries <= 0 ? Infinity",
    property: 18,
    needs: ["reset"]
  },
  {
    id: "19-timer-not-cancelled",
    title: "WORK_COMPLETE does not cancel the attempt's timer",
    file: "src/protocol/server/Jobs.ts",
    find: "    this.attempts.clear(job)\n",
    replace: "",
    property: 0,
    needs: ["time"]
  },
  {
    id: "20-timer-of-connection",
    title: "An attempt's timer ends everything its connection runs",
    file: "src/protocol/server/Jobs.ts",
    find: "this.attempts.takeDue(now.monotonicMillis)) !== undefined) this.timeOut(job)",
    replace:
      "this.attempts.takeDue(now.monotonicMillis)) !== undefined) for (const one of [...job.worker!.running]) this.timeOut(one)",
    property: 13,
    needs: ["time"],
    note: "Timers are kept by job here; this one reaches for the connection."
  },
  {
    id: "21-late-result-of-new-attempt",
    title: "A timed-out worker's result ends the job though another has it by now",
    file: "src/protocol/server/WorkReports.ts",
    find: "if (job === undefined || job.worker !== session) return",
    replace: "if (job === undefined || (job.worker !== session && session.formerAttempt(number) === undefined)) return",
    property: 16,
    needs: ["time"]
  },
  {
    id: "22-status-by-anybody",
    title: "WORK_STATUS is taken from whoever sends it",
    file: "src/protocol/server/WorkReports.ts",
    find: "if (job === undefined || job.worker !== session) return",
    replace: "if (job === undefined || (job.worker !== session && type !== PacketType.WORK_STATUS)) return",
    property: 16,
    needs: ["workload"]
  },
  {
    id: "23-normal-before-high",
    title: "Where low priority waits too, normal is taken before high",
    file: "src/protocol/server/Functions.ts",
    find: "return { job: best.function.queues[priority as Priority].first!, ability: best }",
    replace:
      "return { job: (best.function.queues[2].size > 0 && best.function.queues[1].first) || best.function.queues[priority as Priority].first!, ability: best }",
    property: 29,
    needs: ["workload"]
  },
  {
    id: "24-first-function-wins",
    title: "The first function that has work is taken, whatever its priority",
    file: "src/protocol/server/Functions.ts",
    find: "    if (abilities.size === 0) return undefined\n",
    replace:
      "    for (const ability of abilities.values()) {\n      const queue = ability.function.queues.find((one) => one.size > 0)\n      if (queue !== undefined) return { job: queue.first!, ability }\n    }\n",
    property: 29,
    needs: ["workload"]
  },
  {
    id: "requeue-at-head",
    title: "A job is queued at the head once its function has work of that priority",
    file: "src/protocol/server/Functions.ts",
    find: "    queue.push(job)\n",
    replace:
      "    const { first } = queue\n    queue.push(job)\n    if (first !== undefined) {\n      queue.remove(first)\n      queue.push(first)\n    }\n",
    property: 30,
    needs: ["workload"]
  },
  {
    id: "progress-kept",
    title: "A job that is put back keeps the progress of the lost attempt",
    file: "src/protocol/server/Jobs.ts",
    find: "    job.numerator = 0\n    job.denominator = 0\n",
    replace: "",
    property: 46,
    needs: ["reset"]
  },
  {
    id: "no-turns",
    title: "Functions of one worker do not take turns",
    file: "src/protocol/server/Jobs.ts",
    find: "    ability.turn = session.lastTurn()\n",
    replace: "",
    property: 31,
    needs: ["workload"]
  },
  {
    id: "retries-not-counted",
    title: "An attempt lost by its time limit is not counted",
    file: "src/protocol/server/Jobs.ts",
    find: '    job.worker!.rememberAttempt(job.number, "timedOut")\n',
    replace: '    job.worker!.rememberAttempt(job.number, "timedOut")\n    job.retries--\n',
    property: 18,
    needs: ["time"]
  },
  {
    id: "lost-to-head",
    title: "A lost worker's job goes to the head of its queue: one that kills its workers keeps all others waiting",
    file: "src/protocol/server/Jobs.ts",
    find: "      this.counters.requeued++\n      this.offer(job)\n",
    replace:
      "      this.counters.requeued++\n      this.offer(job)\n      const { list } = (job.function.queues as any)[job.priority]\n      if (list.size > 1 && list.last === job) {\n        list.remove(job)\n        list.insertBefore(job, list.first)\n      }\n",
    property: 17,
    needs: ["crash", "workload"]
  },
  {
    id: "late-result-dropped",
    title: "The result of a timed-out attempt is dropped though the job still waits",
    file: "src/protocol/server/WorkReports.ts",
    find: 'if (type === PacketType.WORK_COMPLETE && job?.state === "queued") this.complete(job, frame, missing)',
    replace: "",
    property: 19,
    needs: ["time"]
  },
  {
    id: "late-fail-ends",
    title: "A late WORK_FAIL ends a job that waits for its next attempt",
    file: "src/protocol/server/WorkReports.ts",
    find: 'if (type === PacketType.WORK_COMPLETE && job?.state === "queued") this.complete(job, frame, missing)',
    replace:
      'if (job?.state === "queued" && type === PacketType.WORK_COMPLETE) this.complete(job, frame, missing)\n      else if (job?.state === "queued" && type === PacketType.WORK_FAIL) {\n        failAll(job)\n        jobs.end(job)\n      }',
    property: 16,
    needs: ["time"]
  },
  {
    id: "timeout-below-a-second",
    title: "A time limit is a thousandth of what it should be",
    file: "src/protocol/server/Requests.ts",
    find: "timeoutMillis = Math.max(minTimeoutMillis, millis)",
    replace: "timeoutMillis = millis / 1000",
    property: 19,
    needs: ["time"]
  },
  {
    id: "no-timeout",
    title: "Time limits are not kept",
    file: "src/protocol/server/Jobs.ts",
    find: "if (ability.timeoutMillis > 0) this",
    replace: "if (ability.timeoutMillis < 0) this",
    property: 19,
    needs: ["time"]
  },
  {
    id: "deadline-heap",
    title: "The queue of deadlines is out of order after one is taken back",
    file: "src/protocol/server/Deadlines.ts",
    find: "    this.up(index)\n    this.down(last.heapIndex)",
    replace: "",
    property: 19,
    needs: ["time"]
  },
  {
    id: "limit-never-lifted",
    title: "CAN_DO after CAN_DO_TIMEOUT leaves the function its time limit",
    file: "src/protocol/server/Requests.ts",
    find: "      known.timeoutMillis = timeoutMillis\n",
    replace: "      if (hasTimeout) known.timeoutMillis = timeoutMillis\n",
    property: 19,
    needs: ["time", "workload"]
  }
]
