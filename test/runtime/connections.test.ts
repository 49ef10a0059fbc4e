/**
 * Connections that are cut and stalled, between our server as a process and clients and
 * workers of every make: nothing hangs, nothing is lost that was promised, and nothing is
 * left behind.
 */
import { assert, it } from "vitest"
import { call, type Member, peersOf, startWorker } from "../interop/fleet.ts"
import { describeWith } from "../interop/peers.ts"
import { Wire } from "../parity/Wire.ts"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { Proxy } from "./Proxy.ts"
import { ask, end, patienceMillis, sleep, startServer, until } from "./support.ts"

const request = <N extends Packet.Name>(name: N, fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }) =>
  Codec.encode(Packet.request(name, fields))

/** The tool has no way back after its connection is lost, by design: it ends. */
const members: ReadonlyArray<Member> = ["ours", "libgearman", "perl", "php"]

const upper = { mode: "do", function: "upper", workload: "payload" } as const

const status = async (port: number) => (await ask(port, "status")) ?? ""

/** A server, and a way to it that can be spoilt. */
const withProxy = async (use: (at: { readonly port: number; readonly proxy: Proxy }) => Promise<void>) => {
  const server = await startServer()
  const proxy = await Proxy.to(server.port)
  try {
    await use({ port: server.port, proxy })
  } finally {
    proxy.close()
    assert.strictEqual((await end(server)).code, 0)
  }
}

/** Takes one job of the function and keeps it until told. */
const holder = async (port: number, fn: string) => {
  const wire = await Wire.open(port)
  wire.send(Buffer.concat([request("CAN_DO", { function: fn }), request("GRAB_JOB", {})]))
  const grabAgain = async () => {
    for (;;) {
      const header = await wire.take(12, patienceMillis)
      const body = await wire.take(header.readUInt32BE(8), patienceMillis)
      if (header.readUInt32BE(4) === 11) return body.toString("latin1").split("\0")[0]!
      await sleep(20)
      wire.send(request("GRAB_JOB", {}))
    }
  }
  const handle = grabAgain()
  return {
    handle,
    complete: async (data: string) => wire.send(request("WORK_COMPLETE", { handle: await handle, data })),
    close: () => wire.close()
  }
}

describeWith(peersOf(...members), "connections that are spoilt", () => {
  for (const member of members) {
    it(`a worker of ${member} comes back after a cut, and its job is done`, { timeout: 120_000 }, () =>
      withProxy(async ({ port, proxy }) => {
        const worker = await startWorker(member, proxy.port)
        const { made } = proxy
        proxy.cut()
        const result = await call("ours", port, upper)
        assert.strictEqual(result.output.toString(), "PAYLOAD", result.errors)
        assert.isAbove(proxy.made, made)
        await worker.stop()
      })
    )

    it(`a worker of ${member} takes up what came while nothing passed`, { timeout: 120_000 }, () =>
      withProxy(async ({ port, proxy }) => {
        const worker = await startWorker(member, proxy.port)
        for (const directions of [["up"], ["down"], []] as const) {
          proxy.stall(...directions)
          const result = call("ours", port, upper)
          await until(async () => /^upper\t1\t/m.test(await status(port)), "the job was there")
          await sleep(300)
          assert.match(await status(port), /^upper\t1\t/m)
          proxy.resume()
          const { errors, output } = await result
          assert.strictEqual(output.toString(), "PAYLOAD", errors)
        }
        assert.match(await status(port), /^upper\t0\t0\t1$/m)
        await worker.stop()
      })
    )

    it(`a client of ${member} has its result when the way is free again`, { timeout: 120_000 }, () =>
      withProxy(async ({ port, proxy }) => {
        const worker = await startWorker("ours", port)
        for (const directions of [["up"], ["down"], []] as const) {
          proxy.stall(...directions)
          const { made } = proxy
          const result = call(member, proxy.port, upper)
          await until(() => proxy.made > made, "the client was there")
          await sleep(300)
          proxy.resume()
          const { errors, output } = await result
          assert.strictEqual(output.toString(), "PAYLOAD", errors)
        }
        await until(async () => /^upper\t0\t0\t1$/m.test(await status(port)), "nothing was left")
        await worker.stop()
      })
    )

    it(`a client of ${member} does not hang when it is cut off, and its job harms nobody`, { timeout: 120_000 }, () =>
      withProxy(async ({ port, proxy }) => {
        const worker = await holder(port, "held")
        const result = call(member, proxy.port, { mode: "do", function: "held", workload: "x", unique: "u" })
        await worker.handle
        proxy.cut()
        await worker.complete("late")
        const { code } = await result
        // Ours may submit again where that is safe, which it is not here; the others say that it was lost.
        assert.notStrictEqual(code, 0)
        assert.notStrictEqual(code, "timed out")
        await until(async () => /^held\t0\t0\t1$/m.test(await status(port)), "nothing was left")
        await worker.close()
      })
    )

    it(`a client and a worker of ${member} take packets byte by byte`, { timeout: 120_000 }, () =>
      withProxy(async ({ proxy }) => {
        proxy.crumble()
        const worker = await startWorker(member, proxy.port)
        const { errors, output } = await call(member, proxy.port, upper)
        assert.strictEqual(output.toString(), "PAYLOAD", errors)
        await worker.stop()
      })
    )
  }
})
