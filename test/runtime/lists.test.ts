/** Lists of a hundred thousand jobs, from a server as a process: whole, and nobody has to wait for them. */
import * as Net from "node:net"
import { assert, describe, it } from "vitest"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { ask, end, gearman, startServer, until } from "./support.ts"

const count = 100_000

/** Asks and says goodbye at once, as `printf … | nc -N` does; the answer, as it grows. */
const askAndLeave = (port: number, command: string) => {
  const chunks: Array<Buffer> = []
  let isOver = false
  const socket = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(`${command}\n`))
  socket.on("data", (bytes) => void chunks.push(bytes))
  socket.on("close", () => void (isOver = true))
  return { isOver: () => isOver, text: () => Buffer.concat(chunks).toString("latin1") }
}

describe("long lists", { timeout: 120_000 }, () => {
  it("come whole, also to one who has said goodbye, and others are answered before they end", async () => {
    const server = await startServer([`--max-jobs=${count}`])
    const client = Net.connect(server.port, "127.0.0.1")
    let heardBytes = 0
    client.on("data", (bytes) => void (heardBytes += bytes.length))
    for (let from = 0; from < count; from += 1_000) {
      const packets = Array.from({ length: 1_000 }, (_, index) =>
        Codec.encode(
          Packet.request("SUBMIT_JOB_BG", { function: `f${index % 10}`, unique: `u${from + index}`, workload: "" })
        )
      )
      client.write(Buffer.concat(packets))
    }
    await until(async () => /^f9\t10000\t0\t0$/m.test((await ask(server.port, "status")) ?? ""), "all jobs were there")
    assert.isAbove(heardBytes, count * 12)
    for (const command of ["show jobs", "show unique jobs"]) {
      const list = askAndLeave(server.port, command)
      await until(() => list.text().length > 0, "the list began")
      assert.match((await ask(server.port, "version")) ?? "", /^OK /)
      assert.isFalse(list.isOver(), `the version came before ${command} had ended`)
      await until(list.isOver, `${command} ended`)
      const lines = list.text().split("\n")
      assert.strictEqual(lines.length, count + 2)
      assert.strictEqual(new Set(lines).size, count + 2)
      assert.deepStrictEqual(lines.slice(-2), [".", ""])
    }
    const { stdout } = await gearman(["jobs", "--json", "--server", server.address])
    assert.strictEqual((JSON.parse(stdout) as ReadonlyArray<unknown>).length, count)
    client.destroy()
    await end(server)
  })
})
