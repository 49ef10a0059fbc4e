/**
 * The runbook in docs/operations.md: each of its symptoms is made to happen, each of its
 * commands is run, and says what stands there. And every reason that doctor may give is
 * listed.
 */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import type { FunctionRow } from "../../src/protocol/Admin.ts"
import { conditionsOf, idleOf, type Row, unknown } from "../../src/runtime/cli/Diagnosis.ts"
import { freePort } from "../interop/processes.ts"
import { ask, end, gearman, startGearman, startServer, until } from "./support.ts"

const page = Fs.readFileSync(Path.join(import.meta.dirname, "../../docs/operations.md"), "utf8")
const [runbook = "", reasons = ""] = page.split("## Runbook")[1]!.split("### What doctor says")

const rowsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "))
const codeOf = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), (match) => match[1]!)

/** What a symptom needs to happen, and where it is then asked about. */
interface Scene {
  /** For GEARMAN_SERVERS, and the two servers by name. */
  readonly servers: ReadonlyArray<string>
  readonly http?: number
  readonly replace?: Readonly<Record<string, string>>
  /** What is said beyond the words that stand in the page. */
  readonly verify?: (said: string) => void
  readonly close: () => Promise<void>
}

const serverWith = async (...args: ReadonlyArray<string>) => {
  const server = await startServer(args)
  const at = ["--server", server.address]
  const processes: Array<ReturnType<typeof startGearman>> = [server]
  return {
    server,
    at,
    servers: [server.address],
    submit: (name: string, ...more: ReadonlyArray<string>) => gearman(["submit", name, "x", "-b", ...at, ...more]),
    work: async (name: string, ...command: ReadonlyArray<string>) => {
      processes.push(startGearman(["worker", name, ...at, "--drain-timeout", "0", "--", ...command]))
      await until(async () => ((await ask(server.port, "workers")) ?? "").includes(`: ${name}\n`), "a worker came")
    },
    isRunning: (name: string) =>
      until(async () => /\t[1-9]\d*\t1\t/.test((await ask(server.port, "status")) ?? ""), `${name} ran`),
    close: async () => {
      for (const one of processes.toReversed()) await end(one)
    }
  }
}

/** Sends bytes and leaves the answer. */
const send = (port: number, bytes: string) =>
  new Promise<void>((resolve) => {
    const socket = Net.connect(port, "127.0.0.1", () => socket.end(Buffer.from(bytes, "latin1")))
    socket.on("error", () => {})
    socket.once("close", () => resolve())
    socket.resume()
  })

const packet = (type: number, ...fields: ReadonlyArray<string>) => {
  const body = fields.join("\0")
  const head = Buffer.alloc(12)
  head.write("\0REQ")
  head.writeUInt32BE(type, 4)
  head.writeUInt32BE(Buffer.byteLength(body, "latin1"), 8)
  return head.toString("latin1") + body
}

const oneRunsAndOneWaits = async () => {
  const one = await serverWith()
  await one.submit("resize")
  await one.submit("resize")
  await one.work("resize", "sleep", "60")
  await one.isRunning("resize")
  return one
}

const scenes: Readonly<Record<string, () => Promise<Scene>>> = {
  "jobs wait, nothing runs": async () => {
    const one = await serverWith()
    await one.submit("resize")
    return one
  },
  "jobs wait on one server only": async () => {
    const [one, other] = [await serverWith(), await serverWith()]
    await one.submit("resize")
    await other.work("resize", "cat")
    return {
      servers: [one.server.address, other.server.address],
      close: () => Promise.all([one.close(), other.close()]).then(() => {})
    }
  },
  "jobs wait though workers are there": oneRunsAndOneWaits,
  "one worker holds a job for ever": oneRunsAndOneWaits,
  "a job runs again and again": async () => {
    const one = await serverWith("--allow-cancel")
    const { stdout } = await one.submit("resize")
    // A worker that takes the job and leaves, twice.
    for (let time = 0; time < 2; time++) await send(one.server.port, packet(1, "resize") + packet(9))
    await until(async () => ((await ask(one.server.port, "show jobs")) ?? "").includes("\t2\t"), "it was lost twice")
    const handle = stdout.trim()
    const verify = (said: string) => assert.match(said, new RegExp(`^${handle} +2 `, "m"))
    return { ...one, replace: { "<handle>": handle }, verify }
  },
  "a client does not find its server, or lost it": async () => ({
    servers: [`127.0.0.1:${await freePort()}`],
    close: async () => {}
  }),
  "background jobs are gone after a restart": async () => {
    const before = await serverWith()
    await before.submit("resize")
    await before.close()
    const after = await serverWith(`--port=${before.server.port}`)
    const verify = (said: string) => {
      assert.include(said, String(after.server.pid))
      assert.notInclude(said, "resize")
    }
    return { ...after, verify }
  },
  "submissions are refused, or workers get nothing, with `ACCESS_DENIED`": async () => {
    const one = await serverWith("--allow=*:administrate=*")
    await one.submit("resize")
    return one
  },
  "submissions are refused with `Job queue is full`": async () => {
    const one = await serverWith("--max-jobs-per-function=1")
    await one.submit("resize")
    assert.match((await one.submit("resize")).stderr, /Job queue is full/)
    return { ...one, replace: { "<function>": "resize" } }
  },
  "connections are closed at once": async () => {
    const http = await freePort()
    const one = await serverWith(`--http-listen=127.0.0.1:${http}`, "--max-connections=1")
    const held = Net.connect(one.server.port, "127.0.0.1")
    held.on("error", () => {})
    await new Promise((resolve) => held.once("connect", resolve))
    await send(one.server.port, "version\n")
    return {
      ...one,
      http,
      close: async () => {
        held.destroy()
        await one.close()
      }
    }
  },
  "memory grows": async () => {
    const http = await freePort()
    const one = await serverWith(`--http-listen=127.0.0.1:${http}`)
    await one.submit("resize")
    return { ...one, http, replace: { "<function>": "resize" } }
  },
  "a client gets no result": async () => {
    const one = await serverWith()
    for (let time = 0; time < 2; time++) await one.submit("resize", "--unique", "user-7")
    return { ...one, verify: (said) => assert.strictEqual(said, "user-7\n") }
  },
  "a delayed job does not run": async () => {
    const one = await serverWith()
    await send(one.server.port, packet(36, "resize", "", String(Math.round(Date.now() / 1_000) + 60), "x"))
    await until(async () => ((await ask(one.server.port, "status")) ?? "").includes("resize\t1"), "it was there")
    return one
  },
  "the server does not start": async () => {
    const one = await serverWith()
    return { ...one, replace: { "effect-gearman server": `effect-gearman server --port=${one.server.port}` } }
  }
}

/** Runs a command of the page, and gives all it says. */
const perform = async (command: string, { http, replace = {}, servers }: Scene): Promise<string> => {
  let text = command.replace("sammy:4730,kenny:4730", servers.join(","))
  for (const [from, to] of Object.entries(replace)) text = text.replace(from, to)
  assert.notMatch(text, /[<>]/, "nothing is left open")
  const [tool, ...words] = text.split(" ")
  if (tool === "curl") return (await fetch(words.at(-1)!.replace("9730", String(http)))).text()
  assert.strictEqual(tool, "effect-gearman")
  const { code, stderr, stdout } = await gearman(words, { env: { GEARMAN_SERVERS: servers[0] } })
  assert.notStrictEqual(code, 2, `${text}: ${stderr}`)
  return stdout + stderr
}

describe("the runbook", { timeout: 90_000 }, () => {
  const rows = rowsOf(runbook)

  it("has a scene for every symptom", () => {
    assert.isAtLeast(rows.length, 10)
    assert.deepStrictEqual(
      rows.map(([symptom]) => symptom),
      Object.keys(scenes)
    )
  })

  it.each(rows)("%s", async (symptom, commands, says, cure) => {
    const scene = await scenes[symptom!]!()
    try {
      const said: Array<string> = []
      for (const command of codeOf(commands!)) said.push(await perform(command, scene))
      for (const expected of codeOf(says!)) assert.include(said.join(""), expected)
      scene.verify?.(said.join(""))
      // What cures is run too.
      for (const command of codeOf(cure!).filter((code) => code.startsWith("effect-gearman "))) {
        assert.notMatch(await perform(command, scene), /^effect-gearman: /m, command)
      }
    } finally {
      await scene.close()
    }
  })
})

describe("what doctor says", () => {
  const detail = (more: Partial<FunctionRow>): FunctionRow => ({
    ...{ function: "f", waiting: 1, delayed: 0, running: 0, workers: 0, busy: 0, sleeping: 0, woken: 0 },
    ...{ limited: 0, deniedSubmits: 0, deniedWorkers: 0, waitMillis: 0 },
    ...more
  })
  const row = (more: Partial<Row>): Row => ({
    ...{ server: "a:4730", function: "f", queued: 1, running: 0, workers: 0, detail: detail({}) },
    ...more
  })
  const elsewhere = row({ server: "b:4730", queued: 0, workers: 1 })
  const free = row({ workers: 3 })
  const woken = row({ workers: 3, detail: detail({ woken: 2 }) })
  const refused = row({ queued: 0, detail: detail({ limited: 2, deniedSubmits: 3 }) })
  const cases: ReadonlyArray<readonly [Row, Row | undefined, ReadonlyArray<Row>]> = [
    [row({}), undefined, []],
    [row({}), undefined, [elsewhere]],
    [row({ detail: detail({ deniedWorkers: 2 }) }), undefined, []],
    [row({ running: 2, workers: 2, detail: detail({ busy: 2 }) }), undefined, []],
    [row({ running: 2, workers: 2, detail: detail({ busy: 2 }) }), row({ running: 2 }), []],
    [woken, woken, []],
    [free, free, []],
    [{ ...free, detail: undefined }, free, []],
    [refused, row({ queued: 0 }), []],
    [row({ detail: detail({ waiting: 0, delayed: 2 }) }), undefined, []]
  ]

  it("is listed, reason by reason, with whether it is to be done", () => {
    const listed = rowsOf(reasons).map(([reason, toBeDone]) => [codeOf(reason!)[0]!, toBeDone!] as const)
    const said = cases
      .flatMap(([one, before, all]) => conditionsOf(one, before, all))
      .concat(idleOf(row({})), idleOf(row({ workers: 1 })), unknown)
      .flatMap(({ isProblem, text }) =>
        text.split(", ").length > 1 && text.includes("refused at")
          ? text.split(", ").map((part) => ({ isProblem, text: part }))
          : [{ isProblem, text }]
      )
    const general = said.map(({ isProblem, text }) => ({
      isProblem,
      text: text.replaceAll(/\b\d+ (?=workers|submissions|jobs)/g, "N ").replaceAll(/[ab]:4730/g, "SERVER")
    }))
    assert.sameMembers(
      [...general.map(({ text }) => text), "cannot reach the job server"],
      listed.map(([reason]) => reason)
    )
    for (const { isProblem, text } of general) {
      assert.strictEqual(isProblem, listed.find(([reason]) => reason === text)![1] !== "no", text)
    }
    assert.isFalse(conditionsOf(refused, refused, []).some(({ isProblem }) => isProblem))
  })
})
