/**
 * Type-checks the examples that people copy: each block fenced as `ts` in the README, in
 * docs/ and in the comments of src/. A block is a module of its own, and imports the
 * package by its name, as its readers do.
 */
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

// Inside of the repository, so that the package's own name and its dependencies resolve.
const scratch = join(root, ".examples")

interface Example {
  readonly file: string
  readonly line: number
  readonly code: string
}

const examplesOf = (file: string): ReadonlyArray<Example> => {
  const text = readFileSync(join(root, file), "utf8")
  const inComment = file.endsWith(".ts")
  const fenced = inComment ? /^ *\* ```ts\n([^]*?)^ *\* ```$/gm : /^```ts\n([^]*?)^```$/gm
  return Array.from(text.matchAll(fenced), (match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    code: inComment ? match[1]!.replace(/^ *\* ?/gm, "") : match[1]!
  }))
}

const sources = globSync(["README.md", "docs/**/*.md", "src/**/*.ts"], { cwd: root }).toSorted()
const examples = sources.flatMap(examplesOf)

/** The file's name, so that what the compiler says can be turned back into the place it means. */
const nameOf = ({ file, line }: Example) => `${file.replaceAll("/", "__")}__${line}.ts`

rmSync(scratch, { recursive: true, force: true })
mkdirSync(scratch)
for (const example of examples) {
  // Blank lines before it give each line the number it has in its source.
  writeFileSync(join(scratch, nameOf(example)), `${"\n".repeat(example.line)}${example.code}\nexport {}\n`)
}
writeFileSync(
  join(scratch, "tsconfig.json"),
  JSON.stringify({
    extends: "../tsconfig.json",
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts"]
  })
)
const { status, stdout, stderr } = spawnSync("tsc", ["-p", scratch], { cwd: root, encoding: "utf8" })
rmSync(scratch, { recursive: true, force: true })

process.stdout.write(
  (stdout + stderr).replace(
    /^\.examples\/(.+)__\d+\.ts\((\d+),/gm,
    (_, name: string, line: string) => `${name.replaceAll("__", "/")}(${line},`
  )
)
process.stdout.write(`${examples.length} examples in ${new Set(examples.map((example) => example.file)).size} files\n`)
process.exitCode = status ?? 1
