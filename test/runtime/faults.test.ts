/** The server as a process when things go wrong around it: nobody else suffers. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import { assert, describe, it } from "vitest"
import { freePort, start } from "../interop/processes.ts"
import {
  ask,
  gearman,
  gearmandPath,
  patienceMillis,
  ready,
  sleep,
  startGearman,
  startServer,
  until,
  end
} from "./support.ts"

const connect = (port: number): Net.Socket => {
  const socket = Net.connect(port, "127.0.0.1")
  socket.on("error", () => {})
  return socket
}

const closed = (socket: Net.Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))

const packet = (type: number, body: Uint8Array | string, lengthBytes = body.length): Buffer => {
  const header = Buffer.alloc(12)
  header.write("\0REQ", 0, "latin1")
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(lengthBytes, 8)
  return Buffer.concat([header, Buffer.from(body)])
}

const residentMegabytes = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

describe("faults", { timeout: 90_000 }, () => {
  it("goes on when descriptors run out, and serves again when there are some", async () => {
    const port = await freePort()
    const server = start("sh", ["-c", `ulimit -n 60; exec ${gearmandPath} --port=${port} --log-file=none`])
    await ready(port)
    const flood = Array.from({ length: 100 }, () => {
      const socket = connect(port)
      socket.write("version\n")
      return socket
    })
    // Those over the limit are closed, the others are served.
    let open = 100
    for (const socket of flood) socket.once("close", () => open--)
    await until(() => open < 60, "connections over the limit were closed")
    assert.isAbove(open, 10)
    for (const socket of flood) socket.destroy()
    await until(async () => (await ask(port, "version"))?.startsWith("OK ") === true, "it answered again")
    assert.strictEqual((await end(server)).code, 0)
  })

  it("goes on when the disk of its log is full", async () => {
    const server = await startServer(["--log-file=/dev/full", "--verbose=DEBUG"])
    assert.match((await ask(server.port, "version")) ?? "", /^OK /)
    assert.strictEqual((await end(server)).code, 0)
  })

  it("closes what is no Gearman, keeps no memory for it, and serves others meanwhile", async () => {
    const server = await startServer()
    await ready(server.port)
    const before = residentMegabytes(server.pid)
    const attacks: Record<string, Buffer> = {
      "bad magic": Buffer.from("\0XYZ00000000", "latin1"),
      "an unknown type": packet(99, ""),
      "a length of 4 GiB": packet(7, "", 0xffffffff),
      "an endless line": Buffer.alloc(100_000, "x"),
      "a line of many words": Buffer.from("a b c d e f g h\n")
    }
    for (const [name, bytes] of Object.entries(attacks)) {
      const sockets = Array.from({ length: 20 }, () => {
        const socket = connect(server.port)
        socket.resume()
        socket.write(bytes)
        return closed(socket)
      })
      const answer = await ask(server.port, "version")
      assert.match(answer ?? "", /^OK /, name)
      await Promise.all(sockets)
    }
    assert.isBelow(residentMegabytes(server.pid) - before, 60)
    await end(server)
  })

  it("takes a packet byte by byte, and many at once that never end", async () => {
    const server = await startServer()
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(server.port)
      socket.write(packet(16, "x".repeat(10), 1_000_000))
      return socket
    })
    const socket = connect(server.port)
    const reply = new Promise<Buffer>((resolve) => socket.once("data", resolve))
    for (const byte of packet(16, "echo")) {
      socket.write(Uint8Array.of(byte))
      await sleep(2)
    }
    assert.strictEqual((await reply).subarray(12).toString(), "echo")
    for (const one of [socket, ...slow]) one.destroy()
    await end(server)
  })

  it("lets one that does not read its answers stall only itself", async () => {
    const server = await startServer()
    const echo = packet(16, new Uint8Array(1 << 20))
    const deaf = connect(server.port)
    deaf.pause()
    let isBlocked = false
    for (let round = 0; round < 100 && !isBlocked; round++) {
      isBlocked = !deaf.write(echo)
      if (isBlocked) await Promise.race([new Promise((resolve) => deaf.once("drain", resolve)), sleep(500)])
      isBlocked = deaf.writableLength > 0
    }
    assert.isTrue(isBlocked, "the server stopped reading from it")
    const begun = Date.now()
    assert.match((await ask(server.port, "version")) ?? "", /^OK /)
    assert.isBelow(Date.now() - begun, 2_000)
    deaf.destroy()
    await end(server)
  })

  it("gives a job to another worker when one is killed, and when one is frozen", async () => {
    const server = await startServer()
    const at = ["--server", server.address]
    const status = async (text: string) => (await ask(server.port, "status"))?.includes(text) === true
    // Ends by itself once nobody is there to read what it says.
    const endless = ["sh", "-c", "while sleep 0.2; do echo on; done"]
    for (const [signal, name] of [
      ["SIGKILL", "killed"],
      ["SIGSTOP", "frozen"]
    ] as const) {
      const first = startGearman(["worker", name, ...at, "--timeout", "1", "--", ...endless])
      await until(() => status(`${name}\t0\t0\t1\n`), "the first worker was there")
      const submitted = startGearman(["submit", name, "x", ...at])
      await until(() => status(`${name}\t1\t1\t1\n`), "the first worker had the job")
      process.kill(first.pid, signal)
      const second = startGearman(["worker", name, ...at, "--", "echo", "second"])
      await submitted.says("second", patienceMillis)
      assert.strictEqual((await submitted.ended).code, 0)
      await end(second)
      await first.stop("SIGKILL")
    }
    assert.deepStrictEqual(JSON.parse((await gearman(["jobs", "--json", ...at])).stdout), [])
    await end(server)
  })
})
