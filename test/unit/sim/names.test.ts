/** Each property is checked, or `docs/simulation.md` says why not. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { judgedAs, nameOfProperty, propertyNames } from "../../../src/sim/properties/names.ts"

const root = new URL("../../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const sources = ["src/sim/properties/", "src/sim/scenario/"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => read(folder + name))
)

const numbersIn = (text: string): ReadonlyArray<number> => (text.match(/\b\d+\b/g) ?? []).map(Number)

/** Numbers that some check gives to what it finds. */
const checked = new Set([
  ...sources.flatMap((source) =>
    [...source.matchAll(/new Violation\(([^,]*),|\.reach\([`"][^`"]*[`"], (\d+)/g)].flatMap(
      ([, one = "", other = ""]) => numbersIn(one + other)
    )
  ),
  // What has to be on offer is judged under one of several numbers.
  ...[...read("src/sim/properties/rest.ts").matchAll(/return (\d+)$|\? (\d+) : 0$/gm)].map(([, one, other]) =>
    Number(one ?? other)
  )
])

const numbers = Array.from({ length: 61 }, (_, index) => index + 1)

describe("the properties", () => {
  it("have names", () => {
    assert.deepStrictEqual(Object.keys(propertyNames).map(Number), [0, ...numbers])
  })

  it("are checked, or it is said under which numbers", () => {
    const unchecked = numbers.filter((number) => !checked.has(number))
    assert.deepStrictEqual(Object.keys(judgedAs).map(Number), unchecked)
    for (const [as] of Object.values(judgedAs)) for (const number of as) assert.isTrue(checked.has(number), `${number}`)
  })

  it("are no others than those", () => {
    for (const number of checked) assert.property(propertyNames, String(number))
  })

  it("stand in the documentation, if unchecked, with the reason", () => {
    const [, section = ""] = read("docs/simulation.md").split("## What is not checked")
    const rows = section.split("\n").filter((line) => /^\| \d/.test(line))
    assert.deepStrictEqual(
      rows,
      Object.entries(judgedAs).map(
        ([number, [as, why]]) => `| ${nameOfProperty(Number(number))} | ${as.join(", ") || "nothing"} | ${why} |`
      )
    )
  })
})
