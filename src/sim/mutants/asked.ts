/**
 * Planted bugs in what programs say by themselves: which packet a submission is, what is
 * not sent after all, how a worker introduces itself, what goes on for nobody.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const asked: ReadonlyArray<Mutant> = [
  {
    id: "high-and-low-swapped",
    title: "A client submits urgent jobs with low priority, and others the other way round",
    file: "src/protocol/client/Encoding.ts",
    find: "(job.isBackground ? background : foreground)[priority]",
    replace:
      '(job.isBackground ? background : foreground)[priority === "normal" ? priority : priority === "low" ? "high" : "low"]',
    property: 53,
    needs: ["workload"]
  },
  {
    id: "background-waited-for",
    title: "A client submits background jobs as if it waited for them",
    file: "src/protocol/client/Encoding.ts",
    find: "(job.isBackground ? background : foreground)",
    replace: '(job.isBackground && priority !== "low" ? background : foreground)',
    property: 53,
    needs: ["workload"]
  },
  {
    id: "urgent-not-scheduled",
    title: "An urgent job runs at once, whatever its time",
    file: "src/protocol/client/Encoding.ts",
    find: "epoch === undefined ? prompt",
    replace: 'epoch === undefined || priority === "high" ? prompt',
    property: 53,
    needs: ["workload"]
  },
  {
    id: "scheduled-too-early",
    title: "The time of a scheduled job is rounded down to seconds",
    file: "src/protocol/client/Encoding.ts",
    find: "return Math.ceil(moment / 1000)",
    replace: "return Math.floor(moment / 1000)",
    property: 27,
    needs: ["workload"]
  },
  {
    id: "withdrawn-sent",
    title: "What nobody waits for any more is sent all the same",
    file: "src/protocol/client/Conversation.ts",
    find: "if (request.isWithdrawn) continue\n",
    replace: "",
    property: 40,
    needs: ["reset", "workload"]
  },
  {
    id: "submits-without-limit",
    title: "A client has as many submissions under way as it is asked for",
    file: "src/protocol/client/Fleet.ts",
    find: "if (this.jobs < this.limits.maxJobs) this.startJob(submission)",
    replace: "if (this.jobs >= 0) this.startJob(submission)",
    property: 57,
    needs: ["workload"]
  },
  {
    id: "first-server-only",
    title: "A client knows no server but the first of a submission's order",
    file: "src/protocol/client/Fleet.ts",
    find: "    for (const index of order) {",
    replace: "    for (const index of order.slice(0, 1)) {",
    property: 37,
    needs: ["crash", "partition"]
  },
  {
    id: "name-said-once",
    title: "A worker says who it is over its first connection only",
    file: "src/protocol/worker/Program.ts",
    find: "          greeting,\n",
    replace: "          greeting: greeting.splice(0),\n",
    property: 21,
    needs: ["workload"]
  },
  {
    id: "orphans-run-on",
    title: "A handler whose connection is gone runs on",
    file: "src/protocol/worker/Crew.ts",
    find: "return void run.fiber?.interruptUnsafe()",
    replace: "return undefined",
    property: 58,
    needs: ["reset", "workload"]
  },
  {
    id: "wakes-everybody",
    title: "A job wakes all sleepers, whatever the server's option says",
    file: "src/protocol/server/Jobs.ts",
    find: "Sleepers.wake(fn, this.workerWakeup,",
    replace: "Sleepers.wake(fn, 0,",
    property: 25,
    needs: ["workload"]
  },
  {
    id: "status-of-any-unique",
    title: "Who asks for a unique that no job has is told of another job",
    file: "src/protocol/server/Merging.ts",
    find: "let newest = this.findPacked(unique)\n",
    replace:
      "let newest = entry === undefined ? [...this.byUnique.values()].find((one) => !(one instanceof Map)) as Job : undefined\n",
    property: 46,
    needs: ["workload"]
  },
  {
    id: "leaver-ends-running",
    title: "A running job is over when the last who waits for it leaves",
    file: "src/protocol/server/Jobs.ts",
    find: 'if (!job.isAbandoned || job.state === "running") return',
    replace: "if (!job.isAbandoned) return",
    property: 16,
    needs: ["reset", "workload"]
  }
]
