/**
 * Planted bugs of the wire: bytes to packets and back, connections and their ends.
 *
 * @since 0.1.0
 */
import type { Mutant } from "./Mutant.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const wire: ReadonlyArray<Mutant> = [
  {
    id: "41-header-cut",
    title: "What a chunk has of an unfinished header is dropped",
    file: "src/protocol/codec/Decoder.ts",
    find: "if (used < chunk.length && this.isOpen()) this.keep(chunk, used, chunk.length)",
    replace: "if (used + headerBytes <= chunk.length && this.isOpen()) this.keep(chunk, used, chunk.length)",
    property: 52,
    needs: ["fragments"]
  },
  {
    id: "42-one-packet-per-chunk",
    title: "Only the first packet of a chunk is handled until the next chunk comes",
    file: "src/protocol/codec/Decoder.ts",
    find: "      at += used\n      this.offset += used\n",
    replace: "      at += used\n      this.offset += used\n      break\n",
    property: 52,
    needs: ["fragments"]
  },
  {
    id: "43-signed-length",
    title: "A packet's length is read as a signed number",
    file: "src/protocol/codec/Decoder.ts",
    find: "bytes[at + 3]!) >>> 0",
    replace: "bytes[at + 3]!) | 0",
    property: 55,
    needs: ["workload"]
  },
  {
    id: "large-packets-awaited",
    title: "A packet over the limit is waited for, if it is no more than four times as large",
    file: "src/protocol/codec/Decoder.ts",
    find: "const isOversized = bodyBytes > this.limits.maxPacketBytes",
    replace: "const isOversized = bodyBytes > 4 * this.limits.maxPacketBytes",
    property: 55,
    needs: ["workload"]
  },
  {
    id: "44-nul-in-last-field",
    title: "A packet's last field ends at a NUL in it",
    file: "src/protocol/codec/Frame.ts",
    find: "    this.starts[found] = from\n    this.ends[found] = end\n",
    replace:
      "    this.starts[found] = from\n    const nul = bytes.subarray(0, end).indexOf(0, from)\n    this.ends[found] = nul === -1 ? end : nul\n",
    property: 8,
    needs: ["workload"]
  },
  {
    id: "45-no-pause",
    title: "The server reads on from a connection that does not take its answers",
    file: "src/protocol/JobServer.ts",
    find: "connection.receive(onBytes, receiving)",
    replace: "connection.receive(onBytes, { ...receiving, pauseAboveBytes: Infinity })",
    property: 57,
    needs: ["pressure"]
  },
  {
    id: "46-two-writes",
    title: "Headers and bodies are written one by one, without a lock",
    file: "src/protocol/connection/Session.ts",
    find: "Effect.mapError(writer.writeAll([first, ...rest]), fromSocketError)",
    replace:
      'Effect.mapError(Effect.forEach([first, ...rest].flatMap((one) => [one.subarray(0, 12), one.subarray(12)]), (one) => writer.write(one), { concurrency: "unbounded", discard: true }), fromSocketError)',
    property: 54,
    needs: ["interleaving"]
  },
  {
    id: "47-end-drops-output",
    title: "A connection that is given up is cut before its last answer is sent",
    file: "src/protocol/server/JobServerCore.ts",
    find: 'session.closing = "end"',
    replace: 'session.closing = "destroy"',
    property: 55,
    needs: ["workload"],
    note: "A half-closed connection's unread bytes are the network's affair; what the server still has to say is its own."
  },
  {
    id: "49-dispatch-after-close",
    title: "What a chunk holds after the packet that closed its connection is still done",
    file: "src/protocol/server/JobServerCore.ts",
    find: "    if (!session.isOpen || session.outbox.isOverLimit) return\n    this.jobs.counters.packets++",
    replace: "    this.jobs.counters.packets++",
    property: 17,
    needs: ["reset", "interleaving"]
  },
  {
    id: "50-slow-client-blocks",
    title: "A client that reads slowly keeps the others from hearing",
    file: "src/protocol/server/Listeners.ts",
    find: "  for (const { session } of job.listeners) report.sendTo(session)",
    replace:
      "  for (const { session } of job.listeners) {\n    if (session.peer.unsentBytes() > 0) break\n    report.sendTo(session)\n  }",
    property: 5,
    needs: ["pressure"],
    note: "Nothing waits while a packet is sent to all; the sending stops at the slow one instead."
  },
  {
    id: "large-by-reference",
    title: "Large bodies are sent before the header that belongs to them",
    file: "src/protocol/server/Outbox.ts",
    find: "    if (bytes.length === 0) return\n    this.seal()\n",
    replace: "    if (bytes.length === 0) return\n",
    property: 53,
    needs: ["workload"]
  },
  {
    id: "buffer-reused",
    title: "A buffer that the transport still has to send is written over",
    file: "src/protocol/server/Outbox.ts",
    find: "if (this.unsentBytes === 0) this.giveBack()",
    replace: "this.giveBack()",
    property: 53,
    needs: ["pressure"]
  },
  {
    id: "view-kept",
    title: "A job keeps a view of its workload in a buffer that is reused",
    file: "src/protocol/server/Requests.ts",
    find: "workload: jobs.workloads.keep(frame, start, end)",
    replace: "workload: frame.field(workloadIndex)",
    property: 8,
    needs: ["interleaving"]
  },
  {
    id: "leftover-overwritten",
    title: "What is left of a chunk is kept at the wrong place",
    file: "src/protocol/codec/Decoder.ts",
    find: "this.leftover.set(chunk.subarray(start, end), this.kept)",
    replace: "this.leftover.set(chunk.subarray(start, end), 0)",
    property: 52,
    needs: ["fragments"]
  }
]
