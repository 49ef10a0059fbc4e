/**
 * While somebody attacks the server as hard as a process can, an innocent client's jobs are all
 * answered, memory stays bounded, and what was refused is counted. How long the jobs take
 * meanwhile is measured by `npm run bench -- attacks`.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type AttackName, attacks, isOnTls } from "../../bench/attacks/attacks.ts"
import * as Client from "../../src/protocol/Client.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import { freePort, type Started } from "../interop/processes.ts"
import * as Certificates from "./certificates.ts"
import { end, startServer, until } from "./support.ts"

const attacker = Path.join(import.meta.dirname, "../../bench/attacks/attacker.ts")
const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-gearman-attacks-"))
const residentMegabytes = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

/** What the limits refuse of it; the other attacks ask for nothing that is forbidden. */
const refused: Partial<Record<AttackName, string>> = {
  "endless lines": "maxLineBytes",
  "new functions": "maxFunctionsPerConnection",
  "new uniques": "maxJobsPerFunction",
  "connections that say nothing": "maxConnections"
}

const echo = JobFunction.utf8("innocent")
let server: Started & { readonly port: number }
let http = 0
let tls = 0
let authority: Certificates.Pair

const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${http}/metrics`)).text()

const refusals = async (reason: string): Promise<number> =>
  Number(new RegExp(`_refus\\w*_total\\{reason="${reason}"\\} (\\d+)`).exec(await metrics())?.[1] ?? 0)

/** Connections that are held, and all that ever were. */
const connections = async () => ({
  held: Fs.readdirSync(`/proc/${server.pid}/fd`).length,
  ever: Number(/^gearman_connections_accepted_total (\d+)/m.exec(await metrics())![1])
})

/** A client and a worker on a port. */
const innocent = (port: number, clientTls?: { readonly authorities: string }) => {
  const servers = [`127.0.0.1:${port}`]
  return ManagedRuntime.make(
    Layer.mergeAll(
      Client.layer({ servers }),
      echo.toLayer(Effect.succeed).pipe(Layer.provide(Worker.layer({ servers })))
    ).pipe(Layer.provide(Layer.sync(Network.Network, () => NodeNetwork.make({ clientTls }))))
  )
}

beforeAll(async () => {
  authority = Certificates.authority(directory, "authority")
  const { certificate, key } = Certificates.signed(directory, authority, "server")
  http = await freePort()
  tls = await freePort()
  server = await startServer([
    `--http-listen=127.0.0.1:${http}`,
    `--listener=127.0.0.1:${tls},tls`,
    `--ssl-certificate=${certificate}`,
    `--ssl-key=${key}`,
    "--max-connections=1500",
    "--max-functions-per-connection=1000",
    "--max-jobs-per-function=5000"
  ])
}, 60_000)
afterAll(async () => {
  await end(server)
  Fs.rmSync(directory, { recursive: true, force: true })
})

describe("attacks", { timeout: 60_000 }, () => {
  it.each(Object.keys(attacks) as ReadonlyArray<AttackName>)("%s", async (name) => {
    const isTls = isOnTls(name)
    const port = isTls ? tls : server.port
    const runtime = innocent(port, isTls ? { authorities: authority.certificate } : undefined)
    const job = (text: string) => runtime.runPromise(Effect.flatMap(Client.Client, (client) => client.run(echo, text)))
    assert.strictEqual(await job("before"), "before")
    const reason = refused[name]
    const before = { ...(await connections()), refusals: reason === undefined ? 0 : await refusals(reason) }
    const attack = spawn(process.execPath, [attacker, name, String(port)], { stdio: ["pipe", "ignore", "inherit"] })
    const ended = once(attack, "exit")
    try {
      const hasBegun = async () => {
        const { ever, held } = await connections()
        return held > before.held + 10 || ever > before.ever + 10
      }
      await until(hasBegun, "the attack began")
      if (reason !== undefined) {
        await until(async () => (await refusals(reason)) > before.refusals, `${reason} was counted`)
      }
      const begun = performance.now()
      for (let count = 0; count < 20 || performance.now() - begun < 700; count++) {
        assert.strictEqual(await job(`job ${count}`), `job ${count}`)
      }
      assert.isBelow(residentMegabytes(server.pid), 1_000)
      assert.isNull(attack.exitCode, "the attack went on")
    } finally {
      attack.kill("SIGKILL")
      await ended
      await runtime.dispose()
    }
  })
})
