/**
 * The text protocol that administrators and monitors speak: what its lists look like, both
 * ways. The job server writes them, the command line reads them, from gearmand as well.
 * (Gearman protocol, "Administrative Protocol")
 *
 * Names travel as bytes; here they are strings with one character per byte (latin-1), as
 * `Codec.latin1` makes them.
 *
 * @since 0.1.0
 */

/**
 * The line that ends a list.
 *
 * @since 0.1.0
 * @category constants
 */
export const endOfList = "."

/**
 * A row of `status`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatusRow {
  readonly function: string
  /** Jobs queued, scheduled and running. */
  readonly total: number
  readonly running: number
  /** Connections that can do it. */
  readonly workers: number
}

/**
 * A row of `prioritystatus`: what waits, by priority.
 *
 * @since 0.1.0
 * @category models
 */
export interface PriorityStatusRow {
  readonly function: string
  readonly high: number
  readonly normal: number
  readonly low: number
  readonly workers: number
}

/**
 * A row of `show functions`, which only this server has.
 *
 * @since 0.1.0
 * @category models
 */
export interface FunctionRow {
  readonly function: string
  /** Jobs that a worker could be given now. */
  readonly waiting: number
  /** Jobs whose time has not come. */
  readonly delayed: number
  readonly running: number
  readonly workers: number
  /** Of the workers: those that have a job, sleep, or were woken and have not come yet. */
  readonly busy: number
  readonly sleeping: number
  readonly woken: number
  /** Submissions refused at a limit since the start. */
  readonly limited: number
  /** Submissions, and workers, that had no right to it. */
  readonly deniedSubmits: number
  readonly deniedWorkers: number
  /** How long the longest of the waiting jobs has waited, in milliseconds. */
  readonly waitMillis: number
}

/**
 * A row of `workers`: one connection, which may be no worker at all.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkerRow {
  /** The server's number for the connection; gearmand gives the file descriptor. */
  readonly connection: number
  readonly host: string
  readonly clientId: string
  readonly functions: ReadonlyArray<string>
}

/**
 * A row of `show jobs`.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobRow {
  readonly handle: string
  /** Attempts that were lost. */
  readonly retries: number
  /** Cancelled, or nobody waits for it any more. */
  readonly isIgnored: boolean
  /** A background job. */
  readonly isBackground: boolean
}

// They would forge lines or, as the tabs of Perl's prefixes do, columns.
// oxlint-disable-next-line no-control-regex
const unfit = /[\u0000-\u001f\u007f]/
const everyUnfit = new RegExp(unfit, "g")

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t" }

const escaped = (character: string): string =>
  named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`

/** Whoever may submit or serve invents names; in a list each is a part of one line. */
const inLine = (name: string): string => (unfit.test(name) ? name.replaceAll(everyUnfit, escaped) : name)

/**
 * A line of `status`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatStatusRow = (row: StatusRow): string =>
  `${inLine(row.function)}\t${row.total}\t${row.running}\t${row.workers}\n`

/**
 * A line of `prioritystatus`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatPriorityStatusRow = (row: PriorityStatusRow): string =>
  `${inLine(row.function)}\t${row.high}\t${row.normal}\t${row.low}\t${row.workers}\n`

const functionNumbers = [
  "waiting",
  "delayed",
  "running",
  "workers",
  "busy",
  "sleeping",
  "woken",
  "limited",
  "deniedSubmits",
  "deniedWorkers",
  "waitMillis"
] as const satisfies ReadonlyArray<keyof FunctionRow>

/**
 * A line of `show functions`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatFunctionRow = (row: FunctionRow): string =>
  `${[inLine(row.function), ...functionNumbers.map((name) => row[name])].join("\t")}\n`

/**
 * A line of `workers`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatWorkerRow = (row: WorkerRow): string =>
  `${row.connection} ${row.host} ${inLine(row.clientId)} :${row.functions.map((name) => ` ${inLine(name)}`).join("")}\n`

/**
 * A line of `show jobs`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatJobRow = (row: JobRow): string =>
  `${row.handle}\t${row.retries}\t${row.isIgnored ? 1 : 0}\t${row.isBackground ? 1 : 0}\n`

/**
 * A line of `show unique jobs`, with its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const formatUniqueRow = (unique: string): string => `${inLine(unique)}\n`

// Other servers print the tabs of names (Perl's prefix has one), so the numbers are taken from the right.
const splitRow = (line: string, numbers: number): ReadonlyArray<string> => {
  const cells = line.split("\t")
  const name = cells.slice(0, Math.max(0, cells.length - numbers)).join("\t")
  return [name, ...cells.slice(cells.length - numbers)]
}

/** Other servers' lists may be torn by the names in them: what is no row is left out. */
const areNumbers = (cells: ReadonlyArray<string | undefined>): boolean =>
  cells.every((cell) => cell !== undefined && /^-?\d+$/.test(cell))

/**
 * Reads the lines of `status`, without the final dot. A line that does not look like one
 * is left out.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parseStatus = (lines: ReadonlyArray<string>): ReadonlyArray<StatusRow> =>
  lines.flatMap((line) => {
    const [name, total, running, workers] = splitRow(line, 3)
    if (!areNumbers([total, running, workers])) return []
    return { function: name!, total: Number(total), running: Number(running), workers: Number(workers) }
  })

/**
 * Reads the lines of `prioritystatus`, without the final dot. A line that does not look like one
 * is left out.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parsePriorityStatus = (lines: ReadonlyArray<string>): ReadonlyArray<PriorityStatusRow> =>
  lines.flatMap((line) => {
    const [name, high, normal, low, workers] = splitRow(line, 4)
    if (!areNumbers([high, normal, low, workers])) return []
    return { function: name!, high: Number(high), normal: Number(normal), low: Number(low), workers: Number(workers) }
  })

/**
 * Reads the lines of `show functions`, without the final dot. A line that does not look like one
 * is left out.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parseFunctions = (lines: ReadonlyArray<string>): ReadonlyArray<FunctionRow> =>
  lines.flatMap((line) => {
    const [name, ...cells] = splitRow(line, functionNumbers.length)
    if (cells.length < functionNumbers.length || !areNumbers(cells)) return []
    const numbers = Object.fromEntries(functionNumbers.map((key, index) => [key, Number(cells[index])]))
    return { function: name!, ...numbers } as unknown as FunctionRow
  })

/**
 * Reads the lines of `workers`, without the final dot. A line that does not look like one
 * is left out.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parseWorkers = (lines: ReadonlyArray<string>): ReadonlyArray<WorkerRow> =>
  lines.flatMap((line) => {
    const match = /^(-?\d+) (\S+) (.*?) :(.*)$/s.exec(line)
    if (match === null) return []
    return [
      {
        connection: Number(match[1]),
        host: match[2]!,
        clientId: match[3]!,
        functions: match[4]!.split(" ").filter((name) => name !== "")
      }
    ]
  })

/**
 * Reads the lines of `show jobs`, without the final dot. A line that does not look like one
 * is left out.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parseJobs = (lines: ReadonlyArray<string>): ReadonlyArray<JobRow> =>
  lines.flatMap((line) => {
    const [handle, retries, ignored, background] = line.split("\t")
    if (!areNumbers([retries, ignored, background])) return []
    return {
      handle: handle!,
      retries: Number(retries),
      isIgnored: ignored !== "0",
      isBackground: background !== "0"
    }
  })
