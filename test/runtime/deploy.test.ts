/**
 * The files in `deploy/`: each flag, variable, port and path in them is one that there is,
 * and they agree with each other. What systemd is told goes over a real datagram socket.
 */
import { Yaml } from "effect/encoding"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import { start } from "../interop/processes.ts"
import { end, gearman, inDirectory, startGearman } from "./support.ts"

const root = Path.join(import.meta.dirname, "../..")
const read = (file: string) => Fs.readFileSync(Path.join(root, "deploy", file), "utf8")

/** The values of a setting of a systemd unit. */
const settingsOf = (unit: string, name: string) =>
  unit.split("\n").flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []))

/** Instructions of a Dockerfile's last stage, lines put together. */
const instructionsOf = (dockerfile: string) =>
  dockerfile
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => {
      const [, name, rest] = /^([A-Z]+) +(.*)$/.exec(line)!
      return { name: name!, rest: rest! }
    })

const environmentOf = (dockerfile: string): Record<string, string> =>
  Object.fromEntries(
    instructionsOf(dockerfile)
      .filter(({ name }) => name === "ENV")
      .flatMap(({ rest }) => rest.split(/\s+/).map((pair) => pair.split(/=(.*)/s, 2) as [string, string]))
  )

const checked = async (args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const { code, stderr, stdout } = await gearman(["config", "check", "--config-file=/dev/null", ...args], { env })
  assert.deepStrictEqual({ code, stderr, stdout }, { code: 0, stderr: "", stdout: "the configuration is valid\n" })
}

describe("the systemd unit", { timeout: 60_000 }, () => {
  const unit = read("effect-gearman.service")
  const [, ...words] = settingsOf(unit, "ExecStart")[0]!.split(" ")

  it("starts the server with flags that there are", async () => {
    assert.deepStrictEqual(words.slice(0, 2), ["effect-gearman", "server"])
    await checked(words.slice(2))
  })

  it("waits longer than the server drains, and hears of readiness and the watchdog", () => {
    const drain = words.find((word) => word.startsWith("--drain-timeout="))!.split("=")[1]
    assert.isAbove(Number(settingsOf(unit, "TimeoutStopSec")[0]), Number(drain))
    assert.deepStrictEqual(
      [settingsOf(unit, "Type"), settingsOf(unit, "NotifyAccess"), settingsOf(unit, "DynamicUser")],
      [["notify"], ["all"], ["yes"]]
    )
    assert.isAbove(Number(settingsOf(unit, "WatchdogSec")[0]), 0)
  })

  it("tells systemd over its socket that it is ready, alive and stopping", () =>
    inDirectory(async (directory) => {
      const socket = Path.join(directory, "notify")
      const receiver = `
        use IO::Socket::UNIX; $| = 1;
        my $in = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
        print "bound\\n"; while (1) { $in->recv(my $text, 4096); print "$text\\n--\\n" }`
      const systemd = start("perl", ["-e", receiver, socket])
      await systemd.says("bound")
      // The tool comes with systemd; where there is none, this is what it does for us.
      const tool = Path.join(directory, "systemd-notify")
      const hasTool = ChildProcess.spawnSync("systemd-notify", ["--version"]).error === undefined
      const standIn = `#!/usr/bin/env perl
        use IO::Socket::UNIX;
        my @told = map { /^--pid=(.*)/ ? "MAINPID=$1" : $_ } @ARGV;
        my $out = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}) or die;
        $out->send(join "\\n", @told);\n`
      if (!hasTool) Fs.writeFileSync(tool, standIn, { mode: 0o755 })
      const server = startGearman(["server", "--port=0", "--drain-timeout=1"], {
        env: { PATH: `${process.env["PATH"]}:${directory}`, NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" }
      })
      await systemd.says(/READY=1/)
      await systemd.says(/WATCHDOG=1/)
      assert.match(systemd.output(), /STATUS=listening on 127\.0\.0\.1:\d+/)
      assert.include(systemd.output(), `MAINPID=${server.pid}`)
      assert.strictEqual((await end(server)).code, 0)
      await systemd.says(/STOPPING=1/)
      await systemd.stop()
    }))

  it("serves without the tool for that, and says why its manager will not hear of it", () =>
    inDirectory(async (directory) => {
      const server = startGearman(["server", "--port=0"], {
        env: { PATH: directory, NOTIFY_SOCKET: Path.join(directory, "notify"), WATCHDOG_USEC: "100000" }
      })
      await server.says("cannot tell the service manager: spawn systemd-notify ENOENT")
      await server.says(/^listening on/)
      const { stderr } = await end(server)
      assert.strictEqual(stderr.match(/cannot tell/g)?.length, 1)
    }))
})

describe("the Dockerfile", { timeout: 60_000 }, () => {
  const dockerfile = read("Dockerfile")
  const instructions = instructionsOf(dockerfile)
  const environment = environmentOf(dockerfile)
  const last = (name: string) => instructions.findLast((one) => one.name === name)!.rest

  it("sets variables that there are", async () => {
    assert.isAbove(Object.keys(environment).filter((name) => name.startsWith("EFFECT_GEARMAN_")).length, 2)
    await checked([], environment)
  })

  it("runs as somebody else than root, is asked for its health where it answers, and gets signals itself", () => {
    const roles = instructions.map(({ name }) => name)
    assert.isAbove(roles.indexOf("USER"), roles.lastIndexOf("RUN"))
    assert.notInclude(["root", "0"], last("USER"))
    const [, port] = environment["EFFECT_GEARMAN_HTTP_LISTEN"]!.split(":")
    assert.include(last("HEALTHCHECK"), `http://127.0.0.1:${port}/readyz`)
    assert.include(last("EXPOSE").split(" "), port)
    assert.deepStrictEqual([JSON.parse(last("ENTRYPOINT")), JSON.parse(last("CMD"))], [["effect-gearman"], ["server"]])
    // The version of Node that the package asks for.
    const image = instructions.filter(({ name }) => name === "FROM").map(({ rest }) => rest.split(" ")[0])
    assert.deepStrictEqual(new Set(image), new Set(["node:24-slim"]))
  })

  it("takes from the build all that the commands load", () => {
    const copied = instructions
      .filter(({ name, rest }) => name === "COPY" && rest.startsWith("--from=build"))
      .map(({ rest }) => rest.split(" ")[1]!.replace("/build/dist/", ""))
    assert.include(copied, "bin")
    /** The sources that a script loads, itself first; the bundle in bin/ needs none. */
    const loaded = (file: string): ReadonlyArray<string> => {
      const text = Fs.readFileSync(file, "utf8")
      const imports = text.matchAll(/^(?:import|export) (?!type)[^;]*? from "([^"]+)"/gm)
      return [file].concat(
        Array.from(imports, ([, specifier]) => specifier!)
          .filter((specifier) => !specifier.startsWith("node:"))
          .flatMap((specifier) => {
            assert.match(specifier, /^\./, `${file} loads ${specifier}, which the image has not`)
            return loaded(Path.join(Path.dirname(file), specifier))
          })
      )
    }
    const needed = ["guard.ts", "thread.ts"].flatMap((name) => loaded(Path.join(root, "src/runtime/map", name)))
    assert.isAbove(needed.length, 5)
    for (const file of needed) {
      const folder = Path.relative(Path.join(root, "src"), Path.dirname(file))
      assert.include(copied, folder, file)
    }
  })
})

describe("the compose file", () => {
  const { services } = Yaml.parse(read("compose.yaml")) as any
  const environment = environmentOf(read("Dockerfile"))

  it("waits longer than the server drains, and publishes on this machine only", () => {
    for (const name of ["sammy", "kenny"]) {
      assert.isAbove(
        Number.parseInt(services[name].stop_grace_period),
        Number(environment["EFFECT_GEARMAN_DRAIN_TIMEOUT"])
      )
      for (const port of services[name].ports) assert.match(port, /^127\.0\.0\.1:\d+:4730$/)
    }
  })

  it("has Prometheus scrape the servers where they answer", () => {
    const { scrape_configs } = Yaml.parse(read("prometheus.yml")) as any
    const [, port] = environment["EFFECT_GEARMAN_HTTP_LISTEN"]!.split(":")
    const targets = scrape_configs[0].static_configs[0].targets
    assert.deepStrictEqual(targets, [`sammy:${port}`, `kenny:${port}`])
    const mounts: ReadonlyArray<string> = services.prometheus.volumes
    for (const mount of mounts) assert.isTrue(Fs.existsSync(Path.join(root, "deploy", mount.split(":")[0]!)), mount)
    const { rule_files } = Yaml.parse(read("prometheus.yml")) as any
    for (const file of rule_files)
      assert.isTrue(
        mounts.some((mount) => mount.includes(`/etc/prometheus/${file}:`)),
        file
      )
  })

  it("alerts by metrics that there are", () => {
    const { groups } = Yaml.parse(read("alerts.yml")) as any
    const rules: ReadonlyArray<any> = groups.flatMap((group: any) => group.rules)
    assert.isAtLeast(rules.length, 4)
    // That list is held against the server by a test of its own.
    const manual = Fs.readFileSync(Path.join(root, "docs/operations.md"), "utf8")
    for (const { expr } of rules) {
      const names = expr.match(/gearman_\w+/g)
      assert.isAtLeast(names.length, 1, expr)
      for (const name of names) assert.include(manual, `\`${name.replace(/_bucket$/, "")}`, expr)
    }
  })
})
