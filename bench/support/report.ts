/**
 * Medians with their spread, and tables of them, for people and as Markdown alike.
 */

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

export interface Table {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return {
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    lowest: sorted[0]!,
    highest: sorted.at(-1)!
  }
}

/** Ours over theirs, round by round: what disturbed the machine disturbed both. */
export const ratio = (ours: ReadonlyArray<number>, theirs: ReadonlyArray<number>): Spread =>
  spread(ours.map((value, round) => value / theirs[round]!))

export const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en-US") : value >= 100 ? value.toFixed(0) : value.toPrecision(2)

export const showMedian = (values: ReadonlyArray<number>): string => number(spread(values).median)

export const showRatio = ({ median, lowest, highest }: Spread): string =>
  `${median.toFixed(2)} (${lowest.toFixed(2)}–${highest.toFixed(2)})`

/** The slope of a line through the logarithms: 0 where cost does not grow with size, 1 where it grows in step. */
export const logSlope = (points: ReadonlyArray<readonly [size: number, cost: number]>): number => {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

export const markdown = ({ title, columns, rows }: Table): string => {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(" | ")} |`
  const rule = `| ${widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`
  return [`### ${title}`, "", line(columns), rule, ...rows.map(line), ""].join("\n")
}
