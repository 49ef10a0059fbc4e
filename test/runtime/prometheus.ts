/**
 * Prometheus' text format 0.0.4, read as strictly as its description is written: what a
 * scraper would refuse, or take for something else, is an error here.
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*/
const types = ["counter", "gauge", "histogram", "summary", "untyped"]

const numberOf = (text: string): number => {
  if (text === "+Inf") return Number.POSITIVE_INFINITY
  if (text === "-Inf") return Number.NEGATIVE_INFINITY
  if (text === "NaN") return Number.NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new Error(`"${text}" is no number`)
  return Number(text)
}

/** The label value that begins at a quote, and where it ends. */
const quoted = (line: string, start: number): readonly [string, number] => {
  let value = ""
  for (let at = start + 1; at < line.length; at++) {
    const character = line[at]!
    if (character === '"') return [value, at + 1]
    if (character !== "\\") {
      value += character
      continue
    }
    const escaped = line[++at]
    if (escaped === "n") value += "\n"
    else if (escaped === "\\" || escaped === '"') value += escaped
    else throw new Error(`\\${escaped} is no escape in ${line}`)
  }
  throw new Error(`a label's value does not end: ${line}`)
}

const sampleOf = (line: string): Sample => {
  const name = metricName.exec(line)?.[0]
  if (name === undefined) throw new Error(`no metric's name: ${line}`)
  const labels: Record<string, string> = {}
  let at = name.length
  if (line[at] === "{") {
    at++
    while (line[at] !== "}") {
      const label = labelName.exec(line.slice(at))?.[0]
      if (label === undefined) throw new Error(`no label's name at ${line.slice(at)}`)
      if (label in labels) throw new Error(`the label ${label} twice: ${line}`)
      if (label.startsWith("__")) throw new Error(`labels that begin with __ are Prometheus' own: ${line}`)
      at += label.length
      if (line.slice(at, at + 2) !== '="') throw new Error(`a label without a value: ${line}`)
      const [value, end] = quoted(line, at + 1)
      labels[label] = value
      at = end
      if (line[at] === ",") at++
      else if (line[at] !== "}") throw new Error(`neither comma nor brace at ${line.slice(at)}`)
    }
    at++
  }
  if (line[at] !== " ") throw new Error(`no space before the value: ${line}`)
  return { name, labels, value: numberOf(line.slice(at + 1)) }
}

const keyOf = (labels: Readonly<Record<string, string>>, except: string): string =>
  JSON.stringify(
    Object.entries(labels)
      .filter(([name]) => name !== except)
      .sort()
  )

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

/** A histogram's buckets are cumulative, end with +Inf, and agree with its count. */
const checkHistogram = (family: Family): void => {
  const series = new Map<string, Array<Sample>>()
  for (const sample of family.samples) {
    const key = keyOf(sample.labels, "le")
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const [key, samples] of series) {
    const buckets = samples.filter(({ name }) => name.endsWith("_bucket"))
    let bound = Number.NEGATIVE_INFINITY
    let count = 0
    for (const { labels, value } of buckets) {
      const next = numberOf(labels["le"] ?? "")
      if (!(next > bound)) throw new Error(`${family.name}${key}: buckets out of order`)
      if (value < count) throw new Error(`${family.name}${key}: buckets are not cumulative`)
      bound = next
      count = value
    }
    if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${family.name}${key}: no +Inf bucket`)
    const told = samples.filter(({ name }) => name.endsWith("_count"))
    const sums = samples.filter(({ name }) => name.endsWith("_sum"))
    if (told.length !== 1 || sums.length !== 1) throw new Error(`${family.name}${key}: not one count and one sum`)
    if (told[0]!.value !== count) throw new Error(`${family.name}${key}: count and +Inf differ`)
  }
}

const checkFamily = (family: Family): void => {
  const allowed = (suffixes[family.type] ?? [""]).map((suffix) => family.name + suffix)
  const seen = new Set<string>()
  for (const { labels, name, value } of family.samples) {
    if (!allowed.includes(name)) throw new Error(`${name} stands among ${family.name}`)
    const key = name + keyOf(labels, "")
    if (seen.has(key)) throw new Error(`${key} twice`)
    seen.add(key)
    if (family.type === "counter" && !(value >= 0)) throw new Error(`the counter ${key} is ${value}`)
  }
  if (family.type === "counter" && !family.name.endsWith("_total")) throw new Error(`${family.name} is a counter`)
  if (family.type !== "counter" && family.name.endsWith("_total")) throw new Error(`${family.name} is no counter`)
  if (family.type === "histogram") checkHistogram(family)
}

/** The families of a page, or an error that says what a scraper would not like. */
export const parse = (page: string): ReadonlyMap<string, Family> => {
  if (!page.endsWith("\n")) throw new Error("the last line does not end")
  const families = new Map<string, Family & { readonly samples: Array<Sample> }>()
  const helps = new Map<string, string>()
  let current: (Family & { readonly samples: Array<Sample> }) | undefined
  for (const line of page.slice(0, -1).split("\n")) {
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    const type = /^# TYPE (\S+) (\S+)$/.exec(line)
    if (help !== null) {
      if (helps.has(help[1]!)) throw new Error(`two HELP lines for ${help[1]}`)
      helps.set(help[1]!, help[2]!)
      current = undefined
    } else if (type !== null) {
      const name = type[1]!
      if (metricName.exec(name)?.[0] !== name) throw new Error(`${name} is no metric's name`)
      if (families.has(name)) throw new Error(`two TYPE lines for ${name}, or its samples are apart`)
      if (!types.includes(type[2]!)) throw new Error(`${type[2]} is no type`)
      if (!helps.has(name)) throw new Error(`no HELP before ${line}`)
      current = { name, type: type[2]!, help: helps.get(name)!, samples: [] }
      families.set(name, current)
    } else if (line.startsWith("#")) throw new Error(`neither HELP nor TYPE: ${line}`)
    else {
      const sample = sampleOf(line)
      if (current === undefined || !sample.name.startsWith(current.name)) throw new Error(`no TYPE before ${line}`)
      current.samples.push(sample)
    }
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

/** The value with exactly these labels. */
export const valueOf = (
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number | undefined => {
  const family = families.get(name) ?? families.get(name.replace(/_(sum|count|bucket)$/, ""))
  return family?.samples.find((one) => one.name === name && keyOf(one.labels, "") === keyOf(labels, ""))?.value
}
