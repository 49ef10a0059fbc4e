/**
 * `config print` and `config check`: what a job server would be told, from flags,
 * environment and file together, without starting one.
 */
import * as Parse from "./parse.ts"
import * as Settings from "./Settings.ts"

const report = (errors: ReadonlyArray<string>): void => {
  process.stderr.write(errors.map((error) => `effect-gearman config: ${error}\n`).join(""))
  process.exitCode = 1
}

/** Runs the command. */
export const config = (action: "print" | "check", args: ReadonlyArray<string>): void => {
  const isJson = args.includes("--json")
  const parsed = Parse.parse(
    args.filter((word) => word !== "--json"),
    process.env
  )
  if (Parse.isRefusal(parsed)) return report(parsed.errors)
  if (action === "print") {
    const settings = Settings.describe(parsed)
    const lines = settings.map(({ name, source, value }) => `${name.padEnd(28)} ${value.padEnd(24)} ${source}\n`)
    process.stdout.write(isJson ? `${JSON.stringify(settings)}\n` : lines.join(""))
  }
  const checked = Settings.fromParsed(parsed)
  if (Parse.isRefusal(checked)) return report(checked.errors)
  if (action === "print") return
  for (const warning of checked.warnings) process.stdout.write(`warning: ${warning}\n`)
  process.stdout.write("the configuration is valid\n")
}
