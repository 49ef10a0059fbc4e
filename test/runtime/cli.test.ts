/** Each command as people run it: a process of its own, against a server that is one too. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { freePort, run } from "../interop/processes.ts"
import { version } from "../../src/runtime/version.ts"
import { ask, gearman, inDirectory, patienceMillis, sleep, startGearman, startServer, until, end } from "./support.ts"

let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  server = await startServer(["--allow-shutdown", "--allow-cancel"])
}, patienceMillis)
afterAll(async () => {
  const result = await end(server)
  assert.strictEqual(result.code, 0)
})

const at = () => ["--server", server.address]

const rows = async (command: string, ...more: ReadonlyArray<string>): Promise<ReadonlyArray<any>> =>
  JSON.parse((await gearman([command, "--json", ...at(), ...more])).stdout)

/** Asked without a process, for waiting. */
const says = async (command: string, text: string) => ((await ask(server.port, command)) ?? "").includes(text)

const startWorker = async (name: string, args: ReadonlyArray<string>) => {
  const worker = startGearman(["worker", name, ...at(), "--client-id", `${name}-worker`, ...args])
  await until(() => says("workers", `${name}-worker : ${name}\n`), `the worker for ${name} announced itself`)
  return worker
}

describe("effect-gearman", { timeout: 90_000 }, () => {
  it("shows help, its version and completions", async () => {
    const help = await gearman(["--help"])
    assert.strictEqual(help.code, 0)
    for (const command of ["server", "worker", "submit", "map", "map-worker", "status", "jobs", "cancel", "shutdown"]) {
      assert.include(help.stdout, command)
    }
    for (const flag of ["--version", "-V"])
      assert.strictEqual((await gearman([flag])).stdout, `effect-gearman ${version}\n`)
    assert.strictEqual((await gearman(["admin", "-V"])).stdout, `effect-gearman ${version}\n`)
    assert.strictEqual(version, JSON.parse(Fs.readFileSync("package.json", "utf8")).version)
    assert.include((await gearman(["--completions", "bash"])).stdout, "effect-gearman")
    assert.include((await gearman(["map-worker", "--help"])).stdout, "runs whatever JavaScript")
    assert.include((await gearman(["server", "--help"])).stdout, "--job-retries")
  })

  it.each([
    [["stat"], 2, /Unknown subcommand "stat".*/],
    [["submit"], 2, /Missing required argument: function/],
    [["status", "--server", "host:99999"], 2, /"host:99999" is no address/],
    [["status", "--server", ""], 2, /--server names no server/],
    [["status", "--server", "a", "--port", "4731"], 2, /--server and --host or --port exclude each other/],
    [["submit", "f", "x", "--server", "a", "--host", "b"], 2, /exclude each other/],
    [["status", "--server", "host:port:3"], 2, /"host:port:3" is no address/],
    [["status", "--server", "a:b:3"], 2, /"a:b:3" is no address/],
    [["status", "--server", "/nope"], 2, /"\/nope" is no address; write .* unix:\/path/],
    [["server", "--listen=/nope"], 1, /--listen: "\/nope" is no address; write .* unix:\/path/],
    [["map", "1 +", "1"], 1, /"1 \+" is no function/],
    [["map", "n => n", "1..x"], 2, /"1\.\.x" is no range; .*1\.\.10.*'"1\.\.x"'/],
    [["map", "n => n", "1..2..3"], 2, /"1\.\.2\.\.3" is no range/],
    [["map", "n => n", "1..1e9"], 2, /"1\.\.1e9" is no range/],
    [["map", "n => n", "1..100000000"], 2, /"1\.\.100000000" has more than 1000000 items/],
    [["submit", "f", "x", "--port", "99999"], 2, /--port: "99999"\. Expected: from 1 to 65535/],
    [["submit", "f", "x", "--timeout=-1"], 2, /--timeout: "-1"\. Expected: 0\.001 or more seconds/],
    [["worker", "f", "--concurrency", "0"], 2, /--concurrency: "0"\. Expected: 1 or more/],
    [["worker", "f", "--count", "0"], 2, /--count: "0"\. Expected: 1 or more/],
    [["map", "n => n", "1", "--window", "0"], 2, /--window: "0"\. Expected: 1 or more/],
    [["top", "--interval", "0"], 2, /--interval: "0"\. Expected: 0\.1 or more seconds/],
    [["map-worker", "--memory-limit", "0"], 2, /--memory-limit: "0"\. Expected: 1 or more/],
    [["worker", "f", "--", "/no/such/command"], 2, /\/no\/such\/command cannot be run: there is no such command/],
    [["worker", "f", "--", "no-such-command"], 2, /no-such-command cannot be run/],
    [["worker", "f", "--", "/etc"], 2, /\/etc cannot be run/],
    [["cancel", "H:1\nshutdown"], 2, /"H:1\\x0ashutdown" is no handle/],
    [["cancel", "H:1 H:2"], 2, /"H:1 H:2" is no handle/],
    [["admin", "status\nshutdown"], 2, /"status\\x0ashutdown" has a control character/],
    [["admin", "--cancel-job", "H:1\r\nshutdown"], 2, /has a control character/]
  ] as const)("explains %j in a line", async (args, code, message) => {
    const result = await gearman(args)
    assert.strictEqual(result.code, code)
    assert.strictEqual(result.stdout, "")
    assert.match(result.stderr, message)
    assert.isAtMost(result.stderr.trimEnd().split("\n").length, 2)
  })

  it("says that nothing listens, that a host is unknown, that a port is in use", async () => {
    const port = await freePort()
    const nobody = await gearman(["status", "--port", String(port)])
    assert.strictEqual(nobody.code, 3)
    assert.match(
      nobody.stderr,
      /^effect-gearman: cannot reach the job server 127\.0\.0\.1:\d+: nothing listens there.*\n$/
    )
    const unknown = await gearman(["status"], { env: { GEARMAN_SERVERS: "no-such-host.invalid" } })
    assert.strictEqual(unknown.code, 3)
    assert.match(unknown.stderr, /no-such-host\.invalid:4730: the host name is unknown/)
    const submitted = await gearman(["submit", "f", "x", "--port", String(port)])
    assert.strictEqual(submitted.code, 3)
    assert.match(submitted.stderr, /^effect-gearman: no job server could be reached: [^\n]+\n$/)
    const taken = await gearman(["server", `--port=${server.port}`])
    assert.strictEqual(taken.code, 1)
    assert.match(taken.stderr, /EADDRINUSE[^\n]*Port \d+ is in use[^\n]*\n$/)
  })

  it("runs a command per job, and gives its output back", async () => {
    const worker = await startWorker("wc", ["--", "wc", "-l"])
    const result = await gearman(["submit", "wc", ...at()], { input: "a\nb\nc\n" })
    assert.deepStrictEqual([result.code, result.stdout.trim(), result.stderr], [0, "3", ""])
    const status = await rows("status")
    assert.deepInclude(status, { server: server.address, function: "wc", queued: 0, running: 0, workers: 1 })
    const table = await gearman(["status", ...at()])
    assert.match(table.stdout, /^FUNCTION +QUEUED +RUNNING +WORKERS\nwc +0 +0 +1$/m)
    assert.strictEqual((await end(worker)).code, 0)
  })

  it("fails the job when the command fails, and goes on", async () => {
    const worker = await startWorker("test-o", ["--", "grep", "o"])
    const failed = await gearman(["submit", "test-o", "x", ...at()])
    assert.strictEqual(failed.code, 1)
    assert.match(failed.stderr, /^effect-gearman: job \S+ of "test-o" on \S+ failed[^\n]*\n$/)
    assert.strictEqual((await gearman(["submit", "test-o", "foo", ...at()])).stdout, "foo\n")
    assert.strictEqual((await end(worker, "SIGINT")).code, 0)
  })

  it("tells the caller why, when the command cannot be run any more", () =>
    inDirectory(async (directory) => {
      const command = Path.join(directory, "command")
      Fs.writeFileSync(command, "#!/bin/sh\ncat\n", { mode: 0o755 })
      const worker = await startWorker("gone", ["--", command])
      Fs.rmSync(command)
      const failed = await gearman(["submit", "gone", "x", ...at()])
      assert.strictEqual(failed.code, 1)
      assert.include(failed.stderr, `cannot run ${command}`)
      await end(worker)
    }))

  it.runIf(Fs.existsSync("/dev/full"))("says in a line what it cannot write", async () => {
    const { execPath } = process
    const main = Path.join(import.meta.dirname, "../../src/runtime/main.ts")
    for (const args of ["status --server $1", "--help"]) {
      const script = `exec "${execPath}" "${main}" ${args} > /dev/full`
      const result = await run("sh", ["-c", script, "sh", server.address], { timeoutMillis: patienceMillis })
      assert.deepStrictEqual(
        [result.code, result.stderr],
        [1, "effect-gearman: standard output cannot be written: ENOSPC: no space left on device, write\n"]
      )
    }
  })

  it("tells by its exit code that a signal came before the result did", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143]
    ] as const) {
      const waiting = startGearman(["submit", "nobody", "x", ...at()])
      await until(() => says("status", "nobody\t1\t0\t0\n"), "the job waited")
      const { code: told, stdout } = await end(waiting, signal)
      assert.deepStrictEqual([told, stdout], [code, ""])
      await until(() => says("status", "nobody\t0\t0\t0\n"), "the job left with its client")
    }
  })

  it("stops after --count jobs, whose results arrive", async () => {
    const worker = await startWorker("once", ["--count", "1", "--", "cat"])
    assert.strictEqual((await gearman(["submit", "once", "result", ...at()])).stdout, "result")
    assert.strictEqual((await worker.ended).code, 0)
  })

  it("tells that a worker's server cannot be reached, and goes on trying", async () => {
    const port = await freePort()
    const worker = startGearman(["worker", "f", "--port", String(port), "--", "cat"])
    await worker.says(/nothing listens there[^\n]*; trying again until it answers\n/, patienceMillis)
    assert.strictEqual((await end(worker)).code, 0)
  })

  it("submits a line each, in order, and finds its servers in the environment", async () => {
    const worker = await startWorker("double", ["--concurrency", "4", "--", "sh", "-c", "read n; echo -n $((n * 2))"])
    const lines = Array.from({ length: 30 }, (_, index) => index)
    const result = await gearman(["submit", "double", "--lines"], {
      input: lines.join("\n"),
      env: { GEARMAN_SERVERS: server.address }
    })
    assert.strictEqual(result.stdout, lines.map((line) => `${line * 2}\n`).join(""))
    await end(worker)
  })

  it("lets a running job finish on SIGTERM, and takes no other", async () => {
    const worker = await startWorker("slow", ["--", "sh", "-c", "sleep 1; echo done"])
    const submitted = startGearman(["submit", "slow", "x", ...at()])
    await until(() => says("status", "slow\t1\t1\t1\n"), "the job was running")
    const stopped = end(worker)
    assert.strictEqual((await submitted.ended).stdout, "done\n")
    assert.strictEqual((await stopped).code, 0)
  })

  it("queues background jobs, shows them and cancels them", async () => {
    const submitted = await gearman(["submit", "later", "x", "--background", "--unique", "u1", ...at()])
    const handle = submitted.stdout.trim()
    assert.deepInclude(await rows("jobs"), {
      server: server.address,
      handle,
      retries: 0,
      isIgnored: false,
      isBackground: true
    })
    const merged = await gearman(["submit", "later", "x", "-b", "-u", "u1", ...at()])
    assert.strictEqual(merged.stdout.trim(), handle)
    assert.strictEqual((await gearman(["cancel", handle, ...at()])).stdout, `cancelled ${handle}\n`)
    assert.deepStrictEqual(await rows("jobs"), [])
    const again = await gearman(["cancel", handle, ...at()])
    assert.strictEqual(again.code, 1)
    assert.include(again.stderr, "UNKNOWN_JOB")
  })

  it("maps a function over items", async () => {
    const worker = startGearman(["map-worker", "--name", "sammy", ...at()])
    await until(() => says("workers", "sammy : effect-gearman.map\n"), "sammy announced itself")
    const down = await gearman(["map", "n => n", "2..-1", "NaN", "7..7", ...at()])
    assert.strictEqual(down.stdout, "2\n1\n0\n-1\nNaN\n7\n")
    const squares = await gearman(["map", "n => n * n", "1..10", ...at()])
    assert.deepStrictEqual([squares.stderr, squares.stdout], ["", "1\n4\n9\n16\n25\n36\n49\n64\n81\n100\n"])
    const words = await gearman(["map", "--flat", "line => line.split(' ')", ...at()], { input: "a b\nc\n" })
    assert.strictEqual(words.stdout, "a\nb\nc\n")
    const failed = await gearman(["map", "n => { throw new TypeError('no ' + n) }", "7", ...at()])
    assert.strictEqual(failed.code, 1)
    assert.match(failed.stderr, /^effect-gearman: item 0 failed: TypeError: no 7\n$/)
    const partly = await gearman(["map", "-k", "n => n > 1 ? new Map([[n, 1n]]) : nowhere", "1..3", ...at()])
    assert.deepStrictEqual([partly.stdout, partly.code], ["Map(1) { 2 => 1n }\nMap(1) { 3 => 1n }\n", 1])
    assert.match(
      partly.stderr,
      /^effect-gearman: item 0 failed: ReferenceError: .*\neffect-gearman: 1 of 3 items failed\n$/
    )
    const cyclic = await gearman(["map", "n => { const self = { n }; self.self = self; return self }", "1", ...at()])
    assert.deepStrictEqual([cyclic.stderr, cyclic.stdout], ["", "<ref *1> { n: 1, self: [Circular *1] }\n"])
    const unreachable = await gearman(["map", "n => n", "1", "--server", `127.0.0.1:${await freePort()}`])
    assert.strictEqual(unreachable.code, 3)
    assert.match(unreachable.stderr, /^effect-gearman: no job server could be reached/)
    assert.strictEqual((await end(worker)).code, 0)
  })

  it("sends any text command", async () => {
    assert.match((await gearman(["admin", "version", ...at()])).stdout, /^OK /)
    const unknown = await gearman(["admin", "no-such-command", ...at()])
    assert.strictEqual(unknown.code, 1)
    assert.match(unknown.stderr, /Unknown server command/)
  })

  it("shows what the reachable servers say, and still fails for the others", async () => {
    const dead = await freePort()
    const result = await gearman(["status", "--json", ...at(), "--server", `127.0.0.1:${dead}`])
    assert.strictEqual(result.code, 3)
    assert.isArray(JSON.parse(result.stdout))
    assert.include(result.stderr, `127.0.0.1:${dead}`)
  })

  it("stops a server that allows it, and only such a one", async () => {
    const forbidding = await startServer()
    const refused = await gearman(["shutdown", "--server", forbidding.address])
    assert.strictEqual(refused.code, 1)
    assert.include(refused.stderr, "it is to be started with --allow-shutdown")
    assert.strictEqual((await end(forbidding, "SIGINT")).code, 0)
    const allowing = await startServer(["--allow-shutdown"])
    assert.strictEqual((await gearman(["shutdown", "--server", allowing.address])).code, 0)
    assert.strictEqual((await allowing.ended).code, 0)
  })

  it("stops at once on a second signal, and while it starts, and leaves no pid file", async () => {
    await inDirectory(async (directory) => {
      const pidFile = Path.join(directory, "pid")
      const draining = await startServer(["--drain-timeout=900", `--pid-file=${pidFile}`, "--verbose=NOTICE"])
      await gearman(["submit", "never", "x", "-b", "--server", draining.address])
      process.kill(draining.pid, "SIGTERM")
      await draining.says("SIGTERM: no new connections and jobs; stopping when no job is left, or in 900 s")
      assert.isTrue(Fs.existsSync(pidFile))
      process.kill(draining.pid, "SIGINT")
      assert.strictEqual((await draining.ended).code, 0)
      assert.isFalse(Fs.existsSync(pidFile))

      const args = ["server", "--port=0", `--pid-file=${pidFile}`, `--http-listen=127.0.0.1:${await freePort()}`]
      for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
        const starting = startGearman(args)
        await until(() => Fs.existsSync(pidFile), "the pid file is there")
        process.kill(starting.pid, signal)
        assert.strictEqual((await starting.ended).code, 0, signal)
        assert.isFalse(Fs.existsSync(pidFile), signal)
      }
    })
  })

  it("drains on SIGTERM as long as --drain-timeout allows", async () => {
    const draining = await startServer(["--drain-timeout=2", "--log-file=/no/such/log", "--verbose=WARNING"])
    await draining.says("cannot open the log file /no/such/log: ENOENT: no such file or directory")
    await gearman(["submit", "never", "x", "-b", "--server", draining.address])
    const begun = Date.now()
    process.kill(draining.pid, "SIGTERM")
    await sleep(300)
    assert.strictEqual((await gearman(["status", "--server", draining.address])).code, 3)
    const drained = await draining.ended
    assert.strictEqual(drained.code, 0)
    assert.include(drained.stderr, "stopping with jobs left: 1")
    assert.isAtLeast(Date.now() - begun, 1_900)
  })

  it("prints and checks the server's configuration", async () => {
    const printed = await gearman(["config", "print", "--json", "--port=9"], {
      env: { EFFECT_GEARMAN_JOB_RETRIES: "3" }
    })
    const settings = JSON.parse(printed.stdout)
    assert.deepInclude(settings, { name: "port", value: "9", source: "flag" })
    const where = "EFFECT_GEARMAN_JOB_RETRIES"
    assert.deepInclude(settings, { name: "job-retries", value: "3", source: "environment", where })
    const secret = await gearman(["config", "print", "--mysql-password=secret", "--threads=2"])
    assert.notInclude(secret.stdout, "secret")
    assert.match(secret.stdout, /^mysql-password +<redacted> +flag \(no effect: /m)
    assert.match(secret.stdout, /^threads +2 +flag \(no effect: one thread does all the work\)$/m)
    const valid = await gearman(["config", "check", "--threads=4"])
    assert.deepStrictEqual(
      [valid.code, valid.stdout.split("\n")[0]],
      [0, "warning: --threads has no effect: one thread does all the work"]
    )
    const wrong = await gearman(["config", "check", "--port=x", "--nonsense"])
    assert.strictEqual(wrong.code, 1)
    assert.strictEqual(wrong.stderr.trimEnd().split("\n").length, 2)
    const files = await gearman(["config", "check", "--ssl", "--ssl-key=/no/key", "--ssl-certificate=/no/chain"])
    assert.strictEqual(files.code, 1)
    assert.match(files.stderr, /--ssl-certificate: ENOENT.*\n.*--ssl-key: ENOENT/)
    const pem = ["--ssl", "--ssl-key=package.json", "--ssl-certificate=package.json"]
    const here = ["--user=no-such-user", "--pid-file=/no/such/pid", "--log-file=/no/such/log"]
    const unusable = await gearman(["config", "check", ...pem, ...here])
    assert.deepStrictEqual([unusable.code, unusable.stdout], [1, ""])
    assert.deepStrictEqual(
      unusable.stderr
        .trimEnd()
        .replace(/package\.json: .*/, "package.json: …")
        .split("\n"),
      [
        "cannot use the TLS files package.json, package.json: …",
        "--pid-file: there is no folder /no/such",
        "--log-file: there is no folder /no/such",
        "--user: there is no user no-such-user"
      ].map((error) => `effect-gearman config: ${error}`)
    )
    const conninfo = Path.join(Os.tmpdir(), `conninfo-${process.pid}`)
    Fs.writeFileSync(conninfo, "--libpq-conninfo=host=db password=secret3\n")
    const endpoint = "--otlp-endpoint=http://me:secret4@collector:4318"
    for (const action of ["print", "check"]) {
      const told = await gearman(["config", action, endpoint, `--config-file=${conninfo}`])
      assert.notMatch(told.stdout + told.stderr, /secret\d/)
    }
    Fs.rmSync(conninfo)
    const twice = ["--port=4998", "--http-listen=127.0.0.1:4998", "--listener=unix:/tmp/a", "--listener=unix:/tmp/a"]
    const places = await gearman(["config", "check", ...twice])
    assert.deepStrictEqual(places.stderr.split("\n").slice(0, -1), [
      "effect-gearman config: --listener: --listener listens on unix:/tmp/a already",
      "effect-gearman config: --http-listen: --listen and --port listens on 127.0.0.1:4998 already"
    ])
    const unbindable = ["--listen=no-such-host.invalid", "--listener=unix:/no/such/socket"]
    assert.deepStrictEqual((await gearman(["config", "check", ...unbindable])).stderr.split("\n").slice(0, -1), [
      "effect-gearman config: no-such-host.invalid: the host name is unknown here",
      "effect-gearman config: unix:/no/such/socket: there is no folder /no/such"
    ])
    // What is wrong with the words hides nothing that is wrong with the machine.
    const both = await gearman(["config", "check", "--port=x", "--allow=nothing", ...here])
    const flags = both.stderr.split("\n").map((line) => /--[a-z-]+/.exec(line)?.[0])
    assert.sameMembers(flags.filter(Boolean), ["--port", "--allow", "--pid-file", "--log-file", "--user"])
    const usable = await gearman([
      "config",
      "check",
      `--pid-file=${Os.tmpdir()}/pid`,
      "--log-file=stderr",
      "--user=root"
    ])
    assert.deepStrictEqual([usable.code, usable.stdout], [0, "the configuration is valid\n"])
  })

  it("shows help with an example for every command", async () => {
    const commands = ["server", "worker", "submit", "map", "map-worker", "status", "workers", "jobs", "cancel"]
    for (const command of [...commands, "shutdown", "admin", "top", "doctor", "config print", "config check"]) {
      const help = await gearman([...command.split(" "), "--help"])
      assert.strictEqual(help.code, 0, command)
      assert.include(help.stdout, `effect-gearman ${command} `, command)
      assert.match(help.stdout, /^EXAMPLES$/m, command)
    }
  })

  it("watches, and explains what does not move", async () => {
    const other = await startServer()
    const at = ["--server", other.address]
    const well = await gearman(["doctor", "--wait", "0.1", ...at])
    assert.deepStrictEqual([well.code, well.stdout], [0, "0 functions, nothing is stuck\n"])
    await gearman(["submit", "orphan", "x", "-b", ...at])
    const ill = await gearman(["doctor", "--wait", "0.1", ...at])
    assert.strictEqual(ill.code, 1)
    assert.match(ill.stdout, /^orphan on \S+: 1 queued, 0 running, 0 workers: no worker anywhere can do it/)
    const told = await gearman(["doctor", "--wait", "0.1", "--json", ...at])
    assert.strictEqual(told.code, 1)
    const [reason] = JSON.parse(told.stdout)
    assert.deepInclude(reason, { function: "orphan", server: other.address, queued: 1, workers: 0, isProblem: true })
    assert.match(reason.reason, /^no worker anywhere can do it/)
    const top = await gearman(["top", "--count", "2", "--interval", "0.1", ...at])
    assert.match(
      top.stdout,
      /^1 function, 1 job queued, 0 running, 0 workers, 1 stuck\n\nFUNCTION +QUEUED +CHANGE +WAIT +RUNNING/
    )
    assert.match(top.stdout, /orphan +1 +0 +\d\.\ds +0 +0 +! no worker anywhere/)
    await end(other)
  })

  it("listens on a Unix socket", async () => {
    await inDirectory(async (directory) => {
      const address = `unix:${Path.join(directory, "socket")}`
      const unix = startGearman(["server", "--listen", address])
      await unix.says(`listening on ${address}\n`, patienceMillis)
      assert.strictEqual((await gearman(["status", "--json", "--server", address])).stdout, "[]\n")
      await end(unix)
    })
  })
})
