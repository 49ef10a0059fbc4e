/**
 * The package as it is published: built, packed, and used from another project that has
 * only what it asks for.
 */
import { assert, beforeAll, afterAll, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "../..")
const exportedNames = Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).exports)
const specifiers = exportedNames.map((name) => `effect-gearman${name.slice(1)}`)

const oldest = mkdtempSync(join(tmpdir(), "effect-gearman-oldest-node-"))

/** The oldest Node that the package says it runs on, from the npm registry, which a machine may not reach twice. */
const installOldestNode = (): string | undefined => {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const name = `node-${process.platform}-${process.arch}`
  const version = engines.node.replace(">=", "")
  const parameters = ["install", "--prefix", oldest, "--no-audit", "--no-fund", `${name}@${version}`]
  const { status, stderr } = spawnSync("npm", parameters, { encoding: "utf8" })
  if (status === 0) return join(oldest, "node_modules", name, "bin/node")
  process.stderr.write(
    `the package on Node ${version} is left out: npm ${parameters.join(" ")} fails here: ${stderr}\n`
  )
  return undefined
}

const oldestNode = installOldestNode()

describe("the package", () => {
  let project: string
  let packed: ReadonlyArray<string>

  const run = (command: string, ...parameters: ReadonlyArray<string>) =>
    execFileSync(command, parameters, { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

  /** Gives the project a package that the repository has. */
  const lend = (name: string) => {
    mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true })
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name))
  }

  const runModule = (lines: ReadonlyArray<string>) => {
    writeFileSync(join(project, "main.ts"), lines.join("\n"))
    return run(process.execPath, "main.ts")
  }

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), "effect-gearman-package-"))
    // Built beside the repository, whose own dist/ others may be running.
    const staging = join(project, "staging")
    mkdirSync(staging)
    for (const name of ["package.json", "README.md", "LICENSE", "AGENTS.md", "bin", "deploy", "docs", "src"]) {
      cpSync(join(root, name), join(staging, name), { recursive: true })
    }
    execFileSync(process.execPath, ["scripts/build.ts", join(staging, "dist")], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"]
    })
    const report = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
      cwd: staging,
      encoding: "utf8"
    })
    const [{ filename, files }] = JSON.parse(report)
    packed = files.map((file: { readonly path: string }) => file.path)
    run("tar", "-xzf", filename)
    mkdirSync(join(project, "node_modules"))
    cpSync(join(project, "package"), join(project, "node_modules/effect-gearman"), { recursive: true })
    writeFileSync(join(project, "package.json"), `{ "type": "module" }`)
    lend("effect")
  }, 180_000)

  afterAll(() => {
    for (const path of [project, oldest]) rmSync(path, { recursive: true, force: true })
  })

  it("holds the modules, their sources and declarations, the pages about them, and nothing else", () => {
    for (const path of packed) {
      assert.match(
        path,
        /^(package\.json|README\.md|LICENSE|AGENTS\.md|bin\/gearmand|deploy\/[\w.-]+|docs\/[\w-]+\.md|src\/.+\.ts|dist\/.+\.(js|js\.map|d\.ts|d\.ts\.map))$/
      )
    }
    assert.include(packed, "AGENTS.md")
    assert.include(packed, "docs/failure.md")
    assert.include(packed, "dist/bin/effect-gearman.js")
    assert.include(packed, "bin/gearmand")
    assert.include(packed, "deploy/effect-gearman.service")
  })

  it("has commands that need nothing installed beside them", () => {
    const alone = mkdtempSync(join(tmpdir(), "effect-gearman-alone-"))
    try {
      cpSync(join(project, "package/dist/bin"), alone, { recursive: true })
      const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
      assert.strictEqual(run(join(alone, "effect-gearman.js"), "--version"), `effect-gearman ${version}\n`)
      assert.include(run(join(alone, "effect-gearman.js"), "submit", "--help"), "EXAMPLES")
      assert.include(run(join(alone, "effect-gearman.js"), "config", "check"), "the configuration is valid\n")
      assert.include(run(join(alone, "gearmand.js"), "--help"), "--worker-wakeup")
    } finally {
      rmSync(alone, { recursive: true, force: true })
    }
  })

  it("runs nothing where it is installed", () => {
    const { scripts } = JSON.parse(readFileSync(join(project, "package/package.json"), "utf8"))
    // npm warns of each package that brings one of these.
    for (const name of ["preinstall", "install", "postinstall", "prepublish", "prepare"])
      assert.notProperty(scripts, name)
  })

  it("declares nothing as any", () => {
    const declarations = packed.filter((path) => path.endsWith(".d.ts"))
    assert.isAbove(declarations.length, 50)
    for (const path of declarations) {
      const lines = readFileSync(join(project, "package", path), "utf8")
        .replaceAll(/\/\*[^]*?\*\//g, "")
        .split("\n")
      // What the compiler infers of Effect's own classes is theirs.
      const own = lines.filter((line) => !/^declare const \w+_base: /.test(line))
      assert.notMatch(own.join("\n"), /\bany\b/, path)
    }
  })

  it("needs only effect, except for effect-gearman/node", () => {
    const core = specifiers.filter((name) => name !== "effect-gearman/node" && !name.endsWith(".json"))
    const output = runModule([
      ...core.map((name, at) => `import * as m${at} from "${name}"`),
      `console.log([${core.map((_, at) => `Object.keys(m${at}).length > 0`)}].every(Boolean))`
    ])
    assert.strictEqual(output, "true\n")
  })

  it("stands in for gearmand from where it is installed", () => {
    const version: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version
    assert.strictEqual(run("node_modules/effect-gearman/bin/gearmand", "--version"), `gearmand ${version}\n`)
  })

  it("works on Node's sockets with @effect/platform-node beside it, and is typed", () => {
    lend("@effect/platform-node")
    lend("@types/node")
    const output = runModule([
      `import { Client, JobFunction, JobServer, Network, Worker } from "effect-gearman"`,
      `import { NodeNetwork } from "effect-gearman/node"`,
      `import { Effect, Layer } from "effect"`,
      `const reverse = JobFunction.utf8("reverse")`,
      `const program = Effect.gen(function* () {`,
      `  const server = yield* JobServer.JobServer`,
      `  const servers = [Network.format(server.address)]`,
      `  const worker = reverse.toLayer((text) => Effect.succeed([...text].reverse().join("")))`,
      `  const layers = Layer.merge(`,
      `    Client.layer({ servers }),`,
      `    Layer.provide(worker, Worker.layer({ servers }))`,
      `  )`,
      `  const result: string = yield* Effect.flatMap(Client.Client, (client) => client.run(reverse, "Gearman")).pipe(`,
      `    Effect.provide(layers)`,
      `  )`,
      `  console.log(result)`,
      `})`,
      `const world = JobServer.layer({ address: Network.tcp("127.0.0.1", 0) }).pipe(Layer.provideMerge(NodeNetwork.layer))`,
      `await Effect.runPromise(Effect.provide(program, world))`
    ])
    assert.strictEqual(output, "namraeG\n")
    const options = ["--strict", "--module", "nodenext", "--target", "es2024", "--types", "node", "--skipLibCheck"]
    assert.strictEqual(run(join(root, "node_modules/.bin/tsc"), "--noEmit", ...options, "main.ts"), "")
  })

  it.runIf(oldestNode !== undefined)("works on the oldest Node that it names", () => {
    assert.include(run(oldestNode!, "--version"), "v22.")
    // What the test before this one has written.
    assert.strictEqual(run(oldestNode!, "main.ts"), "namraeG\n")
  })

  it("runs shipped functions in the sandbox, from the built files", () => {
    const output = runModule([
      `import { Client, DistributedMap, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"`,
      `import { MapSandbox } from "effect-gearman/node"`,
      `import { Effect, Layer } from "effect"`,
      `const servers = ["sammy"]`,
      `const worker = DistributedMap.serve().pipe(`,
      `  Layer.provide(MapSandbox.layer({ worker: "papag" })),`,
      `  Layer.provide(Worker.layer({ servers }))`,
      `)`,
      `const world = Layer.mergeAll(Client.layer({ servers }), worker).pipe(`,
      `  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),`,
      `  Layer.provide(MemoryNetwork.layer)`,
      `)`,
      `const program = DistributedMap.map([1, 2], (n, { worker }) => worker + n * 2)`,
      `console.log(await Effect.runPromise(Effect.provide(program, world)))`
    ])
    assert.strictEqual(output, "[ 'papag2', 'papag4' ]\n")
  })
})
