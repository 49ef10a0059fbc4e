/** TLS from both ends, with openssl as the peer that is not ours. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Tls from "node:tls"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { freePort, start } from "../interop/processes.ts"
import * as Certificates from "./certificates.ts"
import { ask, gearman, sleep, startServer, until, end } from "./support.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "gearman-tls-"))
const authority = Certificates.authority(directory, "authority")
const stranger = Certificates.authority(directory, "stranger")
const server = Certificates.signed(directory, authority, "server")
const client = Certificates.signed(directory, authority, "client")
const forged = Certificates.signed(directory, stranger, "forged")
afterAll(() => Fs.rmSync(directory, { recursive: true }))

const serverArgs = ["--ssl", `--ssl-certificate=${server.certificate}`, `--ssl-key=${server.key}`]
const trust = ["--ssl", "--ssl-ca-file", authority.certificate]

const sClient = (port: number, input: string, ...more: ReadonlyArray<string>) =>
  start(
    "openssl",
    [
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-CAfile",
      authority.certificate,
      "-verify_return_error",
      "-quiet",
      ...more
    ],
    { input, timeoutMillis: 20_000 }
  )

const serialSeenAt = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = Tls.connect({ port, host: "127.0.0.1", ca: Fs.readFileSync(authority.certificate) }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.once("error", reject)
  })

describe("TLS", { timeout: 90_000 }, () => {
  let plain: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    plain = await startServer([...serverArgs, "--handshake-timeout=1"])
  }, 30_000)
  afterAll(() => end(plain))

  it.each(["-tls1_2", "-tls1_3"])("speaks to openssl s_client %s", async (protocol) => {
    const peer = sClient(plain.port, "version\n", protocol, "-ign_eof")
    await peer.says(/^OK /m, 10_000)
    await peer.stop("SIGKILL")
  })

  it("serves our commands, which check its certificate", async () => {
    const trusting = await gearman(["admin", "version", "--server", plain.address, ...trust])
    assert.match(trusting.stdout, /^OK /)
    const doubting = await gearman(["admin", "version", "--server", plain.address, "--ssl"])
    assert.strictEqual(doubting.code, 3)
    assert.match(doubting.stderr, /unable to verify|self-signed|unknown|certificate/i)
    const unprotected = await gearman(["admin", "version", "--server", plain.address, ...trust.slice(1)])
    assert.deepStrictEqual([unprotected.code, /TLS is off; give --ssl/.test(unprotected.stderr)], [2, true])
    const without = await gearman(["admin", "version", "--server", plain.address])
    assert.strictEqual(without.code, 3)
  })

  it("cuts handshakes that do not come, and serves others meanwhile", async () => {
    const silent = await Promise.all(
      Array.from(
        { length: 50 },
        () =>
          new Promise<{ readonly closed: Promise<number> }>((resolve) => {
            const begun = Date.now()
            const socket = Net.connect(plain.port, "127.0.0.1")
            const closed = new Promise<number>((closed) => socket.once("close", () => closed(Date.now() - begun)))
            socket.on("error", () => {})
            socket.once("connect", () => resolve({ closed }))
          })
      )
    )
    await serialSeenAt(plain.port)
    for (const { closed } of silent) assert.isBelow(await closed, 5_000)
  })

  it("turns away clients without a certificate of its authority", async () => {
    const http = await freePort()
    const strict = await startServer([
      ...serverArgs,
      `--ssl-ca-file=${authority.certificate}`,
      `--http-listen=127.0.0.1:${http}`,
      "--verbose=DEBUG"
    ])
    const turnedAway = async () => {
      const page = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text()
      return Number(/^gearman_connections_refused_total\{reason="tlsHandshake"\} (\d+)/m.exec(page)![1])
    }
    assert.strictEqual(await turnedAway(), 0)
    const show = (pair: Certificates.Pair) => ["--ssl-certificate", pair.certificate, "--ssl-key", pair.key]
    const known = await gearman(["admin", "version", "--server", strict.address, ...trust, ...show(client)])
    assert.match(known.stdout, /^OK /)
    for (const none of [[], show(forged)]) {
      const refused = await gearman(["admin", "version", "--server", strict.address, ...trust, ...none])
      assert.strictEqual(refused.code, 3)
      // What OpenSSL says, without the place in its sources.
      assert.notMatch(refused.stderr, /error:|\.c:\d/)
    }
    await strict.says(
      /WARNING .* connection from 127\.0\.0\.1 closed: .*: peer did not return a certificate \(1 so far\)/
    )
    await strict.says("closed: its TLS handshake failed: no authority of ours vouches for its certificate (UNABLE_TO")
    await until(async () => (await turnedAway()) === 2, "both were counted")
    const submitted = await gearman(["submit", "f", "x", "--server", strict.address, ...trust])
    assert.match(submitted.stderr, /127\.0\.0\.1:\d+ \([^)]*certificate required\)/)
    const byVariable = await gearman(["admin", "version", "--server", strict.address, "--ssl"], {
      env: {
        GEARMAN_CA_CERTIFICATE: authority.certificate,
        GEARMAN_CLIENT_PEM: client.certificate,
        GEARMAN_CLIENT_KEY: client.key
      }
    })
    assert.match(byVariable.stdout, /^OK /)
    await end(strict)
  })

  it("reads its certificate again on SIGHUP and keeps the connections there are", async () => {
    const before = await serialSeenAt(plain.port)
    const kept = Tls.connect({ port: plain.port, host: "127.0.0.1", ca: Fs.readFileSync(authority.certificate) })
    await new Promise((resolve) => kept.once("secureConnect", resolve))
    kept.write("version\n")
    await new Promise((resolve) => kept.once("data", resolve))
    Certificates.signed(directory, authority, "server")
    process.kill(plain.pid, "SIGHUP")
    await until(async () => (await serialSeenAt(plain.port)) !== before, "the new certificate was shown")
    kept.write("version\n")
    assert.match(String(await new Promise((resolve) => kept.once("data", resolve))), /^OK /)
    // A broken file changes nothing.
    const good = Fs.readFileSync(server.certificate)
    const shown = await serialSeenAt(plain.port)
    Fs.writeFileSync(server.certificate, "no certificate")
    process.kill(plain.pid, "SIGHUP")
    await plain.says("certificates there were stay in use")
    assert.strictEqual(await serialSeenAt(plain.port), shown)
    Fs.writeFileSync(server.certificate, good)
    kept.destroy()
  })

  it("counts connections, and forgets those that have ended", async () => {
    const few = await startServer([...serverArgs, "--max-connections=1"])
    for (let round = 0; round < 3; round++) {
      await until(
        () =>
          serialSeenAt(few.port).then(
            () => true,
            () => false
          ),
        "a connection was accepted again"
      )
    }
    const dialled = () =>
      new Promise<Tls.TLSSocket | undefined>((resolve) => {
        const socket = Tls.connect({ port: few.port, host: "127.0.0.1", ca: Fs.readFileSync(authority.certificate) })
        socket.once("secureConnect", () => resolve(socket))
        socket.once("error", () => resolve(undefined)).once("close", () => resolve(undefined))
      })
    let first: Tls.TLSSocket | undefined
    // The server may not have noticed yet that the one before has ended.
    await until(async () => (first = await dialled()) !== undefined, "a connection was accepted once more")
    assert.isTrue(
      await serialSeenAt(few.port).then(
        () => false,
        () => true
      ),
      "a second one was refused"
    )
    first?.destroy()
    await end(few)
  })

  it("does not start with files that do not fit", async () => {
    const result = await gearman(["server", "--port=0", ...serverArgs.slice(0, 2), `--ssl-key=${client.key}`])
    assert.strictEqual(result.code, 1)
    assert.match(result.stderr, /cannot use the TLS files [^\n]*\n$/)
  })
})

describe("a connection that never speaks", { timeout: 60_000 }, () => {
  it("is closed after --handshake-timeout, and one that has spoken stays", async () => {
    const quick = await startServer(["--handshake-timeout=0.5"])
    const silent = Net.connect(quick.port, "127.0.0.1")
    silent.resume()
    const spoken = Net.connect(quick.port, "127.0.0.1")
    spoken.write("version\n")
    spoken.resume()
    await new Promise((resolve) => silent.once("close", resolve))
    await sleep(500)
    assert.isFalse(spoken.destroyed)
    assert.match((await ask(quick.port, "version")) ?? "", /^OK /)
    spoken.destroy()
    await end(quick)
  })
})
