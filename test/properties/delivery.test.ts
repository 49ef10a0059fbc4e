/**
 * That callers hear later on a busy server changes nothing but the moment: whatever comes,
 * in a rush or not, each connection has been told the same when it is quiet again.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { type Connection, Server } from "../unit/server/harness.ts"

const connections = 4
const { constantFrom, integer, nat, oneof, record, tuple } = FastCheck

const fn = constantFrom("a", "b")
const handle = integer({ min: 1, max: 8 }).map((number) => `H:${number}`)
const packet = oneof(
  {
    weight: 6,
    arbitrary: fn.map((name) => Packet.request("SUBMIT_JOB", { function: name, unique: "", workload: "x" }))
  },
  {
    weight: 3,
    arbitrary: fn.map((name) => Packet.request("SUBMIT_JOB_BG", { function: name, unique: "u", workload: "x" }))
  },
  { weight: 2, arbitrary: fn.map((name) => Packet.request("CAN_DO", { function: name })) },
  { weight: 1, arbitrary: FastCheck.constant(Packet.request("RESET_ABILITIES", {})) },
  { weight: 5, arbitrary: FastCheck.constant(Packet.request("GRAB_JOB_UNIQ", {})) },
  { weight: 2, arbitrary: FastCheck.constant(Packet.request("PRE_SLEEP", {})) },
  { weight: 5, arbitrary: handle.map((handle) => Packet.request("WORK_COMPLETE", { handle, data: "y" })) },
  { weight: 2, arbitrary: handle.map((handle) => Packet.request("GET_STATUS", { handle })) },
  // Two of these are more than is kept back.
  {
    weight: 1,
    arbitrary: constantFrom(20_000, 40_000).map((size) => Packet.request("ECHO_REQ", { data: "z".repeat(size) }))
  }
).map(Codec.encode)

const step = oneof(
  {
    weight: 12,
    arbitrary: record({ _tag: FastCheck.constant("hears" as const), packet, isRush: FastCheck.boolean() })
  },
  { weight: 2, arbitrary: record({ _tag: FastCheck.constant("isQuiet" as const) }) },
  { weight: 1, arbitrary: record({ _tag: FastCheck.constant("leaves" as const) }) }
)
const steps = FastCheck.array(tuple(nat(connections - 1), step), { maxLength: 80, size: "max" })

const replaced = (server: Server, all: Array<Connection>, at: number): void => {
  all[at]!.close()
  all[at] = server.connect()
}

describe("what connections are told", () => {
  it("is the same, in a rush or not", () => {
    let waited = 0
    FastCheck.assert(
      FastCheck.property(steps, (steps) => {
        const [hurried, patient] = [new Server(), new Server()]
        const [soon, late] = [hurried, patient].map((server) =>
          Array.from({ length: connections }, () => server.connect())
        ) as [Array<Connection>, Array<Connection>]
        const compare = () => {
          hurried.core.flush()
          patient.core.flush()
          assert.deepStrictEqual(
            late.map((one) => one.readText()),
            soon.map((one) => one.readText())
          )
          assert.deepStrictEqual(patient.core.violations(), [])
        }
        for (const [at, step] of [...steps, [0, { _tag: "isQuiet" }] as const]) {
          if (step._tag === "hears") {
            soon[at]!.bytesBeforeMore(step.packet)
            if (step.isRush) late[at]!.bytesInRush(step.packet)
            else late[at]!.bytesBeforeMore(step.packet)
            if (late.some(({ chunks }, index) => chunks.length < soon[index]!.chunks.length)) waited++
          } else {
            compare()
            if (step._tag === "leaves") {
              replaced(hurried, soon, at)
              replaced(patient, late, at)
            }
          }
        }
      }),
      { numRuns: 300 }
    )
    assert.isAbove(waited, 300)
  })
})
