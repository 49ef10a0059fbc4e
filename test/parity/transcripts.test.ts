/**
 * Every recorded exchange, replayed: against Debian's gearmand, which proves the
 * runner, and against our server, byte for byte but for the deviations we document.
 */
import { assert, describe, it } from "@effect/vitest"
import { describeWith } from "../interop/peers.ts"
import { deviations } from "./deviations.ts"
import { gearmand, standIn, type StartServer } from "./gearmand.ts"
import { ours } from "./ours.ts"
import { replay, transcripts, type Step } from "./Transcript.ts"

const check = async (start: StartServer, args: ReadonlyArray<string>, steps: ReadonlyArray<Step>): Promise<void> => {
  const server = await start(args)
  try {
    assert.strictEqual(await replay(steps, server.port), undefined)
  } finally {
    await server.stop()
  }
}

describeWith(["gearmand"], "gearmand answers as recorded", () => {
  for (const { description, id, server_args, steps } of transcripts) {
    it.concurrent(`${id} ${description}`, { timeout: 60_000 }, () => check(gearmand, server_args, steps))
  }
})

describe("our server answers as gearmand does", () => {
  for (const { description, id, server_args, steps } of transcripts) {
    if (id in deviations) continue
    it.concurrent(`${id} ${description}`, { timeout: 60_000 }, () => check(ours, server_args, steps))
  }
})

// One of each kind: starting a process costs more than the exchange.
const throughTheExecutable = ["G03", "G11", "G33", "G36", "G56", "G58"]

describe("our executable, started as gearmand is, answers as gearmand does", () => {
  for (const id of throughTheExecutable) {
    const { description, server_args, steps } = transcripts.find((transcript) => transcript.id === id)!
    it.concurrent(`${id} ${description}`, { timeout: 60_000 }, () => check(standIn, server_args, steps))
  }
})

describe("our server deviates on purpose", () => {
  it("knows each transcript it deviates from", () => {
    const known = new Set(transcripts.map((transcript) => transcript.id))
    assert.deepStrictEqual(
      Object.keys(deviations).filter((id) => !known.has(id)),
      []
    )
  })

  for (const [id, { steps, why }] of Object.entries(deviations)) {
    const { server_args, steps: recorded } = transcripts.find((transcript) => transcript.id === id)!
    it.concurrent(`${id} ${why}`, { timeout: 60_000 }, () => check(ours, server_args, steps))
    it(`${id} differs from what gearmand does`, () => assert.notDeepEqual(steps, recorded))
  }
})
