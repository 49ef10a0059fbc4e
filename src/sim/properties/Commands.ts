/**
 * The text commands that came over one connection, and their answers, line by line.
 *
 * @since 0.1.0
 */

/** More words than any command has end the connection. */
const wordsMax = 5

/**
 * The words of a line, or undefined where it ends its connection.
 *
 * @since 0.1.0
 * @category decoding
 */
export const wordsOf = (line: string): ReadonlyArray<string> | undefined => {
  const words = line.split("\0", 1)[0]!.split(/ +/)
  return words.length > wordsMax ? undefined : words
}

const isList = ([first = "", second = ""]: ReadonlyArray<string>): boolean =>
  /^(?:status|prioritystatus|workers)$/i.test(first) || (/^show$/i.test(first) && second !== "")

/**
 * @since 0.1.0
 * @category models
 */
export class Commands {
  private readonly asked: Array<ReadonlyArray<string>> = []
  private readonly lines: Array<string> = []

  /** Commands that await the end of their answer. */
  get owed(): number {
    return this.asked.length
  }

  ask(line: string): void {
    const words = wordsOf(line)
    if (words !== undefined) this.asked.push(words)
  }

  /** The next line of an answer; the command and its whole answer where it ends there, undefined before. */
  tell(line: string): readonly [words: ReadonlyArray<string>, answer: ReadonlyArray<string>] | undefined {
    const [words = []] = this.asked
    this.lines.push(line)
    if (isList(words) && line !== "." && !(this.lines.length === 1 && line.startsWith("ERR "))) return undefined
    this.asked.shift()
    return [words, this.lines.splice(0)]
  }
}
