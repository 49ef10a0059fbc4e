/** What a running server reads again, what all its listeners share, and what it warns of. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import * as Net from "node:net"
import { end, gearman, inDirectory, startGearman, startGearmand, startServer, until } from "./support.ts"
import { freePort } from "../interop/processes.ts"

describe("SIGHUP", { timeout: 60_000 }, () => {
  it("reads the rules in the configuration file again, for those who connect from then on", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "conf")
      Fs.writeFileSync(file, "--allow=*:submit=old --allow=*:administrate=*")
      const server = await startServer([`--config-file=${file}`, "--verbose=NOTICE"])
      const submit = (name: string) => gearman(["submit", name, "x", "--background", "--server", server.address])
      assert.deepStrictEqual([(await submit("old")).code, (await submit("new")).code], [0, 1])

      Fs.writeFileSync(file, "--allow=*:submit=new")
      process.kill(server.pid, "SIGHUP")
      await server.says("SIGHUP: 1 rules for those who connect from now on")
      assert.deepStrictEqual([(await submit("old")).code, (await submit("new")).code], [1, 0])

      // A mistake in the file changes nothing, and is told.
      Fs.writeFileSync(file, "--allow=nonsense")
      process.kill(server.pid, "SIGHUP")
      await server.says(/SIGHUP: the rules have not changed: --allow: "nonsense" is no rule/)
      assert.strictEqual((await submit("new")).code, 0)

      // A file without rules, or without anything, does not open the server.
      Fs.writeFileSync(file, "")
      process.kill(server.pid, "SIGHUP")
      await server.says(/ERROR .*SIGHUP: the rules have not changed: there is none left/)
      assert.deepStrictEqual([(await submit("old")).code, (await submit("new")).code], [1, 0])
      assert.strictEqual((await end(server)).code, 0)
    }))

  it("restricts a server that had no rules", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "conf")
      Fs.writeFileSync(file, "")
      const server = await startServer([`--config-file=${file}`, "--verbose=NOTICE"])
      const submit = () => gearman(["submit", "f", "x", "--background", "--server", server.address])
      assert.strictEqual((await submit()).code, 0)
      Fs.writeFileSync(file, "--allow=ops:submit=*")
      process.kill(server.pid, "SIGHUP")
      await server.says("SIGHUP: 1 rules for those who connect from now on")
      assert.strictEqual((await submit()).code, 1)
      assert.strictEqual((await end(server)).code, 0)
    }))

  it("lets a worker serve that was refused, which says why until then", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "conf")
      const rules = "--allow=*:submit=*"
      Fs.writeFileSync(file, rules)
      const server = await startServer([`--config-file=${file}`, "--verbose=NOTICE"])
      const worker = startGearman(["worker", "resize", "--server", server.address, "--", "cat"])
      await worker.says("A function is refused: ACCESS_DENIED, anonymous may not serve resize")

      Fs.writeFileSync(file, `${rules} --allow=*:serve=resize`)
      process.kill(server.pid, "SIGHUP")
      const submitted = await gearman(["submit", "resize", "x", "--server", server.address])
      assert.strictEqual(submitted.stdout, "x", submitted.stderr)
      assert.notInclude((await end(worker)).stderr, "broke the protocol")
      assert.strictEqual((await end(server)).code, 0)
    }))
})

describe("the limit per address", { timeout: 60_000 }, () => {
  it("counts the connections of all listeners together", () =>
    inDirectory(async () => {
      const other = await freePort()
      const server = await startServer([
        "--max-connections-per-address=2",
        `--listener=127.0.0.1:${other}`,
        "--verbose=WARNING"
      ])
      const dial = (port: number) => Net.connect(port, "127.0.0.1").on("error", () => {})
      const held = [server.port, other].map(dial)
      await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))))
      const third = dial(other)
      await new Promise((resolve) => third.once("close", resolve))
      await server.says(/connection from 127\.0\.0\.1 closed: maxConnectionsPerAddress reached/)
      held[0]!.destroy()
      await until(async () => {
        const again = dial(other)
        const answer = new Promise<boolean>((resolve) => {
          again.once("data", () => resolve(true))
          again.once("close", () => resolve(false))
        })
        again.write("version\n")
        const isServed = await answer
        again.destroy()
        return isServed
      }, "there was room again")
      for (const socket of held) socket.destroy()
      assert.strictEqual((await end(server)).code, 0)
    }))
})

describe("a server on loopback", { timeout: 60_000 }, () => {
  const hint = /WARNING .*only this machine can connect; --listen='\*' opens the server to others/

  it("warns where other settings are for those who come from elsewhere", async () => {
    const server = await startServer(["--max-connections-per-address=5", "--verbose=WARNING"])
    await server.says(hint)
    await end(server)
    const chosen = await startServer(["--listen=127.0.0.1", "--max-connections-per-address=5", "--verbose=WARNING"])
    assert.notMatch((await end(chosen)).stderr, hint)
  })

  it("warns in gearmand's place, whose default is every address", async () => {
    const server = startGearmand(["--config-file=/dev/null", "--port=0", "--log-file=stderr", "--verbose=WARNING"])
    await server.says(hint)
    assert.strictEqual((await end(server)).code, 0)
  })
})
