/**
 * Planted bugs that were thought of when all others were found, and tried against properties
 * and situations that did not know them.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const invented: ReadonlyArray<Mutant> = [
  {
    id: "announced-again-listed-twice",
    title: "A sleeper that announces a function once more is listed for it twice",
    file: "src/protocol/server/Requests.ts",
    find: "      known.timeoutMillis = timeoutMillis\n      return",
    replace:
      "      known.timeoutMillis = timeoutMillis\n      if (!known.isListed) Sleepers.unlist(known)\n      return",
    property: 0,
    needs: ["workload"],
    note: "The list then goes round in a circle: the server hangs, and the engine has to end the run."
  },
  {
    id: "wake-counts-awake",
    title: "Sleepers that have woken up by themselves count as woken for the job",
    file: "src/protocol/server/Sleepers.ts",
    find: '    if (ability.session.sleep !== "asleep") continue\n    sendNoop',
    replace: '    if (ability.session.sleep !== "asleep") {\n      left--\n      continue\n    }\n    sendNoop',
    property: 23,
    needs: ["interleaving"]
  },
  {
    id: "second-sleep-unanswered",
    title: "Who falls asleep again beside work, and was woken for some, hears nothing",
    file: "src/protocol/server/Sleepers.ts",
    find: "  else session.begin(Packet.PacketType.NOOP, 0, 0)\n",
    replace: "",
    property: 23,
    needs: ["workload"]
  },
  {
    id: "withdrawn-while-asked",
    title: "A worker takes a function back while a server may be giving it a job of it",
    file: "src/protocol/worker/Crew.ts",
    find: "|| conversation.isClosing || conversation.grabs > 0) continue",
    replace: "|| conversation.isClosing) continue",
    property: 20,
    needs: ["interleaving"]
  },
  {
    id: "own-handlers-kept",
    title: "A lost connection keeps the handlers that its questions had reserved",
    file: "src/protocol/worker/Crew.ts",
    find: "if (conversation.lane.isOwn) this.freeHandlers += questions",
    replace: "if (conversation.lane.isOwn && questions < 2) this.freeHandlers += questions",
    property: 36,
    needs: ["reset"]
  },
  {
    id: "lost-not-noted",
    title: "A client forgets that a server may have had a job, and says that there was no server",
    file: "src/protocol/client/Fleet.ts",
    find: "    submission.lost(server)\n",
    replace: "",
    property: 38,
    needs: ["crash"]
  },
  {
    id: "sent-questions-forgotten",
    title: "Who has asked a server that is lost hears nothing till its time is over",
    file: "src/protocol/client/Fleet.ts",
    find: '    for (const query of remains?.queries ?? []) query.refused("", text, cause)\n',
    replace: "",
    property: 36,
    needs: ["reset", "workload"]
  },
  {
    id: "queued-counted-done",
    title: "A caller that leaves before its turn makes room for two",
    file: "src/protocol/client/Fleet.ts",
    find: "if (this.queued.delete(submission)) return",
    replace: "this.queued.delete(submission)",
    property: 57,
    needs: ["workload"]
  },
  {
    id: "silent-acceptor-kept",
    title: "Who accepts a connection and never answers is waited for without end",
    file: "src/protocol/connection/Session.ts",
    find: 'orElse: () => Effect.fail(lost("it accepted the connection but does not answer", undefined))',
    replace: "orElse: () => Effect.never",
    property: 41,
    needs: ["partition"]
  },
  {
    id: "limit-begins-late",
    title: "What the acceptance of a job took does not count as its caller's time",
    file: "src/protocol/client/Program.ts",
    find: "duration: Math.max(0, deadline - Monotonic.millis(clock)),",
    replace: "duration: reason.milliseconds,",
    property: 61,
    needs: ["crash", "time"]
  },
  {
    id: "hedge-too-early",
    title: "A second server is asked before its caller wants that",
    file: "src/protocol/client/Program.ts",
    find: "Effect.delay(second, hedge)",
    replace: "Effect.delay(second, Duration.divideUnsafe(hedge, 2))",
    property: 35,
    needs: ["workload"]
  },
  {
    id: "hedge-joins-itself",
    title: "The second server is never asked, since the call joins its own first attempt",
    file: "src/protocol/client/Program.ts",
    find: "mergeKey: mergeKey === undefined ? undefined : `second\\0${mergeKey}`",
    replace: "mergeKey",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "drain-ends-at-once",
    title: "A server that drains ends with jobs that it has accepted",
    file: "src/protocol/JobServer.ts",
    find: 'core.shutdown === "now" || (core.shutdown !== "no" && core.isIdle)',
    replace: 'core.shutdown !== "no"',
    property: 45,
    needs: ["workload"]
  },
  {
    id: "drain-refusal-told",
    title: "Callers are told that a server drains, though another would take their job",
    file: "src/protocol/client/Submission.ts",
    find: "    if (code === shuttingDownCode) return this.onShuttingDown(this)\n",
    replace: "",
    property: 37,
    needs: ["workload"]
  },
  {
    id: "drain-refuses-joiners",
    title: "A server that drains refuses also who joins a job that it does anyhow",
    file: "src/protocol/server/Requests.ts",
    find: "if (jobs.isDraining && (isBackground || found === undefined))",
    replace: "if (jobs.isDraining)",
    property: 60,
    needs: ["workload"]
  },
  {
    id: "drain-takes-foreground",
    title: "A server that drains takes jobs that somebody waits for",
    file: "src/protocol/server/Requests.ts",
    find: "if (jobs.isDraining && (isBackground || found === undefined))",
    replace: "if (jobs.isDraining && isBackground)",
    property: 60,
    needs: ["workload"]
  }
]
