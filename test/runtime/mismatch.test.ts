/** One side speaks TLS and the other does not: whoever connects is told so, and what to do. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Client from "../../src/protocol/Client.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import { freePort, listening, run, start } from "../interop/processes.ts"
import * as Certificates from "./certificates.ts"
import { end, gearman, patienceMillis, startGearman, startServer } from "./support.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "gearman-mismatch-"))
const authority = Certificates.authority(directory, "authority")
const certified = Certificates.signed(directory, authority, "server")
const trust = ["--ssl", "--ssl-ca-file", authority.certificate]
const speaksTls = "it speaks TLS there: connect with TLS (clientTls of NodeNetwork, or --ssl)"
const speaksNoTls = "it speaks no TLS there: connect without (no clientTls, no --ssl), or to its TLS port"

let plain: Awaited<ReturnType<typeof startServer>>
let secret: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  plain = await startServer()
  secret = await startServer(["--ssl", `--ssl-certificate=${certified.certificate}`, `--ssl-key=${certified.key}`])
}, patienceMillis * 2)
afterAll(async () => {
  await end(plain)
  await end(secret)
  Fs.rmSync(directory, { recursive: true })
})

/** Why a client of the library cannot reach the server. */
const causeFor = (address: string, options: NodeNetwork.Options): Promise<unknown> =>
  Effect.gen(function* () {
    const client = yield* Client.make({ servers: [address], noServerTimeout: 0 })
    // The first call dials; what it finds is known to the next.
    yield* Effect.ignore(Effect.timeout(client.run(JobFunction.utf8("f"), "x"), "500 millis"))
    const { reason } = yield* Effect.flip(client.run(JobFunction.utf8("f"), "x"))
    assert.strictEqual(reason._tag, "NoServer")
    return (reason as { readonly cause?: any }).cause?.reason?.cause
  }).pipe(Effect.scoped, Effect.provideService(Network.Network, NodeNetwork.make(options)), Effect.runPromise)

describe("TLS against no TLS", { timeout: 60_000 }, () => {
  it.each([
    ["status", []],
    ["submit", ["f", "x"]]
  ] as const)("is told by %s, both ways", async (command, words) => {
    const withoutTls = await gearman([command, ...words, "--server", secret.address])
    assert.strictEqual(withoutTls.code, 3)
    assert.include(withoutTls.stderr, speaksTls)
    const withTls = await gearman([command, ...words, "--server", plain.address, ...trust])
    assert.strictEqual(withTls.code, 3)
    assert.include(withTls.stderr, speaksNoTls)
  })

  it("is told by a worker, both ways", async () => {
    for (const [args, told] of [
      [["--server", secret.address], speaksTls],
      [["--server", plain.address, ...trust], speaksNoTls]
    ] as const) {
      const worker = startGearman(["worker", "f", ...args, "--", "cat"])
      await worker.says(told, patienceMillis)
      assert.strictEqual((await end(worker)).code, 0)
    }
  })

  it("is a typed cause for the library, both ways", async () => {
    const withoutTls = await causeFor(secret.address, {})
    assert.instanceOf(withoutTls, NodeNetwork.TlsMismatch)
    assert.strictEqual((withoutTls as NodeNetwork.TlsMismatch).server, "tls")
    const withTls = await causeFor(plain.address, { clientTls: { authorities: authority.certificate } })
    assert.instanceOf(withTls, NodeNetwork.TlsMismatch)
    assert.strictEqual((withTls as NodeNetwork.TlsMismatch).server, "plain")
  })

  it("is told to libgearman, and logged", async () => {
    const tool = await run("gearman", ["-h", "127.0.0.1", "-p", String(secret.port), "-f", "f", "x"])
    assert.include(tool.stderr, "TLS_REQUIRED:This port speaks TLS only; connect with TLS")
    await secret.says("its TLS handshake failed: it speaks no TLS")
  })

  it("is guessed where the other side only closes the connection", async () => {
    const port = await freePort()
    const gearmand = start("gearmand", [`--port=${port}`, "--listen=127.0.0.1", "--log-file=none"])
    await listening(gearmand, port)
    const withTls = await gearman(["status", "--server", `127.0.0.1:${port}`, ...trust])
    assert.match(withTls.stderr, /it closed the connection before it said anything: it may speak no TLS there/)
    await gearmand.stop()
    const closing = Net.createServer((socket) => void socket.destroy())
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve))
    const address = `127.0.0.1:${(closing.address() as Net.AddressInfo).port}`
    const withoutTls = await gearman(["status", "--server", address])
    assert.match(withoutTls.stderr, /it closed the connection before it said anything: it may expect TLS/)
    assert.instanceOf(await causeFor(address, {}), NodeNetwork.Unanswered)
    closing.close()
  })
})

describe("TLS files of a server", { timeout: 60_000 }, () => {
  const files = [`--ssl-certificate=${certified.certificate}`, `--ssl-key=${certified.key}`]

  it("are refused where the authorities' holds no certificate", async () => {
    for (const command of [
      ["config", "check"],
      ["server", "--port=0"]
    ]) {
      const refused = await gearman([...command, "--ssl", ...files, `--ssl-ca-file=${certified.key}`])
      assert.strictEqual(refused.code, 1)
      assert.include(refused.stderr, `${certified.key} holds no certificate`)
    }
  })

  it("are warned of when the certificate has expired", async () => {
    const old = { certificate: Path.join(directory, "old.pem"), key: Path.join(directory, "old.key") }
    const wish = Path.join(directory, "old.csr")
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", old.key]
    for (const args of [
      ["req", "-new", ...key, "-subj", "/CN=old", "-out", wish],
      ["x509", "-req", "-in", wish, "-signkey", old.key, "-days", "-1", "-out", old.certificate]
    ]) {
      const made = await run("openssl", args)
      assert.strictEqual(made.code, 0, made.stderr)
    }
    const check = (pair: Certificates.Pair) =>
      gearman(["config", "check", "--ssl", `--ssl-certificate=${pair.certificate}`, `--ssl-key=${pair.key}`])
    assert.match((await check(old)).stdout, /^warning: --ssl-certificate: it has expired, on /)
    assert.strictEqual((await check(certified)).stdout, "the configuration is valid\n")
  })
})

describe("TLS files of a command", { timeout: 60_000 }, () => {
  it.each([
    ["a certificate without its key", ["--ssl-certificate", certified.certificate], 2, /give --ssl-key too/],
    ["a key without its certificate", ["--ssl-key", certified.key], 2, /give --ssl-certificate too/],
    ["an authority that is not there", ["--ssl-ca-file", "/no/ca.pem"], 1, /cannot use the TLS files \/no\/ca.pem/],
    [
      "a key of another certificate",
      ["--ssl-certificate", certified.certificate, "--ssl-key", authority.key],
      1,
      /cannot use the TLS files/
    ]
  ] as const)("are refused before anybody is dialled: %s", async (_, args, code, message) => {
    const refused = await gearman(["worker", "f", "--server", secret.address, "--ssl", ...args])
    assert.strictEqual(refused.code, code)
    assert.match(refused.stderr, message)
  })

  it("are asked about when a server turns the certificate away", async () => {
    const stranger = Certificates.signed(directory, Certificates.authority(directory, "stranger"), "mallory")
    const strict = await startServer([
      ...["--ssl", `--ssl-certificate=${certified.certificate}`, `--ssl-key=${certified.key}`],
      `--ssl-ca-file=${authority.certificate}`
    ])
    const shown = ["--ssl-certificate", stranger.certificate, "--ssl-key", stranger.key]
    const refused = await gearman(["status", "--server", strict.address, ...trust, ...shown])
    assert.strictEqual(refused.code, 3)
    assert.match(refused.stderr, /it closed the connection before it said anything: it may not accept our certificate/)
    await end(strict)
  })
})
