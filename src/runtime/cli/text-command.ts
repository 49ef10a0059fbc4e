/**
 * `admin`: any command of the text protocol by its words, or by the options of the
 * `gearadmin` tool, which then prints what that prints.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Network from "../../protocol/Network.ts"
import { visible } from "../Visible.ts"
import * as Admin from "./Admin.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"
import { mustBeOneLine, Usage } from "./Usage.ts"

const toggle = (name: string, command: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(`gearadmin's word for: ${command}`), Flag.withDefault(false))

const named = (name: string, command: string, what: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(what),
    Flag.withDescription(`gearadmin's word for: ${command} ${what}`),
    Flag.optional
  )

/** gearadmin's options, in the order in which it obeys them. */
const options = {
  serverVersion: toggle("server-version", "version"),
  serverVerbose: toggle("server-verbose", "verbose"),
  createFunction: named("create-function", "create function", "FUNCTION"),
  cancelJob: named("cancel-job", "cancel job", "HANDLE"),
  dropFunction: named("drop-function", "drop function", "FUNCTION"),
  showUniqueJobs: toggle("show-unique-jobs", "show unique jobs"),
  showJobs: toggle("show-jobs", "show jobs"),
  getpid: toggle("getpid", "getpid"),
  status: toggle("status", "status"),
  priorityStatus: toggle("priority-status", "prioritystatus"),
  workers: toggle("workers", "workers")
}

const commands: { readonly [Name in keyof typeof options]: string } = {
  serverVersion: "version",
  serverVerbose: "verbose",
  createFunction: "create function",
  cancelJob: "cancel job",
  dropFunction: "drop function",
  showUniqueJobs: "show unique jobs",
  showJobs: "show jobs",
  getpid: "getpid",
  status: "status",
  priorityStatus: "prioritystatus",
  workers: "workers"
}

/** Commands whose reply is a list; all others answer one line. */
const isList = (command: string): boolean =>
  /^(status|prioritystatus|workers|show|jobs|clients|gladiator)\b/i.test(command)

const show = (line: string) => Output.printLine(visible(line).replaceAll("\\x09", "\t"))

const askByWords = Effect.fnUntraced(function* (address: Network.Address, command: string) {
  for (const line of yield* Admin.ask(address, command, isList(command) ? "list" : "line")) yield* show(line)
})

/** As gearadmin prints it: a list with the dot that ends it, a value without the OK before it. */
const askAsGearadmin = Effect.fnUntraced(function* (address: Network.Address, command: string) {
  const lines = yield* Admin.ask(address, command, isList(command) ? "list" : "line")
  for (const line of isList(command) ? [...lines, "."] : lines) yield* show(line.replace(/^OK /, ""))
})

export const textCommand = Command.make(
  "admin",
  {
    ...Servers.flags,
    ...options,
    words: Argument.String("word").pipe(Argument.withDescription("The command's words"), Argument.atLeast(0))
  },
  Effect.fnUntraced(function* (given) {
    const addresses = yield* Servers.resolve(given)
    const asked = Object.entries(commands).flatMap(([name, command]) => {
      const value = given[name as keyof typeof options]
      if (typeof value === "boolean") return value ? [command] : []
      return Option.isSome(value) ? [`${command} ${value.value}`] : []
    })
    if (asked.length === 0 && given.words.length === 0)
      return yield* new Usage({ problem: "no command is given; admin version, or admin --server-version, is one" })
    if (asked.length > 0 && given.words.length > 0)
      return yield* new Usage({ problem: "a command is given by its words or by gearadmin's options, not by both" })
    yield* Effect.forEach([...given.words, ...asked], mustBeOneLine)
    for (const address of addresses) {
      if (asked.length === 0) yield* askByWords(address, given.words.join(" "))
      for (const command of asked) yield* askAsGearadmin(address, command)
    }
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Send any command of the text protocol and print the reply; knows gearadmin's options"),
  Command.withExamples([
    { command: "effect-gearman admin maxqueue resize 1000", description: "Limit a function's queue" },
    { command: "effect-gearman admin prioritystatus", description: "What waits, by priority" },
    { command: "effect-gearman admin -h localhost -p 4730 --status", description: "As gearadmin does it" }
  ])
)
