/**
 * `server` and `config` as help and completions see them. They have a parser of their
 * own, by gearmand's rules, and are run by `main.ts` before this one is loaded.
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
  const byDefault = Flags.shownDefault(flag)
  const value = byDefault === undefined ? "" : ` [${byDefault}]`
  const note = flag.treatment._tag === "Used" ? "" : ` (${flag.treatment._tag.toLowerCase()}: ${flag.treatment.why})`
  const described = named.pipe(Flag.withDescription(flag.description + value + note), Flag.optional)
  return flag.short === undefined || flag.short === "h" ? described : described.pipe(Flag.withAlias(flag.short))
}

/** Help and version belong to the command line itself. */
const shown = Flags.flags.filter((flag) => flag.name !== "help" && flag.name !== "version")

const flags = Object.fromEntries(shown.map((flag) => [flag.name, toFlag(flag)]))
const handledBefore = () => Effect.die("the server's own command line comes first")

/** The description of `server`. */
export const server = Command.make("server", flags, handledBefore).pipe(
  Command.withDescription("Run a job server; takes gearmand's flags by their names"),
  Command.withExamples([
    { command: "effect-gearman server", description: "On 127.0.0.1:4730" },
    { command: "effect-gearman server --listen '*' --port 4731", description: "Open to other machines" }
  ])
)

/** The description of `config`. */
export const config = Command.make("config").pipe(
  Command.withDescription("Look at the job server's configuration: flags, environment and file together"),
  Command.withSubcommands([
    Command.make("print", flags, handledBefore).pipe(
      Command.withDescription("Show each setting, its value and where that came from; --json for scripts"),
      Command.withExamples([
        { command: "effect-gearman config print --port 4731", description: "As `server --port 4731` would run here" },
        { command: "effect-gearman config print --json", description: "For scripts" }
      ])
    ),
    Command.make("check", flags, handledBefore).pipe(
      Command.withDescription("Name each mistake; exit code 1 when there is one"),
      Command.withExamples([
        {
          command: "effect-gearman config check --config-file /etc/gearmand.conf",
          description: "Before a restart with a new file"
        }
      ])
    )
  ])
)
