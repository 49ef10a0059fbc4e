/** The recorder puts what a server got and gave in one step back into the order of cause and effect. */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import type { Endpoint } from "../../../src/sim/network/Endpoint.ts"
import { Recorder } from "../../../src/sim/properties/Recorder.ts"

describe("the recorder", () => {
  it("shows the answer to an earlier step's question before what was said since", () => {
    const shown: Array<string> = []
    const order = {
      name: "order",
      observe: ({ event }: { readonly event: { readonly _tag: string; readonly name?: string } }) => {
        if (event._tag === "Packet") shown.push(event.name!)
      }
    }
    const recorder = new Recorder(
      [order],
      () => 0,
      () => Infinity,
      false
    )
    const server = { host: "server1", connection: 1, dialled: false, outgoing: { waiting: 0 } } as Endpoint
    recorder.record({ _tag: "Started", node: "server1" })
    const got = (...packets: ReadonlyArray<Packet.Packet>) => {
      for (const packet of packets) recorder.got(server, Codec.encode(packet))
    }
    const gave = (...packets: ReadonlyArray<Packet.Packet>) => {
      for (const packet of packets) recorder.gave(server, Codec.encode(packet))
    }
    got(Packet.request("GRAB_JOB", {}))
    recorder.stepEnded()
    got(
      Packet.request("PRE_SLEEP", {}),
      Packet.request("GRAB_JOB", {}),
      Packet.request("RESET_ABILITIES", {}),
      Packet.request("ECHO_REQ", { data: "x" })
    )
    gave(
      Packet.response("NO_JOB", {}),
      Packet.response("NOOP", {}),
      Packet.response("JOB_ASSIGN", { handle: "H:1", function: "f", workload: "w" }),
      Packet.response("ECHO_RES", { data: "x" })
    )
    recorder.stepEnded()
    assert.deepStrictEqual(shown, [
      "GRAB_JOB",
      "NO_JOB",
      "PRE_SLEEP",
      "NOOP",
      "GRAB_JOB",
      "JOB_ASSIGN",
      "RESET_ABILITIES",
      "ECHO_REQ",
      "ECHO_RES"
    ])
  })
})
