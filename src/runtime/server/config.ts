/**
 * `config print` and `config check`: what a job server would be told, from flags,
 * environment and file together, without starting one.
 */
import { X509Certificate } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
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

/** The value of a flag, wherever it is from. */
type Given = (name: string) => string | undefined

const problemOf = (act: () => void): string | undefined => {
  try {
    act()
    return undefined
  } catch (cause) {
    return (cause as Error).message
  }
}

/** What a server reads at its start, and whether certificate and key belong together. */
const wrongWithTls = async (tls: NonNullable<Settings.Settings["tls"]>): Promise<ReadonlyArray<string>> => {
  const files = { "ssl-certificate": tls.certificate, "ssl-key": tls.key, "ssl-ca-file": tls.authorities }
  const unreadable = Object.entries(files).flatMap(([name, file]) => {
    const problem = file === undefined ? undefined : problemOf(() => Fs.accessSync(file, Fs.constants.R_OK))
    return problem === undefined ? [] : [`--${name}: ${problem}`]
  })
  if (unreadable.length > 0) return unreadable
  const [{ contextOf }, Effect] = await Promise.all([import("../network/Tls.ts"), import("effect/Effect")])
  return Effect.runSync(Effect.match(contextOf(tls), { onFailure: ({ message }) => [message], onSuccess: () => [] }))
}

/**
 * What a server does not find at its start. Whether it may write there is another question: the check may be
 * run by another user.
 */
const missing = async (given: Given): Promise<ReadonlyArray<string>> => {
  const [logFile, user] = [given("log-file"), given("user")]
  const isFile = logFile !== "stderr" && logFile !== "none"
  const files = { "pid-file": given("pid-file"), "log-file": isFile ? logFile : undefined }
  const errors = Object.entries(files).flatMap(([name, file]) =>
    file === undefined || Fs.existsSync(Path.dirname(file))
      ? []
      : [`--${name}: there is no folder ${Path.dirname(file)}`]
  )
  if (user === undefined) return errors
  const { find } = await import("./User.ts")
  return find(user) === undefined ? [...errors, `--user: there is no user ${user}`] : errors
}

/** Folders and names of listeners, as far as they are known without listening. */
const wrongPlaces = async (settings: Settings.Settings): Promise<ReadonlyArray<string>> => {
  const { lookup } = await import("node:dns/promises")
  const addresses = [settings.address, ...settings.listeners.map(({ address }) => address), settings.httpAddress]
  const problems = addresses.map(async (address) => {
    if (address === undefined || (address._tag === "Tcp" && address.host === "*")) return undefined
    if (address._tag === "Unix") {
      const folder = Path.dirname(address.path)
      return Fs.existsSync(folder) ? undefined : `unix:${address.path}: there is no folder ${folder}`
    }
    return lookup(address.host).then(
      () => undefined,
      () => `${address.host}: the host name is unknown here`
    )
  })
  return (await Promise.all(problems)).filter((problem) => problem !== undefined)
}

/** A server starts with it, and nobody will trust it. */
const expired = (file: string | undefined): ReadonlyArray<string> => {
  try {
    const { validTo } = new X509Certificate(Fs.readFileSync(file!))
    return Date.parse(validTo) < Date.now() ? [`--ssl-certificate: it has expired, on ${validTo}`] : []
  } catch {
    // Told of as a mistake.
    return []
  }
}

/** Looks at what was given alone: other mistakes hide none of these. */
const wrongHere = async (given: Given): Promise<ReadonlyArray<string>> => {
  const [certificate, key] = [given("ssl-certificate"), given("ssl-key")]
  const hasBoth = certificate !== undefined && key !== undefined
  return [
    ...(hasBoth ? await wrongWithTls({ certificate, key, authorities: given("ssl-ca-file") }) : []),
    ...(await missing(given))
  ]
}

/** Runs the command. */
export const config = async (action: "print" | "check", args: ReadonlyArray<string>): Promise<void> => {
  const isJson = args.includes("--json")
  const parsed = Parse.parse(
    args.filter((word) => word !== "--json"),
    process.env
  )
  const readable = Parse.isRefusal(parsed) ? parsed.rest : parsed
  if (action === "print" && readable !== undefined) print(readable, isJson)
  const settings = Settings.ofParsed(parsed)
  const errors = [
    ...(Parse.isRefusal(settings) ? settings.errors : []),
    ...(await wrongHere((name) => readable?.given.get(name)?.value)),
    ...(Parse.isRefusal(settings) ? [] : await wrongPlaces(settings))
  ]
  report(errors)
  if (action === "print") return
  const warnings = [...(readable?.warnings ?? []), ...expired(readable?.given.get("ssl-certificate")?.value)]
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`)
  if (errors.length === 0) process.stdout.write("the configuration is valid\n")
}
