/**
 * What went wrong, for a user of the shell: the library's messages tell programmers what to
 * write, where a command has a flag for it.
 */

const inShell: ReadonlyArray<readonly [inProgram: string, here: string]> = [
  [
    "Declare the function idempotent to have such jobs resubmitted",
    "With --idempotent it is submitted again, where it may run twice"
  ],
  ["Servers are given by the client's options or GEARMAN_SERVERS", "Servers are given by --server or GEARMAN_SERVERS"]
]

/** The error's message in the words of the command line. */
export const messageOf = (error: unknown): string =>
  inShell.reduce(
    (message, [inProgram, here]) => message.replace(inProgram, here),
    error instanceof Error ? error.message : String(error)
  )
