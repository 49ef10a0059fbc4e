/** What scripts and supervisors that start gearmand rely on, with bin/gearmand in its place. */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import { freePort, run } from "../interop/processes.ts"
import {
  ask,
  gearmand,
  gearmandPath,
  inDirectory,
  isAlive,
  ready,
  sleep,
  startGearmand,
  until,
  end
} from "./support.ts"

const quiet = ["--config-file=/dev/null", "--log-file=none"]

describe("bin/gearmand", { timeout: 60_000 }, () => {
  it.each([
    [["positional"]],
    [["--no-such-option"]],
    [["--verb=INFO"]],
    [["-vvv"]],
    [["--verbose=LOUD"]],
    [["--config-file"]],
    [["--config-file=/no/such/file"]],
    [["--port=70000"]],
    [["--queue-type=libsqlite3"]]
  ])("ends with code 1 and one line for %j", async (args) => {
    const result = await gearmand(args)
    assert.strictEqual(result.code, 1)
    assert.strictEqual(result.stdout, "")
    assert.match(result.stderr, /^gearmand: [^\n]+\n$/)
  })

  it("checks arguments without binding or creating anything", async () => {
    await inDirectory(async (directory) => {
      const holder = startGearmand([...quiet, `--port=${await freePort()}`])
      const port = await freePort()
      const args = [`--port=${port}`, "--pid-file=pid", "--log-file=log", "--config-file=/dev/null", "--check-args"]
      const result = await gearmand(args, { cwd: directory })
      assert.deepStrictEqual([result.code, result.stdout, result.stderr], [0, "", ""])
      assert.deepStrictEqual(Fs.readdirSync(directory), [])
      await end(holder)
    })
  })

  it("runs with an empty environment, keeps its pid, and cleans up on SIGTERM", async () => {
    await inDirectory(async (directory) => {
      const port = await freePort()
      Fs.writeFileSync(Path.join(directory, "log"), "")
      const args = [
        ...["--verbose=INFO", "--log-file=log", "--pid-file=pid", `--port=${port}`, "--threads=4"],
        ...["-u", ChildProcess.execFileSync("id", ["-un"], { encoding: "utf8" }).trim(), "--listen=localhost"]
      ]
      const server = startGearmand(args, { cwd: directory, env: {} })
      await ready(port, "localhost")
      assert.strictEqual(Fs.readFileSync(Path.join(directory, "pid"), "utf8"), `${server.pid}\n`)
      assert.strictEqual(await ask(port, "getpid"), `OK ${server.pid}\n`)
      assert.strictEqual(await ask(port, "verbose"), "OK INFO\n")
      const begun = Date.now()
      const result = await end(server)
      assert.strictEqual(result.code, 0)
      assert.isBelow(Date.now() - begun, 5_000)
      assert.strictEqual(result.stdout + result.stderr, "")
      assert.deepStrictEqual(Fs.readdirSync(directory), ["log"])
      const log = Fs.readFileSync(Path.join(directory, "log"), "utf8")
      assert.match(log, /^ NOTICE \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[ {2}main ] listening on localhost:/m)
      assert.include(log, "--threads has no effect")
    })
  })

  it("binds its port again at once after a stop with connections", async () => {
    const port = await freePort()
    for (let round = 0; round < 2; round++) {
      const server = startGearmand([...quiet, `--port=${port}`])
      await ready(port)
      assert.strictEqual((await end(server, "SIGINT")).code, 0)
    }
  })

  it("waits for a port that another process gives up, unless it is told to stop", async () => {
    await inDirectory(async (directory) => {
      const port = await freePort()
      const first = startGearmand([...quiet, `--port=${port}`])
      await ready(port)
      const waiting = async (name: string) => {
        const log = Path.join(directory, name)
        const args = ["--config-file=/dev/null", `--port=${port}`, `--log-file=${log}`, "--verbose=WARNING"]
        const server = startGearmand(args)
        await until(() => Fs.existsSync(log) && Fs.readFileSync(log, "utf8").includes("trying again in"), "it waited")
        return server
      }
      const impatient = await waiting("impatient")
      assert.strictEqual((await end(impatient)).code, 0)
      const patient = await waiting("patient")
      await end(first)
      await ready(port)
      assert.strictEqual(await ask(port, "getpid"), `OK ${patient.pid}\n`)
      await end(patient)
    })
  })

  it("goes on when nobody reads its output, however much it has to say", async () => {
    const port = await freePort()
    const child = ChildProcess.spawn(
      gearmandPath,
      ["--config-file=/dev/null", `--port=${port}`, "--verbose=DEBUG", "--log-file=stderr"],
      { stdio: ["ignore", "pipe", "pipe"] }
    )
    try {
      await ready(port)
      // Far more lines than a pipe of 64 KiB holds.
      for (let line = 0; line < 1_000; line++) child.kill("SIGHUP")
      await sleep(100)
      for (let round = 0; round < 20; round++) {
        for (let line = 0; line < 100; line++) child.kill("SIGHUP")
        await sleep(5)
      }
      assert.strictEqual(await ask(port, "verbose"), "OK DEBUG\n")
    } finally {
      child.kill("SIGKILL")
    }
  })

  it("logs as JSON and logfmt too", async () => {
    await inDirectory(async (directory) => {
      for (const format of ["json", "logfmt"]) {
        const port = await freePort()
        const log = Path.join(directory, format)
        const args = ["--config-file=/dev/null", "--verbose=NOTICE", `--log-file=${log}`, `--log-format=${format}`]
        const server = startGearmand([...args, `--port=${port}`])
        await ready(port)
        await end(server)
        const [line] = Fs.readFileSync(log, "utf8").split("\n")
        const text = `listening on 127.0.0.1:${port}, process ${server.pid}`
        if (format === "json") {
          const { level, message } = JSON.parse(line!)
          assert.deepStrictEqual([level, message], ["NOTICE", text])
        } else assert.match(line!, new RegExp(`^time=\\S+Z level=NOTICE message="${text}"$`))
      }
    })
  })

  it("reopens its log on SIGHUP", async () => {
    await inDirectory(async (directory) => {
      const log = Path.join(directory, "log")
      const port = await freePort()
      const server = startGearmand([
        "--config-file=/dev/null",
        `--log-file=${log}`,
        `--port=${port}`,
        "--verbose=NOTICE"
      ])
      await ready(port)
      Fs.renameSync(log, `${log}.1`)
      process.kill(server.pid, "SIGHUP")
      await until(
        () => Fs.existsSync(log) && Fs.readFileSync(log, "utf8").includes("log reopened"),
        "the log was reopened"
      )
      await end(server)
      assert.include(Fs.readFileSync(`${log}.1`, "utf8"), "listening on")
    })
  })

  it("stops on SIGUSR1 when it is idle, and once its jobs are done", async () => {
    const idlePort = await freePort()
    const idle = startGearmand([...quiet, `--port=${idlePort}`])
    await ready(idlePort)
    process.kill(idle.pid, "SIGUSR1")
    assert.strictEqual((await idle.ended).code, 0)

    const port = await freePort()
    const busy = startGearmand([...quiet, `--port=${port}`])
    await ready(port)
    const { connect } = await import("node:net")
    const client = connect(port, "127.0.0.1")
    const packet = (type: number, body: string) => {
      const bytes = Buffer.alloc(12 + body.length)
      bytes.write("\0REQ", 0, "latin1")
      bytes.writeUInt32BE(type, 4)
      bytes.writeUInt32BE(body.length, 8)
      bytes.write(body, 12, "latin1")
      return bytes
    }
    client.write(packet(18, "f\0\0workload"))
    const reply = await new Promise<Buffer>((resolve) => client.once("data", resolve))
    const handle = reply.subarray(12).toString("latin1")
    process.kill(busy.pid, "SIGUSR1")
    await until(async () => (await ask(port, "version")) === undefined, "new connections were refused")
    assert.isTrue(isAlive(busy.pid))
    client.write(`cancel job ${handle}\n`)
    assert.strictEqual((await busy.ended).code, 0)
    client.destroy()
  })

  it("reopens its log on SIGHUP, and stops on SIGUSR1, while it still waits for its port", async () => {
    await inDirectory(async (directory) => {
      const port = await freePort()
      const holder = startGearmand([...quiet, `--port=${port}`])
      await ready(port)
      const log = Path.join(directory, "log")
      const said = () => (Fs.existsSync(log) ? Fs.readFileSync(log, "utf8") : "")
      const args = ["--config-file=/dev/null", `--log-file=${log}`, `--port=${port}`, "--verbose=NOTICE"]
      const server = startGearmand(args)
      await until(() => said().includes("trying again in"), "it waited")
      Fs.renameSync(log, `${log}.1`)
      process.kill(server.pid, "SIGHUP")
      await until(() => said().includes("log reopened"), "the log was reopened")
      assert.strictEqual((await end(server, "SIGUSR1")).code, 0)
      await end(holder)
    })
  })

  it("runs the bundle, unless sources that are in it are newer", async () => {
    await inDirectory(async (directory) => {
      const at = (path: string) => Path.join(directory, path)
      const write = (path: string, seconds: number, content = "") => {
        Fs.mkdirSync(Path.dirname(at(path)), { recursive: true })
        Fs.writeFileSync(at(path), content)
        Fs.utimesSync(at(path), seconds, seconds)
      }
      write("scripts/build.ts", 1_000)
      write("src/runtime/gearmand.ts", 1_000, "console.log('sources')")
      write("src/protocol/Codec.ts", 1_000)
      write("dist/bin/gearmand.js", 2_000, "console.log('bundle')")
      write("src/sim/Kernel.ts", 3_000)
      Fs.mkdirSync(at("bin"))
      Fs.copyFileSync(gearmandPath, at("bin/gearmand"))
      const env = { PATH: `${Path.dirname(process.execPath)}:/usr/bin:/bin` }
      assert.strictEqual((await run(at("bin/gearmand"), [], { env })).stdout, "bundle\n")
      write("src/protocol/Codec.ts", 3_000)
      assert.strictEqual((await run(at("bin/gearmand"), [], { env })).stdout, "sources\n")
      // As installed: the sources are there to be read, and there is nothing to build them with.
      Fs.rmSync(at("scripts"), { recursive: true })
      assert.strictEqual((await run(at("bin/gearmand"), [], { env })).stdout, "bundle\n")
    })
  })

  it("goes to the background with --daemon and leaves its pid in the file", async () => {
    await inDirectory(async (directory) => {
      const port = await freePort()
      const args = [...quiet, "--daemon", `--port=${port}`, "--pid-file=pid"]
      const result = await gearmand(args, { cwd: directory })
      assert.deepStrictEqual([result.code, result.stdout, result.stderr], [0, "", ""])
      const pid = Number(Fs.readFileSync(Path.join(directory, "pid"), "utf8"))
      try {
        assert.strictEqual(await ask(port, "getpid"), `OK ${pid}\n`)
      } finally {
        process.kill(pid, "SIGTERM")
      }
      await until(() => !isAlive(pid), "the daemon ended")
    })
  })

  it("tells in the foreground why it cannot go to the background", async () => {
    const result = await gearmand([...quiet, "--daemon", "--port=0", "--pid-file=/no/such/directory/pid"])
    assert.strictEqual(result.code, 1)
    assert.match(result.stderr, /^gearmand: cannot write the pid file [^\n]+\n$/)
  })

  it.skipIf(process.getuid!() !== 0)("gives up root for --user once the port is bound", async () => {
    const port = await freePort()
    const server = startGearmand([...quiet, `--port=${port}`, "-u", "nobody"])
    await ready(port)
    const status = Fs.readFileSync(`/proc/${server.pid}/status`, "utf8")
    assert.notMatch(status, /^Uid:\t0/m)
    assert.notMatch(status, /^Gid:\t0/m)
    await end(server)
    const unknown = await gearmand([...quiet, "--port=0", "--user=no-such-user"])
    assert.deepStrictEqual(
      [unknown.code, unknown.stderr.split(";")[0]],
      [1, "gearmand: there is no user no-such-user to become"]
    )
  })

  it("shows help and its version", async () => {
    const help = await gearmand(["--help"])
    assert.strictEqual(help.code, 0)
    assert.include(help.stdout, "--worker-wakeup")
    const version = await gearmand(["-V"])
    assert.match(version.stdout, /^gearmand \d+\.\d+\.\d+\n$/)
    await inDirectory(async (directory) => {
      const link = Path.join(directory, "gearmand")
      Fs.symlinkSync(gearmandPath, link)
      assert.strictEqual((await run(link, ["-V"], { env: {} })).stdout, version.stdout)
    })
  })
})
