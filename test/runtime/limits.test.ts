/** Each limit and each setting of access by its flag, on both sides: what is within it, and what is not. */
import * as Net from "node:net"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { freePort, start } from "../interop/processes.ts"
import { ask, end, gearman, inDirectory, mainPath, patienceMillis, startServer, until } from "./support.ts"

const request = <N extends Packet.Name>(name: N, fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }) =>
  Codec.encode(Packet.request(name, fields))

const submit = (fn: string, workload = "") => request("SUBMIT_JOB_BG", { function: fn, unique: "", workload })
const canDo = (fn: string) => request("CAN_DO", { function: fn })
const echo = (data: string) => request("ECHO_REQ", { data })

/** A connection that keeps what it hears. */
const dial = (port: number) => {
  let heard = ""
  let isClosed = false
  const socket = Net.connect(port, "127.0.0.1")
  socket.on("error", () => {})
  socket.on("close", () => void (isClosed = true))
  socket.on("data", (bytes) => void (heard += bytes.toString("latin1")))
  return {
    socket,
    say: (...packets: ReadonlyArray<Uint8Array>) => void socket.write(Buffer.concat(packets)),
    isClosed: () => isClosed,
    heard: () => heard,
    hears: (text: string) =>
      until(() => heard.includes(text), `${text} came, only ${JSON.stringify(heard.slice(-100))} did`)
  }
}

/** A server with HTTP, and how often it has refused something for a reason. */
const withCounts = async (...flags: ReadonlyArray<string>) => {
  const http = await freePort()
  const server = await startServer([`--http-listen=127.0.0.1:${http}`, ...flags])
  const status = async () => (await (await fetch(`http://127.0.0.1:${http}/status`)).json()) as any
  return { http, server, status, refusals: async (reason: string) => (await status()).refusals[reason] ?? 0 }
}

describe("limits by their flags", { timeout: 60_000 }, () => {
  it.each([
    ["--max-jobs=1", [submit("f")], submit("g"), "QUEUE_ERROR\0Job queue is full", "maxJobs"],
    [
      "--max-jobs-per-function=1",
      [submit("f"), submit("g")],
      submit("f"),
      "QUEUE_ERROR\0Job queue is full",
      "maxJobsPerFunction"
    ],
    [
      "--max-workload-bytes=10",
      [submit("f", "0123456789")],
      submit("f", "0"),
      "QUEUE_ERROR\0Job queue is full",
      "maxWorkloadBytes"
    ],
    ["--max-functions=1", [submit("f"), submit("f")], submit("g"), "QUEUE_ERROR\0Too many functions", "maxFunctions"],
    [
      "--max-functions-per-connection=1",
      [canDo("f"), canDo("f")],
      canDo("g"),
      "QUEUE_ERROR\0Too many functions of one connection",
      "maxFunctionsPerConnection"
    ],
    ["--max-packet-bytes=100", [echo("x".repeat(80))], echo("x".repeat(101)), "ARGUMENT_TOO_LARGE\0", "maxPacketBytes"]
  ] as const)("%s", async (flag, within, beyond, refusal, reason) => {
    const { refusals, server } = await withCounts(flag)
    const peer = dial(server.port)
    peer.say(...within, echo("within"))
    await peer.hears("within")
    assert.notInclude(peer.heard(), "\0RES\0\0\0\x13")
    assert.strictEqual(await refusals(reason), 0)
    peer.say(beyond)
    await peer.hears(refusal)
    assert.strictEqual(await refusals(reason), 1)
    peer.socket.destroy()
    await end(server)
  })

  it("by itself one function has three quarters of --max-jobs, and others the rest", async () => {
    const { refusals, server } = await withCounts("--max-jobs=8")
    const peer = dial(server.port)
    peer.say(...Array.from({ length: 6 }, () => submit("flood")), echo("within"))
    await peer.hears("within")
    assert.notInclude(peer.heard(), "QUEUE_ERROR")
    peer.say(submit("flood"), echo("beyond"))
    await peer.hears("beyond")
    assert.include(peer.heard(), "QUEUE_ERROR\0Job queue is full")
    assert.deepStrictEqual([await refusals("maxJobsPerFunction"), await refusals("maxJobs")], [1, 0])
    peer.say(submit("innocent"), submit("innocent"), echo("others"))
    await peer.hears("others")
    assert.deepStrictEqual([await refusals("maxJobsPerFunction"), await refusals("maxJobs")], [1, 0])
    peer.socket.destroy()
    await end(server)
  })

  it("--max-jobs-per-function=0 lets one function have all", async () => {
    const { refusals, server } = await withCounts("--max-jobs=8", "--max-jobs-per-function=0")
    const peer = dial(server.port)
    peer.say(...Array.from({ length: 8 }, () => submit("flood")), echo("within"))
    await peer.hears("within")
    assert.notInclude(peer.heard(), "QUEUE_ERROR")
    peer.say(submit("flood"))
    await peer.hears("QUEUE_ERROR")
    assert.deepStrictEqual([await refusals("maxJobsPerFunction"), await refusals("maxJobs")], [0, 1])
    peer.socket.destroy()
    await end(server)
  })

  it("--max-output-bytes", async () => {
    const { refusals, server } = await withCounts("--max-output-bytes=100000")
    const reading = dial(server.port)
    const deaf = dial(server.port)
    deaf.socket.pause()
    const long = echo("x".repeat(90_000))
    for (let count = 0; count < 300; count++) deaf.say(long)
    reading.say(long)
    await until(async () => (await refusals("maxOutputBytes")) === 1, "the one that does not read was cut")
    reading.say(echo("still there"))
    await reading.hears("still there")
    deaf.socket.resume()
    await until(deaf.isClosed, "its connection was closed")
    reading.socket.destroy()
    await end(server)
  })

  it("--idle-timeout", async () => {
    const { refusals, server } = await withCounts("--idle-timeout=0.5")
    const idle = dial(server.port)
    const worker = dial(server.port)
    worker.say(canDo("f"), request("PRE_SLEEP", {}), echo("asleep"))
    idle.say(echo("here"))
    await worker.hears("asleep")
    await until(idle.isClosed, "the idle connection was closed")
    assert.strictEqual(await refusals("idleTimeout"), 1)
    assert.isFalse(worker.isClosed(), "a worker that sleeps is not idle")
    worker.socket.destroy()
    await end(server)
  })

  it("--wakeup-timeout", async () => {
    const { server, status } = await withCounts("--wakeup-timeout=0.2", "--worker-wakeup=1")
    const workers = [dial(server.port), dial(server.port)]
    for (const worker of workers) {
      worker.say(canDo("f"), request("PRE_SLEEP", {}), echo("asleep"))
      await worker.hears("asleep")
    }
    const noop = "\0RES\0\0\0\x06"
    dial(server.port).say(submit("f"))
    await until(() => workers.some((worker) => worker.heard().includes(noop)), "one was woken")
    assert.strictEqual((await status()).counters.passedOn, 0)
    await until(() => workers.every((worker) => worker.heard().includes(noop)), "the other was woken too")
    assert.strictEqual((await status()).counters.passedOn, 1)
    for (const worker of workers) worker.socket.destroy()
    await end(server)
  })

  it("of connections to the HTTP port, which take none from the job port", async () => {
    const { http, server } = await withCounts()
    const many = Array.from({ length: 300 }, () => dial(http))
    await until(() => many.filter((one) => one.isClosed()).length === 300 - 256, "those beyond 256 were closed")
    assert.match((await ask(server.port, "version")) ?? "", /^OK /)
    for (const one of many) one.socket.destroy()
    await until(
      () =>
        fetch(`http://127.0.0.1:${http}/healthz`).then(
          ({ ok }) => ok,
          () => false
        ),
      "there was room again"
    )
    await end(server)
  })
})

describe("access by its flags", { timeout: 60_000 }, () => {
  it("knows those who connect by their listener, and closes the text protocol where it should", () =>
    inDirectory(async (directory) => {
      const socket = `unix:${Path.join(directory, "admin.sock")}`
      const { refusals, server } = await withCounts(
        ...["--text=off", "--identity=batch", "--allow=batch:submit=resize", "--allow=batch:serve=none"],
        ...[`--listener=${socket},identity=ops,text=on`, "--allow=ops:administrate=*"]
      )
      const by = (address: string, ...words: ReadonlyArray<string>) => gearman([...words, "--server", address])
      const results = [
        await by(server.address, "submit", "resize", "x", "--background"),
        await by(server.address, "submit", "delete", "x", "--background"),
        await by(socket, "submit", "resize", "x", "--background"),
        await by(socket, "status"),
        await by(server.address, "status")
      ]
      assert.deepStrictEqual(
        results.map(({ code, stderr }) => [code, /(\S+ may not .*|The text protocol is closed.*)/.exec(stderr)?.[0]]),
        [
          [0, undefined],
          [1, "batch may not submit delete"],
          [1, "ops may not submit resize"],
          [0, undefined],
          [1, "The text protocol is closed on this listener (ACCESS_DENIED)"]
        ]
      )
      assert.deepStrictEqual([await refusals("submit"), await refusals("textProtocol")], [2, 1])
      const worker = dial(server.port)
      worker.say(canDo("none"), canDo("resize"))
      await worker.hears("ACCESS_DENIED\0batch may not serve resize")
      assert.strictEqual(await refusals("serve"), 1)
      worker.socket.destroy()
      await end(server)
    }))
})

describe.skipIf(process.platform !== "linux")("descriptors", { timeout: 60_000 }, () => {
  /** What a server with 256 of them logs until it listens. */
  const told = async (flag: string) => {
    const command = `ulimit -n 256; exec "${process.execPath}" "${mainPath}" server --port=0 --verbose=INFO ${flag}`
    const server = start("sh", ["-c", command], { timeoutMillis: 60_000 })
    await server.says(/listening on .*:\d+\n/, patienceMillis)
    await end(server)
    return /.*this process may have.*/.exec(server.errors())?.[0]
  }

  it("that do not do for --max-connections are told of at the start", async () => {
    assert.match(
      (await told("--max-connections=200"))!,
      /WARNING .*may have 256 descriptors, and --max-connections is 200: .*LimitNOFILE= in the unit, ulimit -Hn elsewhere/
    )
    assert.match((await told(""))!, /INFO .*and --max-connections is 100000/)
    assert.isUndefined(await told("--max-connections=100"))
  })
})

describe("what peers see of a server's flags", { timeout: 60_000 }, () => {
  it.each([
    ["--job-handle-prefix=mine --exceptions", "\0RES\0\0\0\x19\0\0\0\x0amine:1\0why", "\0RES\0\0\0\x0e"],
    ["--job-handle-prefix=mine", "\0RES\0\0\0\x0e\0\0\0\x06mine:1", "\0RES\0\0\0\x19"]
  ] as const)("%s", async (flags, expected, unwanted) => {
    const server = await startServer(flags.split(" "))
    const peer = dial(server.port)
    peer.say(canDo("f"), request("SUBMIT_JOB", { function: "f", unique: "", workload: "" }), request("GRAB_JOB", {}))
    await peer.hears("mine:1\0f\0")
    peer.say(request("WORK_EXCEPTION", { handle: "mine:1", data: "why" }), request("WORK_FAIL", { handle: "mine:1" }))
    await peer.hears(expected)
    peer.say(echo("after"))
    await peer.hears("after")
    assert.notInclude(peer.heard(), unwanted)
    peer.socket.destroy()
    await end(server)
  })

  it("without --job-handle-prefix each server draws one", async () => {
    const server = await startServer()
    const peer = dial(server.port)
    peer.say(submit("f"), echo("there"))
    await peer.hears("there")
    assert.match(peer.heard(), /H:[a-z0-9]{12}:0000000001/)
    peer.socket.destroy()
    await end(server)
  })
})
