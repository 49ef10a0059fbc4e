/**
 * `config print` and `config check`: what a job server would be told, from flags,
 * environment and file together, without starting one.
 */
import * as Fs from "node:fs"
import * as Parse from "./parse.ts"
import * as Settings from "./Settings.ts"

const report = (errors: ReadonlyArray<string>): void => {
  process.stderr.write(errors.map((error) => `effect-gearman config: ${error}\n`).join(""))
  if (errors.length > 0) process.exitCode = 1
}

const print = (parsed: Parse.Parsed, isJson: boolean): void => {
  const settings = Settings.describe(parsed)
  const line = ({ name, note, source, value, where }: Settings.Setting) =>
    `${name.padEnd(28)} ${value.padEnd(24)} ${[source, where].filter(Boolean).join(" ")}${note ? ` (no effect: ${note})` : ""}\n`
  process.stdout.write(isJson ? `${JSON.stringify(settings)}\n` : settings.map(line).join(""))
}

/** Files that a server reads at its start. */
const unreadable = ({ tls }: Settings.Settings): ReadonlyArray<string> => {
  const files = { "ssl-certificate": tls?.certificate, "ssl-key": tls?.key, "ssl-ca-file": tls?.authorities }
  return Object.entries(files).flatMap(([name, file]) => {
    try {
      if (file !== undefined) Fs.accessSync(file, Fs.constants.R_OK)
      return []
    } catch (cause) {
      return [`--${name}: ${(cause as Error).message}`]
    }
  })
}

/** Runs the command. */
export const config = (action: "print" | "check", args: ReadonlyArray<string>): void => {
  const isJson = args.includes("--json")
  const parsed = Parse.parse(
    args.filter((word) => word !== "--json"),
    process.env
  )
  if (action === "print") {
    const shown = Parse.isRefusal(parsed) ? parsed.rest : parsed
    if (shown !== undefined) print(shown, isJson)
  }
  const settings = Settings.ofParsed(parsed)
  const errors = Parse.isRefusal(settings) ? settings.errors : unreadable(settings)
  report(errors)
  if (action === "print") return
  const warnings = Parse.isRefusal(parsed) ? (parsed.rest?.warnings ?? []) : parsed.warnings
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`)
  if (errors.length === 0) process.stdout.write("the configuration is valid\n")
}
