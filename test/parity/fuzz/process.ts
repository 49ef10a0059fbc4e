/**
 * Random packets over sockets to a server process: it must stay up, answer a healthy
 * connection all the while, and keep its memory.
 */
import { readFileSync } from "node:fs"
import type { StartServer } from "../gearmand.ts"
import { Wire } from "../Wire.ts"
import { Bytes, Draw, functions } from "./Bytes.ts"

export interface ProcessReport {
  readonly packets: number
  readonly bytes: number
  readonly connections: number
  readonly slowestEchoMillis: number
  /** Once a second. */
  readonly residentBytes: ReadonlyArray<number>
}

const connectionsAtOnce = 16
const patienceMillis = 20_000

/** What the kernel says the process holds in memory. */
export const residentBytesOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

const request = (type: number, body = ""): Buffer => {
  const packet = Buffer.alloc(12 + body.length)
  packet.write("\0REQ", "latin1")
  packet.writeUInt32BE(type, 4)
  packet.writeUInt32BE(body.length, 8)
  packet.write(body, 12, "latin1")
  return packet
}

const grabsAtOnce = 200

/** A worker for everything, so that the queues do not grow: they are not what is measured. */
const drain = async (wire: Wire): Promise<void> => {
  for (;;) {
    wire.send(Buffer.concat(Array.from({ length: grabsAtOnce }, () => request(9))))
    const finished: Array<Buffer> = []
    for (let answers = 0; answers < grabsAtOnce;) {
      const header = await wire.take(12, patienceMillis)
      if (header.length < 12) throw new Error("a worker got no answer")
      const body = await wire.take(header.readUInt32BE(8), patienceMillis)
      const type = header.readUInt32BE(4)
      if (type !== 6) answers++
      if (type === 11) finished.push(request(13, `${body.toString("latin1", 0, body.indexOf(0))}\0`))
    }
    wire.send(Buffer.concat(finished))
    if (finished.length === 0) return
  }
}

/** Fails when the server dies, leaves a connection stuck, or does not answer a healthy one. */
export const fuzzProcess = async (start: StartServer, seconds: number, seed: number): Promise<ProcessReport> => {
  const server = await start(["--job-handle-prefix=H:fuzz", "--job-retries=5"])
  const residentBytes: Array<number> = []
  let packets = 0
  let bytes = 0
  let connections = 0
  let slowestEchoMillis = 0
  const deadline = Date.now() + seconds * 1000

  const attack = async (lane: number): Promise<void> => {
    const draw = new Draw(seed + lane)
    const generator = new Bytes(draw)
    while (Date.now() < deadline) {
      const wire = await Wire.open(server.port)
      connections++
      const handles = { assigned: "H:fuzz:1", created: "H:fuzz:1" }
      for (let round = draw.below(50); round >= 0 && !wire.peerEnded && Date.now() < deadline; round--) {
        const last = (draw.below(connections) + 1).toString()
        handles.assigned = handles.created = `H:fuzz:${last}`
        const chunk = generator.next(1 + draw.below(60), handles)
        packets += chunk.packets
        bytes += chunk.bytes.length
        wire.send(Buffer.from(chunk.bytes))
        await wire.activity(5)
        wire.takeAll()
      }
      await wire.close()
    }
  }

  const watch = async (): Promise<void> => {
    const wire = await Wire.open(server.port)
    const worker = await Wire.open(server.port)
    worker.send(Buffer.concat(functions.map((name) => request(1, name))))
    let count = 0
    let nextSample = 0
    while (Date.now() < deadline) {
      const mark = String(++count).padStart(8, "0")
      const sent = performance.now()
      wire.send(request(16, mark))
      if ((await wire.takeThrough(Buffer.from(mark), patienceMillis)) === undefined) {
        throw new Error("a healthy connection got no answer")
      }
      slowestEchoMillis = Math.max(slowestEchoMillis, performance.now() - sent)
      await drain(worker)
      if (server.pid !== undefined && Date.now() >= nextSample) {
        residentBytes.push(residentBytesOf(server.pid))
        nextSample = Date.now() + 1000
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await Promise.all([wire.close(), worker.close()])
  }

  try {
    await Promise.all([watch(), ...Array.from({ length: connectionsAtOnce }, (_, lane) => attack(lane))])
  } finally {
    await server.stop()
  }
  return { packets, bytes, connections, slowestEchoMillis, residentBytes }
}
