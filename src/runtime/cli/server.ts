/**
 * `server` as help and completions see it. The command itself has a parser of its own,
 * by gearmand's rules, and is run by `main.ts` before this one is loaded.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Flags from "../server/Flags.ts"

const toFlag = (flag: Flags.Flag) => {
  const named =
    flag.kind._tag === "Switch"
      ? Flag.Boolean(flag.name).pipe(Flag.withoutNegation, Flag.map(String))
      : flag.kind._tag === "Choice"
        ? Flag.Literals(flag.name, flag.kind.choices)
        : Flag.String(flag.name).pipe(Flag.withMetavar(Flags.placeholder(flag)!))
  const value = flag.byDefault === undefined ? "" : ` [${flag.byDefault}]`
  const note = flag.treatment._tag === "Used" ? "" : ` (${flag.treatment._tag.toLowerCase()}: ${flag.treatment.why})`
  const described = named.pipe(Flag.withDescription(flag.description + value + note), Flag.optional)
  return flag.short === undefined || flag.short === "h" ? described : described.pipe(Flag.withAlias(flag.short))
}

/** Help and version belong to the command line itself. */
const shown = Flags.flags.filter((flag) => flag.name !== "help" && flag.name !== "version")

/** The command's description. */
export const server = Command.make("server", Object.fromEntries(shown.map((flag) => [flag.name, toFlag(flag)])), () =>
  Effect.die("the server's own command line comes first")
).pipe(
  Command.withDescription("Run a job server; takes gearmand's flags by their names"),
  Command.withExamples([
    { command: "effect-gearman server", description: "On 127.0.0.1:4730" },
    { command: "effect-gearman server --listen '*' --port 4731", description: "Open to other machines" }
  ])
)
