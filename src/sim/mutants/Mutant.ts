/**
 * A planted bug: a small text replaced in one source file, and which property must notice.
 * The shipped sources know nothing of it; the replacement is made in a process of its own,
 * while that process loads the file.
 *
 * @since 0.1.0
 */

/**
 * What a simulation must be able to do before a planted bug shows:
 *
 * - `interleaving`: other orders of the same events.
 * - `fragments`: packets cut and joined on the way.
 * - `reset`: connections that break, end or fall silent.
 * - `partition`: machines that cannot reach each other.
 * - `crash`: programs that die and start again.
 * - `time`: timers that meet other events, clocks that are set.
 * - `pressure`: readers slower than writers.
 * - `workload`: the right mix of jobs.
 *
 * @since 0.1.0
 * @category models
 */
export type Need = "interleaving" | "fragments" | "reset" | "partition" | "crash" | "time" | "pressure" | "workload"

/**
 * @since 0.1.0
 * @category models
 */
export interface Mutant {
  /** What it is called on the command line. */
  readonly id: string
  readonly title: string
  /** The file that has the bug, from the project's root. */
  readonly file: string
  /** Must occur in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** The number of the property that is expected to notice first. */
  readonly property: number
  readonly needs: ReadonlyArray<Need>
  /** Why it is not quite the bug of its title, where it is not. */
  readonly note?: string | undefined
}

/**
 * The source with the bug in it, or why the bug does not apply.
 *
 * @since 0.1.0
 * @category conversions
 */
export const plant = (mutant: Pick<Mutant, "id" | "file" | "find" | "replace">, source: string): string | Error => {
  const { file, find, id, replace } = mutant
  const count = source.split(find).length - 1
  if (count !== 1)
    return new Error(`${id} does not apply: its text occurs ${count} times in ${file}, and must exactly once`)
  if (find === replace) return new Error(`${id} changes nothing`)
  return source.replace(find, () => replace)
}
