/**
 * What is tried with other people's programs, as data: the tests run each case, and the
 * compatibility matrix lists them with their results.
 */
import { assert } from "@effect/vitest"
import { gearmand, type Server, type StartServer } from "../parity/gearmand.ts"
import { ours } from "../parity/ours.ts"
import { Wire } from "../parity/Wire.ts"
import { call, compile, members, peersOf, startWorker, type Member, type RunningWorker } from "./fleet.ts"
import type { PeerName } from "./peers.ts"
import { run, start } from "./processes.ts"

export interface Case {
  readonly group: "pair" | "pair on gearmand" | "client" | "worker" | "administrator"
  readonly title: string
  readonly client?: Member
  readonly worker?: Member
  readonly needs: ReadonlyArray<PeerName>
  /** Fails when the two do not get along. */
  readonly run: () => Promise<void>
}

const args = ["--job-handle-prefix=H:test"]

const withServer = async (startServer: StartServer, body: (server: Server) => Promise<void>): Promise<void> => {
  const server = await startServer(args)
  try {
    await body(server)
  } finally {
    await server.stop()
  }
}

const withWorker = async (
  startServer: StartServer,
  member: Member,
  body: (server: Server, worker: RunningWorker) => Promise<void>
): Promise<void> =>
  withServer(startServer, async (server) => {
    const worker = await startWorker(member, server.port)
    try {
      await body(server, worker)
    } finally {
      await worker.stop()
    }
  })

// Every byte there is, more than one network packet of them.
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const payload = Buffer.concat(Array.from({ length: 400 }, () => Buffer.concat([everyByte, Buffer.from("hello\n")])))
const inUpperCase = payload.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte))

/** Perl's worker loses a result that is false to Perl. */
const zero = (worker: Member): string => (worker === "perl" ? "" : "0")

/** Our client asks for exceptions by itself, as PHP's does. */
const unaskedException = (client: Member): string => (client === "ours" || client === "php" ? "exception\n" : "fail\n")

const converse = async (client: Member, worker: Member, server: Server, onGearmand: boolean): Promise<void> => {
  const ask = (mode: "do" | "events" | "exceptions", name: string, workload: string | Uint8Array = "x") =>
    call(client, server.port, { mode, function: name, workload })
  const upper = await ask("do", "upper", payload)
  assert.strictEqual(upper.errors, "")
  assert.isTrue(upper.output.equals(inUpperCase), `${upper.output.length} bytes came back, not the right ones`)
  assert.strictEqual(upper.code, 0)
  const fail = await ask("do", "fail")
  assert.strictEqual(fail.code, 1)
  assert.match(fail.errors, /fail/)
  if (client === "gearman" || worker === "gearman") return
  const events = async (name: string, mode: "events" | "exceptions" = "events") =>
    (await ask(mode, name)).output.toString()
  assert.strictEqual(
    await events("progress"),
    "status 1/2\ndata part\nwarning careful\nstatus 2/2\ncomplete done\n",
    "data, warning and progress"
  )
  assert.strictEqual(await events("fail"), "fail\n")
  // gearmand lets Perl's worker die after an exception, and never lets it finish with 0 or ''.
  if (onGearmand && worker === "perl") return
  assert.strictEqual(await events("raise", "exceptions"), "exception\n")
  assert.strictEqual(await events("empty"), "complete \n")
  assert.strictEqual(await events("zero"), `complete ${zero(worker)}\n`)
  // gearmand's WORK_FAIL for an exception that nobody asked for is not understood by C and Perl.
  if (!onGearmand) assert.strictEqual(await events("raise"), unaskedException(client))
}

const pairs = members.flatMap((client) =>
  members.map((worker): Case => ({
    group: "pair",
    title: `client ${client}, worker ${worker}`,
    client,
    worker,
    needs: peersOf(client, worker),
    run: () => withWorker(ours, worker, (server) => converse(client, worker, server, false))
  }))
)

const pairsOnGearmand = members.flatMap((client) =>
  members
    .filter((worker) => client === "ours" || worker === "ours")
    .map((worker): Case => ({
      group: "pair on gearmand",
      title: `client ${client}, worker ${worker}, on gearmand`,
      client,
      worker,
      needs: ["gearmand", ...peersOf(client, worker)],
      run: () => withWorker(gearmand, worker, (server) => converse(client, worker, server, true))
    }))
)

const clientCases = members.flatMap((client): ReadonlyArray<Case> => [
  {
    group: "client",
    title: "priorities: high before normal before low",
    client,
    needs: peersOf(client),
    run: () =>
      withServer(ours, async (server) => {
        const results = (["low", "do", "high"] as const).map(async (mode) => {
          const result = await call(client, server.port, { mode, function: "upper", workload: mode })
          assert.strictEqual(result.output.toString(), mode.toUpperCase())
        })
        const admin = await Wire.open(server.port)
        try {
          await answers(admin, "prioritystatus\n", "upper\t1\t1\t1\t0\n.\n")
        } finally {
          await admin.close()
        }
        const worker = await startWorker("ours", server.port)
        await Promise.all(results).finally(() => worker.stop())
      })
  },
  {
    group: "client",
    title: "background jobs: same unique, same handle; status by handle and by unique",
    client,
    needs: peersOf(client),
    run: () =>
      withServer(ours, async (server) => {
        const submit = () =>
          call(client, server.port, { mode: "background", function: "later", workload: "x", unique: "same" })
        const [first, second] = [await submit(), await submit()]
        assert.strictEqual(first.code, 0, first.errors)
        assert.strictEqual(first.output.toString(), second.output.toString())
        const admin = await Wire.open(server.port)
        try {
          await answers(admin, "status\n", "later\t1\t0\t0\n.\n")
          await answers(admin, "show unique jobs\n", "same\n.\n")
        } finally {
          await admin.close()
        }
        // The tool's background mode prints nothing.
        if (client === "gearman") return
        const [handle, ...statuses] = first.output.toString().trim().split("\n")
        assert.match(handle!, /^(127\.0\.0\.1:\d+\/\/)?H:test:1$/)
        assert.isAtLeast(statuses.length, 1)
        for (const status of statuses) assert.strictEqual(status, "known 1 running 0")
      })
  }
])

/** Asks until the answer is the one that is waited for, for twenty seconds. */
const answers = async (admin: Wire, question: string, expected: string): Promise<void> => {
  const deadline = Date.now() + 20_000
  for (;;) {
    admin.send(Buffer.from(question))
    const answer = `${(await admin.takeThrough(Buffer.from(".\n"), 10_000))?.toString() ?? "nothing"}.\n`
    if (answer === expected) return
    if (Date.now() > deadline) assert.strictEqual(answer, expected)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const count = (text: string, line: string): number => text.split("\n").filter((each) => each === line).length

const workerCases: ReadonlyArray<Case> = [
  {
    group: "worker",
    title: "a result of 0 or '' runs once and ends the job (gearmand: again and again)",
    worker: "perl",
    needs: ["perl"],
    run: () =>
      withWorker(ours, "perl", async (server, worker) => {
        for (const name of ["zero", "empty"]) {
          const result = await call("ours", server.port, { mode: "do", function: name, workload: "x" })
          assert.strictEqual(result.code, 0, result.errors)
          assert.strictEqual(result.output.length, 0)
          assert.strictEqual(count(worker.output!(), `ran ${name}`), 1)
        }
      })
  },
  {
    group: "worker",
    title: "a handler that dies costs its job and not the worker (gearmand: the worker dies)",
    worker: "perl",
    needs: ["perl"],
    run: () =>
      withWorker(ours, "perl", async (server, worker) => {
        for (let round = 0; round < 3; round++) {
          const raised = await call("perl", server.port, { mode: "exceptions", function: "raise", workload: "x" })
          assert.strictEqual(raised.output.toString(), "exception\n")
        }
        const after = await call("perl", server.port, { mode: "do", function: "upper", workload: "still here" })
        assert.strictEqual(after.output.toString(), "STILL HERE")
        assert.notInclude(worker.output!(), "unexpected packet")
      })
  },
  {
    group: "worker",
    title: "a result after the time limit counts, and the worker goes on (gearmand: the worker dies)",
    worker: "perl",
    needs: ["perl"],
    run: () =>
      withWorker(ours, "perl", async (server, worker) => {
        const late = await call("perl", server.port, { mode: "do", function: "late", workload: "x" })
        assert.strictEqual(late.output.toString(), "late result")
        assert.strictEqual(count(worker.output!(), "ran late"), 1)
        const after = await call("perl", server.port, { mode: "do", function: "upper", workload: "x" })
        assert.strictEqual(after.output.toString(), "X")
      })
  },
  ...(["libgearman", "perl", "php"] as const).map((worker): Case => ({
    group: "worker",
    title: "two workers share twenty jobs, and nothing is lost when one is killed",
    worker,
    needs: peersOf(worker),
    run: () =>
      withServer(ours, async (server) => {
        const first = await startWorker(worker, server.port)
        const second = await startWorker(worker, server.port, 2)
        try {
          const results = Promise.all(
            Array.from({ length: 20 }, (_, index) =>
              call("ours", server.port, { mode: "do", function: "upper", workload: `job ${index}` })
            )
          )
          await first.stop()
          for (const [index, result] of (await results).entries()) {
            assert.strictEqual(result.output.toString(), `JOB ${index}`, result.errors)
          }
        } finally {
          await first.stop()
          await second.stop()
        }
      })
  })),
  {
    group: "worker",
    title: "map and reduce: its own worker splits a job, and each part is a job of another worker",
    worker: "libgearman",
    needs: ["libgearman"],
    run: () =>
      withServer(ours, async (server) => {
        const binary = await compile("reduce-worker")
        const workers = ["split", "shout"].map((name) => start(binary, [String(server.port), name]))
        try {
          const result = await run(await compile("reduce-client"), [String(server.port), "a bc def"])
          assert.strictEqual(result.stderr, "")
          assert.deepStrictEqual(result.stdout.trim().split("!").sort(), ["", "A", "BC", "DEF"])
        } finally {
          await Promise.all(workers.map((worker) => worker.stop()))
        }
      })
  },
  {
    group: "worker",
    title: "`gearman -w -f wc -- wc -l` and `gearman -f wc` from a file",
    worker: "gearman",
    needs: ["gearman"],
    run: () =>
      withServer(ours, async (server) => {
        const where = ["-h", "127.0.0.1", "-p", String(server.port), "-f", "wc"]
        const worker = start("gearman", ["-w", ...where, "--", "wc", "-l"])
        try {
          const result = await run("gearman", where, { input: "one\ntwo\nthree\n" })
          assert.strictEqual(result.stdout.trim(), "3", result.stderr)
        } finally {
          await worker.stop()
        }
      })
  }
]

/** What gearadmin prints for a sequence of commands, with what is each server's own taken out. */
const administer = async (server: Server): Promise<ReadonlyArray<string>> => {
  const printed: Array<string> = []
  const admin = async (...flags: ReadonlyArray<string>) => {
    const result = await run("gearadmin", ["-h", "127.0.0.1", "-p", String(server.port), ...flags])
    const output = result.stdout.replace(/^\d+ (127\.0\.0\.1)/gm, "fd $1")
    const own = ["--server-version", "--getpid"].includes(flags[0]!) ? output.replace(/^\S.*$/m, "its own") : output
    printed.push(`${flags.join(" ")}: ${result.code}\n${own}`)
  }
  const handleOf = async (unique: string) => {
    const wire = await Wire.open(server.port)
    const body = `f\0${unique}\0x`
    wire.send(Buffer.concat([Buffer.from([0, 0x52, 0x45, 0x51, 0, 0, 0, 18, 0, 0, 0, body.length]), Buffer.from(body)]))
    const reply = (await wire.take(20, 10_000)).toString("latin1").slice(12)
    await wire.close()
    return reply
  }
  await admin("--status")
  await admin("--create-function", "made")
  const handle = await handleOf("first")
  await handleOf("second")
  await admin("--priority-status")
  await admin("--show-jobs")
  await admin("--show-unique-jobs")
  await admin("--workers")
  await admin("--drop-function", "made")
  await admin("--drop-function", "never made")
  await admin("--cancel-job", handle)
  await admin("--cancel-job", "H:test:99")
  await admin("--server-version")
  await admin("--server-verbose")
  await admin("--getpid")
  return printed
}

const administratorCases: ReadonlyArray<Case> = [
  {
    group: "administrator",
    title: "gearadmin, every command: prints the same as against gearmand",
    needs: ["gearadmin", "gearmand"],
    run: () =>
      withServer(ours, async (server) => {
        const printed = await administer(server)
        await withServer(gearmand, async (server) => assert.deepStrictEqual(printed, await administer(server)))
      })
  },
  {
    group: "administrator",
    title: "Gearman::Client reads the server's status",
    needs: ["perl"],
    run: () =>
      withWorker(ours, "perl", async (server) => {
        const script =
          "use Gearman::Client; my $c = Gearman::Client->new(job_servers => [$ARGV[0]]);" +
          "my $s = $c->get_job_server_status->{$ARGV[0]}; print join(' ', %{$s->{upper}}{qw(queued running capable)});"
        const result = await run("perl", ["-e", script, `127.0.0.1:${server.port}`])
        assert.strictEqual(result.stdout, "queued 0 running 0 capable 1", result.stderr)
      })
  },
  {
    group: "administrator",
    title: "libgearman's echo comes back",
    client: "libgearman",
    needs: ["libgearman"],
    run: () =>
      withServer(ours, async (server) => {
        const result = await run(await compile("client"), [String(server.port), "echo", "-"], { input: "hello" })
        assert.strictEqual(result.stdout, "GEARMAN_SUCCESS\n")
      })
  }
]

export const cases: ReadonlyArray<Case> = [
  ...pairs,
  ...pairsOnGearmand,
  ...clientCases,
  ...workerCases,
  ...administratorCases
]
