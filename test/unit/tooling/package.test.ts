/**
 * What package.json and the lockfile promise to people who clone the repository on some
 * other machine, or install the package.
 */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../..")
const readText = (file: string) => readFileSync(join(root, file), "utf8")
const manifest = JSON.parse(readText("package.json"))
const locked: Record<string, Record<string, any>> = JSON.parse(readText("package-lock.json")).packages

describe("package.json", () => {
  it("pins each version", () => {
    for (const [name, version] of Object.entries<string>(manifest.devDependencies)) {
      assert.match(version, /^(\d+\.\d+\.\d+|file:tools\/node)$/, name)
    }
  })

  it("asks nothing of those who install the package but Effect, and platform-node if they like", () => {
    assert.isUndefined(manifest.dependencies)
    assert.isUndefined(manifest.optionalDependencies)
    assert.deepStrictEqual(Object.keys(manifest.peerDependencies), ["@effect/platform-node", "effect"])
    assert.deepStrictEqual(manifest.peerDependenciesMeta, { "@effect/platform-node": { optional: true } })
  })

  it("names in exports only what exists", () => {
    for (const [name, target] of Object.entries<any>(manifest.exports)) {
      if (name === "./package.json") {
        continue
      }
      const source: string = target["@effect-gearman/source"]
      assert.isTrue(existsSync(join(root, source)), `${name} points at ${source}`)
      assert.strictEqual(target.default, source.replace("./src/", "./dist/").replace(/\.ts$/, ".js"))
    }
  })
})

describe("package-lock.json", () => {
  it("names no registry", () => {
    for (const [path, { resolved, link }] of Object.entries(locked)) {
      assert.isTrue(resolved === undefined || link === true, path)
    }
  })

  it("has every optional package, without which npm ci refuses it; `npm run lockfile` writes them", () => {
    for (const [parent, { optionalDependencies = {} }] of Object.entries(locked)) {
      for (const name of Object.keys(optionalDependencies)) {
        const found = locked[`${parent}/node_modules/${name}`] ?? locked[`node_modules/${name}`]
        assert.isDefined(found?.["version"], `${name}, which ${parent} asks for`)
      }
    }
  })
})

describe("this repository", () => {
  it("brings the Node that its tests run on", () => {
    assert.match(process.version, /^v(2[4-9]|[3-9]\d)\./)
  })
})
