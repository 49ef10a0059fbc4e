/**
 * Planted bugs of the client: which server is asked, what becomes of submissions whose
 * connection is lost, and who is told the end.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const client: ReadonlyArray<Mutant> = [
  {
    id: "48-reset-loses-questions",
    title: "When a connection breaks, what was still to be sent over it is forgotten",
    file: "src/protocol/client/Fleet.ts",
    find: "if (attempt !== undefined) this.dispatch((attempt as SubmissionAttempt).submission)",
    replace: "",
    property: 36,
    needs: ["reset"],
    note: "A reset and an end in order are treated alike here; what both have to hand on is lost instead."
  },
  {
    id: "51-handles-across-servers",
    title: "Jobs of all servers are kept under their handles in one map",
    file: "src/protocol/client/Program.ts",
    find: "link.conversation = new Conversation(link.outbox)",
    replace:
      "link.conversation = Object.assign(new Conversation(link.outbox), { listened: ((fleet as any).listened ??= new Map()) })",
    property: 38,
    needs: ["crash", "workload"]
  },
  {
    id: "52-old-connection-heard",
    title: "What was asked over an old connection is answered by the next one's packets",
    file: "src/protocol/client/Program.ts",
    find: "link.conversation = new Conversation(link.outbox)",
    replace:
      "link.conversation = Object.assign(new Conversation(link.outbox), { listened: ((link as any).listened ??= Object.assign(new Map(), { clear: () => {} })) })",
    property: 8,
    needs: ["reset", "crash"],
    note: "An old connection is not read any more; its jobs stay under their handles for the next connection's packets."
  },
  {
    id: "53-created-newest-first",
    title: "JOB_CREATED is taken for the newest submission, not the oldest",
    file: "src/protocol/client/Conversation.ts",
    find: "const attempt = this.next()?.attempt",
    replace:
      "const attempt = this.unanswered.splice(this.unanswered.findLastIndex((one) => one.attempt !== undefined), 1)[0]?.attempt",
    property: 8,
    needs: ["interleaving"]
  },
  {
    id: "54-unanswered-lost",
    title: "When a connection breaks, submissions without a handle are forgotten",
    file: "src/protocol/client/Fleet.ts",
    find: "for (const attempt of remains?.attempts ?? []) this.lost",
    replace:
      "for (const attempt of (remains?.attempts ?? []).filter((one) => (one as SubmissionAttempt).handle !== undefined)) this.lost",
    property: 36,
    needs: ["reset"]
  },
  {
    id: "55-same-server-for-ever",
    title: "A submission goes to its first server again, also while that is dead",
    file: "src/protocol/client/Fleet.ts",
    find: "const link = this.firstAlive(submission.description.order)",
    replace: "const link = this.links[submission.description.order[0]!]",
    property: 41,
    needs: ["partition"]
  },
  {
    id: "56-shared-patience",
    title: "Submissions that wait for a server share the time of the one that waited first",
    file: "src/protocol/client/Fleet.ts",
    find: "this.parked.push({ submission, since: this.now() })",
    replace: "this.parked.push({ submission, since: this.parked[0]?.since ?? this.now() })",
    property: 37,
    needs: ["reset", "workload"],
    note: "There is no count of retries; what a submission has of its own is how long it waits."
  },
  {
    id: "57-order-of-the-living",
    title: "When a server is dead, the order of the others is another one",
    file: "src/protocol/client/Program.ts",
    find: "if (order !== undefined) return order\n",
    replace:
      "if (order !== undefined) return fleet.links.every((link) => link.isAlive) ? order : [...order].reverse()\n",
    property: 35,
    needs: ["partition"]
  },
  {
    id: "58-dead-for-ever",
    title: "A server that failed once is never used again while another lives",
    file: "src/protocol/client/Fleet.ts",
    find: "    link.problem = undefined\n    const waiting",
    replace: "    const waiting",
    property: 43,
    needs: ["partition", "time"]
  },
  {
    id: "59-wait-begins-anew",
    title: "Whoever needs a server makes the wait for it begin anew",
    file: "src/protocol/connection/Reconnecting.ts",
    find: "Effect.raceFirst(Effect.sleep(wait), Effect.andThen(options.demand, Effect.sleep(sooner)))",
    replace:
      "Effect.andThen(Effect.sleep(wait), Effect.andThen(options.demand, Effect.andThen(Effect.sleep(wait), Effect.sleep(sooner))))",
    property: 43,
    needs: ["time", "workload"]
  },
  {
    id: "60-one-leaves-all-leave",
    title: "A caller that is interrupted takes those with it that wait for the same job",
    file: "src/protocol/client/Submission.ts",
    find: "if (this.only === undefined && (this.others?.size ?? 0) === 0 && !this.isDone) this.finish()",
    replace: "if (!this.isDone) this.finish()",
    property: 36,
    needs: ["interleaving"]
  },
  {
    id: "resubmits-everything",
    title: "A job that is not idempotent is submitted again after an ambiguous loss",
    file: "src/protocol/client/Fleet.ts",
    find: "if (submission.description.isIdempotent) this.dispatch(submission)",
    replace: "if (submission.description.packet.length > 0) this.dispatch(submission)",
    property: 38,
    needs: ["reset"]
  },
  {
    id: "resubmits-nothing",
    title: "An idempotent job is not submitted again",
    file: "src/protocol/client/Fleet.ts",
    find: "if (submission.description.isIdempotent) this.dispatch(submission)",
    replace: "if (submission.description.packet.length === 0) this.dispatch(submission)",
    property: 37,
    needs: ["reset"]
  },
  {
    id: "late-joiner-unheard",
    title: "A caller that joins a submission with a handle is not counted among those who listen",
    file: "src/protocol/client/Submission.ts",
    find: "    else (this.others ??= new Map()).set(listener, since)\n",
    replace: "    else if (this.handle === undefined) (this.others ??= new Map()).set(listener, since)\n",
    property: 36,
    needs: ["interleaving"]
  },
  {
    id: "merged-by-function",
    title: "A client takes all submissions of a function that has uniques for equal",
    file: "src/protocol/client/Program.ts",
    find: '${unique === "-" ? "-" : "="}${key}`',
    replace: '${unique === "-" ? "-" : "="}`',
    property: 8,
    needs: ["workload"]
  },
  {
    id: "merged-after-end",
    title: "A submission can be joined after its end",
    file: "src/protocol/client/Fleet.ts",
    find: "if (mergeKey !== undefined && this.merged.get(mergeKey) === submission) this.merged.delete(mergeKey)",
    replace: "",
    property: 36,
    needs: ["workload"]
  },
  {
    id: "exception-as-failure",
    title: "An exception is told as a plain failure",
    file: "src/protocol/client/Conversation.ts",
    find: "const bytes = frame.type === PacketType.WORK_FAIL ? undefined : frame.copy(1)",
    replace: "const bytes = frame.type === PacketType.WORK_COMPLETE ? frame.copy(1) : undefined",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "view-of-result",
    title: "A result is a view of a buffer that the next packets overwrite",
    file: "src/protocol/client/Conversation.ts",
    find: "const bytes = frame.type === PacketType.WORK_FAIL ? undefined : frame.copy(1)",
    replace: "const bytes = frame.type === PacketType.WORK_FAIL ? undefined : frame.field(1)",
    property: 8,
    needs: ["fragments"]
  },
  {
    id: "first-merged-hears",
    title: "Of the submissions merged into one job over one connection only the first hears its end",
    file: "src/protocol/client/Conversation.ts",
    find: "    for (const attempt of listened.attempts) this.tell",
    replace: "    for (const attempt of listened.attempts.slice(0, 1)) this.tell",
    property: 36,
    needs: ["workload"]
  },
  {
    id: "no-probe",
    title: "A silent connection is never probed",
    file: "src/protocol/connection/Session.ts",
    find: "if (silent >= interval && !machine.isOwed) machine.probe()",
    replace: "",
    property: 41,
    needs: ["crash", "partition"]
  },
  {
    id: "probe-not-judged",
    title: "A server that does not answer the probe is not given up",
    file: "src/protocol/connection/Session.ts",
    find: 'if (owing >= timeout) return yield* lost("it stopped answering", undefined)',
    replace: "",
    property: 41,
    needs: ["crash", "partition"]
  },
  {
    id: "no-backoff",
    title: "A server that refuses is dialled again at once, for ever",
    file: "src/protocol/connection/Backoff.ts",
    find: "Math.round(Math.max(minMilliseconds, base * (0.75 + random / 2)))",
    replace: "Math.round(base * random * 0)",
    property: 42,
    needs: ["crash", "time"]
  },
  {
    id: "parked-forgotten",
    title: "Submissions that wait for any server are not sent when one comes back",
    file: "src/protocol/client/Fleet.ts",
    find: "    for (const { submission } of waiting) this.dispatch(submission)\n",
    replace: "",
    property: 36,
    needs: ["reset"]
  },
  {
    id: "room-never-opens",
    title: "Callers that wait for room are not let in when there is some",
    file: "src/protocol/client/Fleet.ts",
    find: "    this.jobs--\n    this.startQueued()\n",
    replace: "    this.jobs--\n",
    property: 36,
    needs: ["pressure", "workload"]
  },
  {
    id: "hedge-once",
    title: "What is not idempotent is hedged too",
    file: "src/protocol/client/Program.ts",
    find: "      if (!fn.idempotent) return decoded(fn, first)\n",
    replace: "",
    property: 38,
    needs: ["workload"]
  },
  {
    id: "64-map-by-completion",
    title: "A map's results come in the order in which they were done",
    file: "src/protocol/DistributedMap.ts",
    find: "    Effect.forEach(items, followed(run, options, countOf(items)), { concurrency: windowOf(options) })",
    replace:
      "    Effect.suspend(() => {\n      const one = followed(run, options, countOf(items))\n      const done: Array<unknown> = []\n      return Effect.as(\n        Effect.forEach(items, (item, index) => Effect.tap(one(item, index), (value) => Effect.sync(() => done.push(value))), { concurrency: windowOf(options) }),\n        done\n      )\n    })",
    property: 48,
    needs: ["workload"]
  },
  {
    id: "64-map-without-window",
    title: "A map has all its items under way at once",
    file: "src/protocol/DistributedMap.ts",
    find: "followed(run, options, countOf(items)), { concurrency: windowOf(options) })",
    replace: 'followed(run, options, countOf(items)), { concurrency: "unbounded" })',
    property: 50,
    needs: ["workload"]
  },
  {
    id: "finished-still-listened",
    title: "A client goes on listening to jobs that have ended, one more for each, until it loses the server",
    file: "src/protocol/client/Conversation.ts",
    find: "    this.listened.delete(handle)\n    const bytes = frame",
    replace: "    const bytes = frame",
    property: 56,
    needs: ["workload"]
  }
]
