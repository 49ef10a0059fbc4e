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

interface Imports {
  readonly allowed?: ReadonlyArray<string>
  readonly refused?: ReadonlyArray<string>
}

/** Holds the linter to what each folder may import: each specifier in a file of its own. */
const assertImports = (folders: Record<string, Imports>) => {
  const cases = Object.entries(folders).flatMap(([folder, { allowed = [], refused = [] }]) => [
    ...allowed.map((specifier) => ({ folder, specifier, expected: [] as ReadonlyArray<string> })),
    ...refused.map((specifier) => ({ folder, specifier, expected: ["eslint(no-restricted-imports)"] }))
  ])
  const nameOf = (at: number) => `${cases[at]!.folder}/case${at}.ts`
  const found = lint(
    Object.fromEntries(cases.map(({ specifier }, at) => [nameOf(at), `export * from "${specifier}"\n`]))
  )
  cases.forEach(({ expected, folder, specifier }, at) =>
    assert.deepStrictEqual(found[nameOf(at)], expected, `${specifier} from ${folder}`)
  )
}

describe("the linter", () => {
  it("lets src/protocol import Effect's modules and its siblings only", () => {
    const refused = ["node:fs", "fs", "effect", "@effect/platform-node/NodeSocket", "fast-check"]
    assertImports({
      "src/protocol": {
        allowed: ["effect/Effect", "effect/socket/Socket", "./Packet.ts", "./server/Job.ts"],
        refused: [...refused, "../runtime/NodeNetwork.ts", "../sim/Kernel.ts"]
      },
      "src/protocol/server": {
        allowed: ["effect/Effect", "./Job.ts", "../Packet.ts"],
        refused: [...refused, "../../runtime/network/Node.ts", "../../sim/Kernel.ts"]
      }
    })
  })

  it("keeps src/sim away from Node and from src/runtime", () => {
    assertImports({
      "src/sim": {
        allowed: ["effect/Scheduler", "../protocol/Packet.ts", "./Kernel.ts"],
        refused: ["node:fs", "effect", "../runtime/NodeNetwork.ts"]
      },
      "src/sim/network": {
        allowed: ["effect/Effect", "../../protocol/Packet.ts", "../Kernel.ts"],
        refused: ["node:fs", "effect", "../../runtime/NodeNetwork.ts"]
      },
      "src/sim/cli": { allowed: ["node:fs"], refused: ["effect", "../../runtime/NodeNetwork.ts"] }
    })
  })

  it("keeps src/runtime away from src/sim and from the barrels", () => {
    assertImports({
      "src/runtime": {
        allowed: ["node:net", "@effect/platform-node/NodeSocket", "../protocol/Packet.ts"],
        refused: ["effect", "@effect/platform-node", "../sim/Kernel.ts"]
      },
      "src/runtime/cli": { refused: ["../../sim/Kernel.ts"] }
    })
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
    const cases = ["src/protocol", "src/protocol/server", "src/sim", "src/sim/network"].flatMap((folder) =>
      Object.entries(refused).map(([code, rule], at) => ({ name: `${folder}/case${at}.ts`, code, rule }))
    )
    const found = lint(Object.fromEntries(cases.map(({ code, name }) => [name, `export const value = ${code}\n`])))
    for (const { code, name, rule } of cases) {
      assert.deepStrictEqual(found[name], [rule], `${code} in ${name}`)
    }
  })

  it("leaves these to the runtime and to tests", () => {
    const text = `export const value = [Date.now(), Math.random(), setTimeout(() => {}, 1)]\n`
    const found = lint({ "src/runtime/clock.ts": text, "test/unit/clock.ts": text })
    assert.deepStrictEqual(found, { "src/runtime/clock.ts": [], "test/unit/clock.ts": [] })
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
