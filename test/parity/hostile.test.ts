/**
 * Hostile and careless peers against a server process, over sockets: what each gets, and
 * that neither the server's memory nor anybody else suffers.
 */
import { afterAll, beforeAll, assert, describe, it } from "@effect/vitest"
import { residentBytesOf } from "./fuzz/process.ts"
import type { Server } from "./gearmand.ts"
import { oursAsProcess } from "./ours.ts"
import { Wire } from "./Wire.ts"

const mebibyte = 1024 * 1024

const packet = (type: number, body: string | Uint8Array = "", declaredBytes = body.length): Buffer => {
  const header = Buffer.alloc(12)
  header.write("\0REQ", "latin1")
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(declaredBytes, 8)
  return Buffer.concat([header, Buffer.from(body as string, "latin1")])
}

describe("a server process", () => {
  let server: Server
  let healthy: Wire
  let marks = 0

  /** The healthy connection is answered within ten seconds. */
  const answers = async (): Promise<void> => {
    const mark = `mark ${++marks}`
    healthy.send(packet(16, mark))
    assert.isDefined(await healthy.takeThrough(Buffer.from(mark), 10_000), "a healthy connection got no answer")
  }

  const growthDuring = async (body: () => Promise<void>): Promise<number> => {
    const before = residentBytesOf(server.pid!)
    await body()
    await answers()
    return residentBytesOf(server.pid!) - before
  }

  beforeAll(async () => {
    server = await oursAsProcess([])
    healthy = await Wire.open(server.port)
    await answers()
  }, 30_000)

  afterAll(async () => {
    await healthy.close()
    await server.stop()
  })

  it("refuses lengths up to 4 GiB at the header (gearmand: reserves them)", { timeout: 60_000 }, async () => {
    const growth = await growthDuring(async () => {
      for (const length of [0xffffffff, 0x80000000, 64 * mebibyte + 1]) {
        const wires = await Promise.all(Array.from({ length: 50 }, () => Wire.open(server.port)))
        for (const wire of wires) wire.send(packet(7, "", length))
        for (const wire of wires) {
          assert.isTrue(await wire.end(20_000))
          assert.include(wire.takeAll().toString("latin1"), `ARGUMENT_TOO_LARGE\0Packet of ${length} bytes`)
          await wire.close()
        }
      }
    })
    assert.isBelow(growth, 48 * mebibyte)
  })

  it("keeps nothing for what was only announced", { timeout: 60_000 }, async () => {
    const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.open(server.port)))
    const growth = await growthDuring(async () => {
      for (const wire of wires) wire.send(packet(16, "x", 32 * mebibyte))
      await answers()
    })
    assert.isBelow(growth, 48 * mebibyte)
    await Promise.all(wires.map((wire) => wire.close()))
  })

  it("closes connections with types of any size, and stays up (gearmand: crashes)", { timeout: 60_000 }, async () => {
    for (const type of [0, 43, 0x7fffffff, 0x80000000, 0x80000007, 0xffffffff]) {
      const wire = await Wire.open(server.port)
      wire.send(packet(type))
      assert.isTrue(await wire.end(20_000), `type ${type} did not close the connection`)
      assert.strictEqual(wire.takeAll().length, 0)
      await wire.close()
      await answers()
    }
  })

  it("closes a line without end at 8192 bytes", { timeout: 60_000 }, async () => {
    const wire = await Wire.open(server.port)
    wire.send(Buffer.alloc(8191, "x"))
    assert.isFalse(await wire.activity(100))
    wire.send(Buffer.from("x"))
    assert.isTrue(await wire.end(20_000))
    await wire.close()
  })

  it("serves others while hundreds of connections say nothing or little", { timeout: 60_000 }, async () => {
    const wires = await Promise.all(Array.from({ length: 300 }, () => Wire.open(server.port)))
    for (const [index, wire] of wires.entries()) {
      if (index % 3 === 1) wire.send(packet(7, "f\0\0x").subarray(0, index % 14))
      if (index % 3 === 2) wire.send(Buffer.from("stat"))
    }
    for (let round = 0; round < 20; round++) await answers()
    await Promise.all(wires.map((wire) => wire.close()))
  })

  it("holds no more than its limit for a client that does not read", { timeout: 120_000 }, async () => {
    const client = await Wire.open(server.port)
    client.pause()
    client.send(packet(7, "stream\0\0x"))
    const worker = await Wire.open(server.port)
    worker.send(Buffer.concat([packet(1, "stream"), packet(9)]))
    const assigned = await worker.takeThrough(Buffer.from("\0stream\0"), 20_000)
    const handle = assigned!.subarray(12).toString("latin1")
    const data = packet(28, `${handle}\0${"d".repeat(mebibyte)}`)
    const growth = await growthDuring(async () => {
      for (let round = 0; round < 250; round++) {
        worker.send(data)
        // The server is through with it when the echo is back, whatever the client does.
        worker.send(packet(16, `round ${round} `))
        assert.isDefined(await worker.takeThrough(Buffer.from(`round ${round} `), 20_000), "the worker was held up")
      }
    })
    assert.isBelow(growth, 180 * mebibyte)
    // The client was cut, and so the job has nobody who waits for it; the worker goes on.
    worker.send(packet(13, `${handle}\0`))
    worker.send(packet(9))
    await answers()
    await Promise.all([client.close(), worker.close()])
  })
})
