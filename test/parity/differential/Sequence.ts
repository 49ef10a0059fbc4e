/**
 * What the differential test draws: sequences of commands over a few connections, as
 * plain data that fast-check can shrink. Names, uniques and jobs are symbols; the run
 * gives them values, since handles differ from server to server.
 */
import * as fc from "fast-check"

/** Function 0 to 2 of the sequence. */
export type FunctionIndex = number

export type Command =
  | { readonly _tag: "canDo"; readonly function: FunctionIndex; readonly timeout?: string }
  | { readonly _tag: "cantDo"; readonly function: FunctionIndex }
  | { readonly _tag: "resetAbilities" }
  | { readonly _tag: "preSleep" }
  /** Unless `anyhow`, from a connection that announced a function. */
  | { readonly _tag: "grab"; readonly type: 9 | 30 | 39; readonly anyhow: boolean }
  | {
      readonly _tag: "submit"
      readonly type: number
      readonly function: FunctionIndex
      readonly unique: string
      readonly between: ReadonlyArray<string>
      readonly workload: string
    }
  | {
      readonly _tag: "work"
      readonly type: number
      /** A job that is running, from the connection that runs it; or any of the sequence's jobs. */
      readonly own: boolean
      readonly job: number
      readonly fields: ReadonlyArray<string>
    }
  | { readonly _tag: "getStatus"; readonly job: number }
  | { readonly _tag: "getStatusUnique"; readonly unique: string }
  | { readonly _tag: "packet"; readonly magic: "\0REQ" | "\0RES"; readonly type: number; readonly body: string }
  | { readonly _tag: "text"; readonly line: string; readonly function?: FunctionIndex; readonly job?: number }
  /** Bytes after which a server closes the connection. `anyhow` as for `close`. */
  | { readonly _tag: "fatal"; readonly bytes: string; readonly anyhow: boolean }
  /** Unless `anyhow`, only where no job loses its last listener. `worker`: one that runs a job, if there is one. */
  | { readonly _tag: "close"; readonly anyhow: boolean; readonly worker: boolean }

export interface Step {
  readonly connection: number
  readonly command: Command
}

export const connections = 4

// Mostly the first one, so that clients and workers meet.
const functionIndex = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2)
const seldom = fc.nat(15).map((draw) => draw === 15)
// `U` is replaced by the sequence's own prefix, so that sequences never meet.
const unique = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("", "-", "U0", "U1", `U2${"l".repeat(50)}`) },
  { weight: 1, arbitrary: fc.constant(`U3${"x".repeat(80)}`) }
)
const workload = fc.constantFrom("", "a", "b", "\0\x01\xff", "w".repeat(3000))
const jobIndex = fc.nat(30)

const canDo = fc.record(
  {
    _tag: fc.constant("canDo" as const),
    function: functionIndex,
    timeout: fc.constantFrom("0", "-1", "abc", "", "10000000")
  },
  { requiredKeys: ["_tag", "function"] }
)

const submitOf = (types: ReadonlyArray<number>, between: fc.Arbitrary<ReadonlyArray<string>>) =>
  fc.record({
    _tag: fc.constant("submit" as const),
    type: fc.constantFrom(...types),
    function: functionIndex,
    unique,
    between,
    workload
  })

const submit = submitOf([7, 7, 18, 18, 21, 32, 33, 34], fc.constant([]))
const epoch = submitOf(
  [36],
  fc.constantFrom("0", "1", "-7", "abc", "", "32503680000").map((epoch) => [epoch])
)
const reduce = submitOf(
  [37, 38],
  fc.constantFrom("", "U9").map((reducer) => [reducer, ""])
)

const work = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom(13, 13, 25, 28, 29), fields: workload.map((data) => [data]) })
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant(14), fields: fc.constant([]) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant(12),
      fields: fc.tuple(
        fc.constantFrom("0", "1", "7", "-5", "abc", "", "4294967296", "0.5"),
        fc.constantFrom("1", "100", "x", "", "4294967295")
      )
    })
  }
)
const workCommand = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    jobIndex,
    work
  )
  .map(([own, job, work]): Command => ({ _tag: "work", own, job, ...work }))

const packet = fc.oneof(
  fc.record({ type: fc.constant(16), body: workload }),
  fc.record({ type: fc.constant(26), body: fc.constant("exceptions") }),
  fc.record({ type: fc.constant(26), body: fc.constantFrom("exceptions", "EXCEPTIONS", "nonsense", "") }),
  // Types a server does not expect, with enough separators to be parsed at all.
  fc.record({
    type: fc.constantFrom(5, 6, 8, 10, 11, 17, 19, 20, 24, 27, 31, 35, 40, 42),
    body: fc.constant("a\0b\0c\0d\0e\0f\0g\0h")
  })
)

const lines = fc.constantFrom(
  "status",
  "STATUS all",
  "prioritystatus",
  "workers",
  "show jobs",
  "show unique jobs",
  "version",
  "verbose",
  "getpid",
  "",
  " status",
  "help",
  "show",
  "show foo",
  "cancel",
  "cancel job",
  "cancel foo bar",
  "create",
  "create function",
  "create foo bar",
  "drop",
  "drop function",
  "maxqueue",
  "a b c d e",
  "status   \t",
  "cancel job H:none:1"
)
const functionLines = fc.constantFrom(
  "create function F",
  "drop function F",
  "maxqueue F",
  "maxqueue F 2",
  "maxqueue F 1 2 3",
  "maxqueue F 3 1",
  "maxqueue F x"
)
const text = fc.oneof(
  { weight: 12, arbitrary: fc.record({ line: lines }) },
  { weight: 6, arbitrary: fc.record({ line: functionLines, function: functionIndex }) },
  { weight: 1, arbitrary: fc.record({ line: fc.constant("cancel job J"), job: jobIndex }) }
)

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: canDo },
  { weight: 12, arbitrary: submit },
  {
    weight: 14,
    arbitrary: fc.record({ _tag: fc.constant("grab" as const), type: fc.constantFrom(9, 30, 39), anyhow: seldom })
  },
  { weight: 16, arbitrary: workCommand },
  { weight: 4, arbitrary: fc.constant({ _tag: "preSleep" as const }) },
  { weight: 2, arbitrary: epoch },
  { weight: 2, arbitrary: reduce },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("cantDo" as const), function: functionIndex }) },
  { weight: 1, arbitrary: fc.constant({ _tag: "resetAbilities" as const }) },
  { weight: 5, arbitrary: fc.record({ _tag: fc.constant("getStatus" as const), job: jobIndex }) },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("getStatusUnique" as const), unique }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom<"\0REQ" | "\0RES">("\0REQ", "\0REQ", "\0REQ", "\0RES"), packet)
      .map(([magic, packet]) => ({ _tag: "packet" as const, magic, ...packet }))
  },
  { weight: 6, arbitrary: text.map((text) => ({ _tag: "text" as const, ...text })) },
  {
    weight: 1,
    arbitrary: fc.record({
      _tag: fc.constant("fatal" as const),
      bytes: fc.constantFrom(
        "\0BAD\0\0\0\x01\0\0\0\0",
        "\0REQ\0\0\0\x2b\0\0\0\0",
        "\0REQ\0\0\0\0\0\0\0\0",
        "a b c d e f\n"
      ),
      anyhow: seldom
    })
  },
  { weight: 3, arbitrary: fc.record({ _tag: fc.constant("close" as const), anyhow: seldom, worker: fc.boolean() }) }
)

// Most sequences begin with workers for the function that most jobs are for.
const opening: fc.Arbitrary<ReadonlyArray<Step>> = fc.constantFrom(0, 1, 2, 2, 3).map((workers) =>
  Array.from({ length: workers }, (_, connection) => ({
    connection,
    command: { _tag: "canDo" as const, function: 0 }
  }))
)

/** A sequence, as long as eighty commands. */
export const sequence: fc.Arbitrary<ReadonlyArray<Step>> = fc
  .tuple(opening, fc.array(fc.record({ connection: fc.nat(connections - 1), command }), { maxLength: 80, size: "max" }))
  .map(([opening, steps]) => [...opening, ...steps])
