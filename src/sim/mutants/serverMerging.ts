/**
 * Planted bugs of the job server: which submissions share a job, and who hears of it.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const serverMerging: ReadonlyArray<Mutant> = [
  {
    id: "25-unique-without-function",
    title: "Jobs of different functions merge when their uniques are equal",
    file: "src/protocol/server/Merging.ts",
    find: "return entry.function === fn ? entry : undefined",
    replace: "return entry",
    property: 3,
    needs: ["workload"]
  },
  {
    id: "25-workload-without-function",
    title: "Jobs of different functions merge when their workloads are equal",
    file: "src/protocol/server/Merging.ts",
    find: "jobs?.find((job) => job.function === fn && isEqual",
    replace: "jobs?.find((job) => isEqual",
    property: 3,
    needs: ["workload"]
  },
  {
    id: "26-empty-unique",
    title: "An empty unique is a unique like others",
    file: "src/protocol/server/Requests.ts",
    find: 'const mergesByUnique = unique !== "" && !mergesByWorkload',
    replace: "const mergesByUnique = !mergesByWorkload",
    property: 3,
    needs: ["workload"]
  },
  {
    id: "27-unindexed-on-assign",
    title: "Nothing joins a job once it runs",
    file: "src/protocol/server/Jobs.ts",
    find: "    session.running.add(job)\n",
    replace: "    session.running.add(job)\n    this.merging.remove(job)\n",
    property: 4,
    needs: ["interleaving"]
  },
  {
    id: "28-indexed-after-fail",
    title: "WORK_FAIL leaves the job in the index of uniques",
    file: "src/protocol/server/WorkReports.ts",
    find: "        failAll(job)\n        return jobs.end(job)",
    replace: "        failAll(job)\n        job.mergeKey = undefined\n        return jobs.end(job)",
    property: 10,
    needs: ["workload"]
  },
  {
    id: "29-indexed-after-abandon",
    title: "A job that nobody waits for any more stays in the index of uniques",
    file: "src/protocol/server/Jobs.ts",
    find: '    if (!job.isAbandoned || job.state === "running") return\n',
    replace: '    if (!job.isAbandoned || job.state === "running") return\n    job.mergeKey = undefined\n',
    property: 10,
    needs: ["reset"]
  },
  {
    id: "30-background-join-ignored",
    title: "A job goes with its client although a background submission joined it",
    file: "src/protocol/server/Jobs.ts",
    find: "    if (isBackground) job.isBackground = true\n",
    replace: "",
    property: 11,
    needs: ["reset", "workload"]
  },
  {
    id: "31-leaver-takes-another",
    title: "A listener that leaves takes the last one with it",
    file: "src/protocol/server/Listeners.ts",
    find: "    listeners[this.jobIndex] = last\n    last.jobIndex = this.jobIndex\n",
    replace: "",
    property: 5,
    needs: ["reset", "interleaving"],
    note: "Nobody leaves while a packet is being sent to all; the leaving itself goes wrong."
  },
  {
    id: "32-data-to-the-first",
    title: "WORK_DATA goes to the first listener only",
    file: "src/protocol/server/Listeners.ts",
    find: "  for (const { session } of job.listeners) report.sendTo(session)",
    replace:
      "  for (const { session } of frame.type === Packet.PacketType.WORK_DATA ? job.listeners.slice(0, 1) : job.listeners)\n    report.sendTo(session)",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "33-attached-twice",
    title: "Whoever joins a running job hears everything twice",
    file: "src/protocol/server/Listeners.ts",
    find: "  job.listeners.push(attachment)\n",
    replace: '  job.listeners.push(attachment)\n  if (job.state === "running") job.listeners.push(attachment)\n',
    property: 5,
    needs: ["interleaving"],
    note: "Nobody can join while a packet is being sent to all; whoever joins a running job is added twice."
  },
  {
    id: "34-overtaking",
    title: "Of what waits to be sent, the newest goes first",
    file: "src/protocol/server/Outbox.ts",
    find: "this.peer.send(chunks)",
    replace: "this.peer.send(chunks.toReversed())",
    property: 5,
    needs: ["pressure"]
  },
  {
    id: "35-created-late",
    title: "JOB_CREATED is written after the job was offered to workers",
    file: "src/protocol/server/Requests.ts",
    find: "    Replies.jobCreated(session, job)\n    jobs.start(job, dueMillis, now)",
    replace: "    jobs.start(job, dueMillis, now)\n    Replies.jobCreated(session, job)",
    property: 25,
    needs: ["interleaving"],
    note: "No worker can be faster than the same step; it shows only where client and worker are one connection, which is woken for a job that it does not know yet."
  },
  {
    id: "36-handles-again",
    title: "Handles begin anew after a restart, with the same prefix",
    file: "src/protocol/JobServer.ts",
    find: "handlePrefix: drawPrefix(() => random.nextDoubleUnsafe()),",
    replace: 'handlePrefix: "H:server",',
    property: 1,
    needs: ["crash"]
  },
  {
    id: "37-one-listener-per-connection",
    title: "Two submissions over one connection that join one job count as one",
    file: "src/protocol/server/Listeners.ts",
    find: "  const attachment = new Attachment(job, session)\n",
    replace:
      "  if (job.listeners.some((one) => one.session === session)) return\n  const attachment = new Attachment(job, session)\n",
    property: 5,
    needs: ["workload"]
  },
  {
    id: "38-exceptions-for-all",
    title: "WORK_EXCEPTION goes to clients that did not ask for exceptions",
    file: "src/protocol/server/Listeners.ts",
    find: "if (session.wantsExceptions) report.sendTo(session)",
    replace: 'if (session.closing !== "destroy") report.sendTo(session)',
    property: 5,
    needs: ["workload"]
  },
  {
    id: "39-background-listens",
    title: "A background job tells its submitter",
    file: "src/protocol/server/Requests.ts",
    find: "if (!isBackground) jobs.attach(job, session)",
    replace: "jobs.attach(job, session)",
    property: 44,
    needs: ["workload"]
  },
  {
    id: "40-background-remembered",
    title: "Finished background jobs are not forgotten",
    file: "src/protocol/server/Jobs.ts",
    find: "    this.byNumber.delete(job.number)\n",
    replace: "    if (!job.isBackground) this.byNumber.delete(job.number)\n",
    property: 56,
    needs: ["workload"]
  },
  {
    id: "merge-keeps-priority",
    title: "A submission of higher priority does not raise the job that it joins",
    file: "src/protocol/server/Jobs.ts",
    find: "if (priority >= job.priority) return",
    replace: "if (priority >= 0) return",
    property: 12,
    needs: ["workload"]
  },
  {
    id: "merge-lowers-priority",
    title: "A submission of lower priority lowers the job that it joins",
    file: "src/protocol/server/Jobs.ts",
    find: "if (priority >= job.priority) return",
    replace: "if (priority === job.priority) return",
    property: 12,
    needs: ["workload"]
  },
  {
    id: "merge-raises-to-head",
    title: "A job that is raised keeps its old queue",
    file: "src/protocol/server/Jobs.ts",
    find: "      this.functions.dequeue(job)\n      job.priority = priority\n      this.functions.enqueue(job)",
    replace: "      job.priority = priority",
    property: 29,
    needs: ["workload"]
  },
  {
    id: "join-without-listening",
    title: "Whoever joins a job that waits is not told its result",
    file: "src/protocol/server/Requests.ts",
    find: "if (!isBackground) jobs.attach(joined, session)",
    replace: 'if (!isBackground && joined.state !== "queued") jobs.attach(joined, session)',
    property: 5,
    needs: ["workload"]
  },
  {
    id: "unique-lost-with-sibling",
    title: "When one of two functions' jobs of one unique ends, the other cannot be joined any more",
    file: "src/protocol/server/Merging.ts",
    find: "      if (entry.size > 0) return\n",
    replace: "",
    property: 2,
    needs: ["workload"]
  },
  {
    id: "fail-tells-nobody",
    title: "A job whose attempts are spent ends without a word",
    file: "src/protocol/server/Jobs.ts",
    find: "      failAll(job)\n      this.free(job)",
    replace: "      this.free(job)",
    property: 36,
    needs: ["reset"]
  },
  {
    id: "exception-does-not-end",
    title: "WORK_EXCEPTION reaches the listeners, and the job stays running",
    file: "src/protocol/server/WorkReports.ts",
    find: '        session.rememberAttempt(number, "excepted")\n        return jobs.end(job)',
    replace: "        return undefined",
    property: 7,
    needs: ["workload"]
  },
  {
    id: "abandoned-runs",
    title: "A job that nobody waits for any more runs all the same",
    file: "src/protocol/server/Job.ts",
    find: "return !this.isBackground && this.listeners.length === 0",
    replace: "return !this.isBackground && this.listeners.length < 0",
    property: 38,
    needs: ["reset"]
  },
  {
    id: "status-of-another",
    title: "A job's progress is told with numerator and denominator swapped",
    file: "src/protocol/server/WorkReports.ts",
    find: "job.denominator = missing > 0 ? 0 : parseUint32(frame.bytes, frame.fieldStart(2), frame.fieldEnd(2))",
    replace:
      "job.denominator = job.numerator\n        job.numerator = missing > 0 ? 0 : parseUint32(frame.bytes, frame.fieldStart(2), frame.fieldEnd(2))",
    property: 46,
    needs: ["workload"]
  },
  {
    id: "workloads-counted-for-ever",
    title: "The bytes of a finished job's workload count against the limit for ever",
    file: "src/protocol/server/Jobs.ts",
    find: "    this.workloadBytes -= job.workload.length\n",
    replace: "",
    property: 56,
    needs: ["workload"]
  }
]
