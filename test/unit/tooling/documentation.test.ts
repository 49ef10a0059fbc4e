/**
 * What people import says what it is: since when it is there, what it belongs to, and, where
 * it is more than a type, how it is used. That the examples compile, `npm run docs:check` tells.
 */
import { assert, describe, it } from "vitest"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "../../..")
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

/** The files that an index brings under a name, or the file itself. */
const named = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(join(root, file), "utf8")
  const under = Array.from(text.matchAll(/^export \* as \w+ from "(\.[^"]+)"/gm), ([, from]) =>
    join(dirname(file), from!)
  )
  return [file, ...under]
}

/** The sources of the modules that are imported by name. The simulator's are many, and have a page of their own. */
const modules: ReadonlyArray<string> = Object.entries<{ readonly "@effect-gearman/source"?: string }>(exports)
  .filter(([name]) => name !== "./sim")
  .flatMap(([, { "@effect-gearman/source": source }]) => (source === undefined ? [] : named(source)))

interface Export {
  readonly file: string
  readonly name: string
  readonly isType: boolean
  readonly comment: string
}

const declaration = /^export (?:declare )?(const|class|function|interface|type) (\w+)/gm
const handedOn = /^export \{([^}]+)\} from "(\.[^"]+)"/gm

/** What a file declares and exports; of an overloaded function, its first line. */
const declared = (file: string): ReadonlyArray<Export> => {
  const text = readFileSync(join(root, file), "utf8")
  const found = new Map<string, Export>()
  for (const match of text.matchAll(declaration)) {
    const [, kind, name] = match
    const before = text.slice(0, match.index)
    const comment = /\/\*\*(?:(?!\*\/)[^])*\*\/\n$/.exec(before)?.[0] ?? ""
    if (!found.has(name!)) found.set(name!, { file, name: name!, isType: /interface|type/.test(kind!), comment })
  }
  return [...found.values()]
}

/** Of what a file hands on, too. */
const exported = (file: string): ReadonlyArray<Export> => [
  ...declared(file),
  ...Array.from(readFileSync(join(root, file), "utf8").matchAll(handedOn)).flatMap(([, names, from]) => {
    const wanted = new Set(names!.split(",").map((name) => name.replace("type ", "").trim()))
    return declared(join(dirname(file), from!)).filter(({ name }) => wanted.has(name))
  })
]

const all = [...new Set(modules)].flatMap(exported)

describe("public exports", () => {
  it("are found", () => {
    const names = all.map(({ name }) => name)
    for (const name of ["Decoder", "Client", "mapStream", "connect", "layerWith"]) assert.include(names, name)
    assert.isAbove(all.length, 150)
  })

  it("say since when they are there, and what they belong to", () => {
    for (const { comment, file, name } of all) {
      assert.match(comment, /@since \d+\.\d+\.\d+\n/, `${file}: ${name}`)
      assert.match(comment, /@category [a-z ]+\n/, `${file}: ${name}`)
    }
  })

  it("have an example, where they are more than types", () => {
    const bare = all.filter(({ comment, isType }) => !isType && !comment.includes("```ts\n"))
    assert.deepStrictEqual(
      bare.map(({ file, name }) => `${file}: ${name}`),
      []
    )
  })
})
