/**
 * The linter holds the architecture: what each folder may import, and which globals the
 * programs that run in every world must not touch.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "../../..")

/** The rules that the linter finds broken, by file, in a project of these files with our configuration. */
const lint = (files: Record<string, string>): Record<string, ReadonlyArray<string>> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-gearman-lint-"))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  symlinkSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"))
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--deny-warnings", "--format=json"], {
    cwd: folder,
    encoding: "utf8"
  })
  rmSync(folder, { recursive: true, force: true })
  const found: Record<string, Array<string>> = Object.fromEntries(Object.keys(files).map((name) => [name, []]))
  for (const { filename, code } of JSON.parse(stdout).diagnostics) {
    found[filename]!.push(code)
  }
  return found
}

/** Every specifier of a folder's files, each in a file of its own. */
const lintImports = (folder: string, specifiers: ReadonlyArray<string>) => {
  const files = specifiers.map((specifier, at) => [`${folder}/case${at}.ts`, `export * from "${specifier}"\n`] as const)
  const found = lint(Object.fromEntries(files))
  return files.map(([name]) => found[name]!)
}

const assertRefused = (folder: string, specifiers: ReadonlyArray<string>) =>
  assert.deepStrictEqual(
    lintImports(folder, specifiers),
    specifiers.map(() => ["eslint(no-restricted-imports)"])
  )

const assertAllowed = (folder: string, specifiers: ReadonlyArray<string>) =>
  assert.deepStrictEqual(
    lintImports(folder, specifiers),
    specifiers.map(() => [])
  )

describe("the linter", () => {
  it("lets src/protocol import Effect's modules and its siblings only", () => {
    assertAllowed("src/protocol", ["effect/Effect", "effect/socket/Socket", "./Packet.ts", "./server/Job.ts"])
    assertAllowed("src/protocol/server", ["effect/Effect", "./Job.ts", "../Packet.ts"])
    const refused = ["node:fs", "fs", "effect", "@effect/platform-node/NodeSocket", "fast-check"]
    assertRefused("src/protocol", [...refused, "../runtime/NodeNetwork.ts", "../sim/Kernel.ts"])
    assertRefused("src/protocol/server", [...refused, "../../runtime/network/Node.ts", "../../sim/Kernel.ts"])
  })

  it("keeps src/sim away from Node and from src/runtime", () => {
    assertAllowed("src/sim", ["effect/Scheduler", "../protocol/Packet.ts", "./Kernel.ts"])
    assertAllowed("src/sim/network", ["effect/Effect", "../../protocol/Packet.ts", "../Kernel.ts"])
    assertRefused("src/sim", ["node:fs", "effect", "../runtime/NodeNetwork.ts"])
    assertRefused("src/sim/network", ["node:fs", "effect", "../../runtime/NodeNetwork.ts"])
    assertAllowed("src/sim/cli", ["node:fs"])
    assertRefused("src/sim/cli", ["effect", "../../runtime/NodeNetwork.ts"])
  })

  it("keeps src/runtime away from src/sim and from the barrels", () => {
    assertAllowed("src/runtime", ["node:net", "@effect/platform-node/NodeSocket", "../protocol/Packet.ts"])
    assertRefused("src/runtime", ["effect", "@effect/platform-node", "../sim/Kernel.ts"])
    assertRefused("src/runtime/cli", ["../../sim/Kernel.ts"])
  })

  it("finds an import in whatever form it comes", () => {
    const forms = [
      `import { connect } from "node:net"\nexport const dial = connect\n`,
      `export { connect } from "node:net"\n`,
      `import "node:net"\n`,
      `import type { Socket } from "node:net"\nexport type Dialled = Socket\n`,
      `export const net = import("node:net")\n`
    ]
    const found = lint(Object.fromEntries(forms.map((text, at) => [`src/protocol/case${at}.ts`, text])))
    forms.forEach((_, at) => assert.include(found[`src/protocol/case${at}.ts`]!, "eslint(no-restricted-imports)"))
    const typed = lint({ "src/protocol/type.ts": `export type Dialled = import("node:net").Socket\n` })
    assert.deepStrictEqual(typed["src/protocol/type.ts"], ["typescript(consistent-type-imports)"])
  })

  it("refuses clocks, timers, randomness, promises and the console in the programs", () => {
    const refused = {
      "Date.now()": "eslint(no-restricted-globals)",
      "new Date(0)": "eslint(no-restricted-globals)",
      "performance.now()": "eslint(no-restricted-globals)",
      "setTimeout(() => {}, 1)": "eslint(no-restricted-globals)",
      "setImmediate(() => {})": "eslint(no-restricted-globals)",
      "queueMicrotask(() => {})": "eslint(no-restricted-globals)",
      "Promise.resolve(1)": "eslint(no-restricted-globals)",
      "crypto.getRandomValues(new Uint8Array(1))": "eslint(no-restricted-globals)",
      "process.env": "eslint(no-restricted-globals)",
      'Buffer.from("")': "eslint(no-restricted-globals)",
      "globalThis.Date": "eslint(no-restricted-globals)",
      "Math.random()": "eslint(no-restricted-properties)",
      'console.log("")': "eslint(no-console)",
      "async () => {}": "oxc(no-async-await)"
    }
    for (const folder of ["src/protocol", "src/protocol/server", "src/sim", "src/sim/network"]) {
      const files = Object.keys(refused).map((code, at) => [`${folder}/case${at}.ts`, `export const value = ${code}\n`])
      const found = lint(Object.fromEntries(files))
      Object.values(refused).forEach((rule, at) => assert.deepStrictEqual(found[`${folder}/case${at}.ts`], [rule]))
    }
  })

  it("leaves these to the runtime and to tests", () => {
    const text = `export const value = [Date.now(), Math.random(), setTimeout(() => {}, 1)]\n`
    assert.deepStrictEqual(lint({ "src/runtime/clock.ts": text })["src/runtime/clock.ts"], [])
    assert.deepStrictEqual(lint({ "test/unit/clock.ts": text })["test/unit/clock.ts"], [])
  })

  it("refuses tests that are skipped or run alone", () => {
    const refused = ["it.skip", "it.only", "it.effect.skip", "it.live.only", "describe.skip", "it.todo"]
    const found = lint(
      Object.fromEntries(
        refused.map((call) => [
          `test/unit/${call}.test.ts`,
          `import { describe, it } from "@effect/vitest"\n${call}("rests", () => [it, describe])\n`
        ])
      )
    )
    for (const codes of Object.values(found)) {
      assert.include(codes, "eslint(no-restricted-properties)")
    }
  })
})
