/**
 * Where metrics are written down as they are told: as Prometheus' text, or as a registry
 * for Effect's exporters. The text is written directly, for thousands of series at every
 * scrape cost a hundred times as much as metrics of Effect's own.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

export type Labels = Readonly<Record<string, string>>

/** A histogram as it is kept. */
export type Histogram = Metric.Metric.Metadata<number, Metric.HistogramState>

/** Takes the numbers of one moment; each series is told once. */
export interface Page {
  readonly gauge: (name: string, description: string, value: number, labels?: Labels) => void
  readonly total: (name: string, description: string, value: number, labels?: Labels) => void
  readonly histogram: (metadata: Histogram) => void
}

const escaped = /[\\"\n]/g

const escape = (text: string): string =>
  text.replace(escaped, (character) => (character === "\n" ? "\\n" : `\\${character}`))

const textOf = (labels: Labels | undefined, more = ""): string => {
  let text = ""
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escape(labels[name]!)}"`
  if (more !== "") text += text === "" ? more : `,${more}`
  return text === "" ? "" : `{${text}}`
}

/** Prometheus' text format 0.0.4. Families stand in the order in which they were first told. */
export class TextPage implements Page {
  private readonly families = new Map<string, Array<string>>()

  gauge(name: string, description: string, value: number, labels?: Labels): void {
    this.family(name, "gauge", description).push(`${name}${textOf(labels)} ${value}`)
  }

  total(name: string, description: string, value: number, labels?: Labels): void {
    this.family(name, "counter", description).push(`${name}${textOf(labels)} ${value}`)
  }

  histogram({ attributes, description, hooks, id }: Histogram): void {
    const { buckets, count, sum } = hooks.get(Context.empty())
    const lines = this.family(id, "histogram", description ?? id)
    for (const [bound, below] of buckets) lines.push(`${id}_bucket${textOf(attributes, `le="${bound}"`)} ${below}`)
    lines.push(`${id}_bucket${textOf(attributes, 'le="+Inf"')} ${count}`)
    lines.push(`${id}_sum${textOf(attributes)} ${sum}`, `${id}_count${textOf(attributes)} ${count}`)
  }

  private family(name: string, type: string, description: string): Array<string> {
    let lines = this.families.get(name)
    if (lines === undefined) {
      lines = [`# HELP ${name} ${description}`, `# TYPE ${name} ${type}`]
      this.families.set(name, lines)
    }
    return lines
  }

  get text(): string {
    return Array.from(this.families.values(), (lines) => `${lines.join("\n")}\n`).join("")
  }
}

/** Metrics of Effect's own. */
export class RegistryPage implements Page {
  private readonly context = Context.make(Metric.MetricRegistry, new Map())

  gauge(name: string, description: string, value: number, labels: Labels = {}): void {
    Metric.withAttributes(Metric.gauge(name, { description }), labels).updateUnsafe(value, this.context)
  }

  total(name: string, description: string, value: number, labels: Labels = {}): void {
    const counter = Metric.withAttributes(Metric.counter(name, { description, incremental: true }), labels)
    counter.updateUnsafe(value, this.context)
  }

  histogram(metadata: Histogram): void {
    this.registry.set(`${metadata.id} ${JSON.stringify(metadata.attributes)}`, metadata)
  }

  get registry(): Metric.MetricRegistry {
    return Context.get(this.context, Metric.MetricRegistry)
  }
}
