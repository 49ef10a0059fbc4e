/**
 * Makes a failing run small: fewer machines, callers, faults and oddities, and dull choices
 * wherever they will do. Each step is run, and kept only if the same property fails and the
 * run is smaller.
 *
 * @since 0.1.0
 */
import { Choices, type Record } from "../Choice.ts"
import { compact } from "../scenario/plain.ts"
import { type Outcome, simulate } from "../scenario/run.ts"
import type { Scenario } from "../scenario/Scenario.ts"
import { cpuSeconds } from "./campaign.ts"
import { choiceCount, failureOf, type Finding, fromOutcome } from "./Finding.ts"
import { type Cut, fewerMachines, healedEarly, isFair, kindsOfParts, type Parts, smallerNumbers } from "./smaller.ts"

/**
 * How long shrinking may take; it gives the smallest run it has found by then.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShrinkOptions {
  readonly cpuSecondsMax: number
}

/** So many characters of a scenario are as good as one packet less. */
const charactersAPacket = 15

/** A run that has not failed after so many times the steps will not. */
const stepsFactor = 3
const stepsMore = 2000

/** The steps that trying one smaller scenario may take, all attempts together. */
const stepsAScenario = 6000

/** One run in this many is tried for other luck with the last scenario. */
const lastSeeds = 100

class Shrinking {
  best: Finding
  private weight: number
  private steps: number
  private packets: number
  /** What was fair stays so. */
  private readonly isFair: boolean
  private readonly endsAt: number
  private readonly scenariosUntil: number

  constructor(finding: Finding, cpuSecondsMax: number) {
    const begun = cpuSeconds()
    this.best = finding
    this.isFair = isFair(finding.scenario)
    this.endsAt = begun + cpuSecondsMax
    // The last part is for the choices.
    this.scenariosUntil = begun + cpuSecondsMax * 0.7
    const outcome = simulate(finding.scenario, Choices.replayed(finding.choices))
    this.steps = outcome.steps
    this.packets = outcome.packets
    this.weight = weightOf(outcome)
  }

  private isOver(until: number): boolean {
    return cpuSeconds() >= until
  }

  private run(scenario: Scenario, choices: Choices): Outcome {
    return simulate(scenario, choices, { abandonAfterSteps: this.steps * stepsFactor + stepsMore })
  }

  private keep(outcome: Outcome): void {
    this.best = fromOutcome(outcome)
    this.weight = weightOf(outcome)
    this.steps = outcome.steps
    this.packets = outcome.packets
  }

  /** Keeps a run if it fails in the same way and is smaller. */
  private try(scenario: Scenario, choices: Choices): number {
    const outcome = this.run(scenario, choices)
    if (failureOf(outcome.failure) !== this.best.failure || weightOf(outcome) >= this.weight) return outcome.steps
    this.keep(outcome)
    return 0
  }

  /** A smaller scenario may need other luck. */
  private tryScenario(smaller: Scenario): boolean {
    const scenario = healedEarly(smaller)
    if (this.isFair && !isFair(scenario)) return false
    let seed = scenario.seed
    const attempts = function* (choices: Record) {
      yield Choices.replayed(choices)
      yield Choices.replayed({})
      for (;;) yield Choices.seeded(seed++)
    }
    let left = stepsAScenario
    for (const choices of attempts(this.best.choices)) {
      const steps = this.try(scenario, choices)
      if (steps === 0) return true
      // Whatever fails at once fails always.
      left -= steps + 300
      if (left <= 0 || this.isOver(this.scenariosUntil)) return false
    }
    return false
  }

  /** Leaves out halves, then quarters, and so on to single ones. */
  private parts(kind: Parts): void {
    for (let size = kind.count(this.best.scenario); size >= 1; size = Math.floor(size / 2)) {
      let from = 0
      while (from < kind.count(this.best.scenario) && !this.isOver(this.scenariosUntil)) {
        const first = from
        const isSmaller = this.tryScenario(
          kind.without(this.best.scenario, (index) => index >= first && index < first + size)
        )
        if (!isSmaller) from += size
      }
    }
  }

  private cuts(list: (scenario: Scenario) => ReadonlyArray<Cut>): void {
    for (let found = true; found;) {
      found = list(this.best.scenario).some(
        (cut) => !this.isOver(this.scenariosUntil) && this.tryScenario(cut(this.best.scenario))
      )
    }
  }

  scenarios(): void {
    for (let before = Infinity; this.weight < before;) {
      before = this.weight
      for (const kind of kindsOfParts) {
        this.parts(kind)
        this.cuts(fewerMachines)
      }
      this.choices()
      if (this.isOver(this.scenariosUntil)) return
      if (this.weight === before) this.cuts(smallerNumbers)
    }
  }

  /** The smallest of many runs of the scenario as it is now. */
  luck(): void {
    for (let seed = 0; seed < lastSeeds && !this.isOver(this.endsAt); seed++) {
      this.try(this.best.scenario, Choices.seeded(seed))
    }
  }

  /** Leaves out choices of all labels together, as `parts` does with parts. */
  choices(): void {
    // Other choices may take a little longer until they fail; all of them together not much.
    const packetsMax = this.packets * 1.1
    let answers = answersOf(this.best.choices)
    for (let size = answers.length; size >= 1; size = Math.floor(size / 2)) {
      let from = 0
      while (from < answers.length && !this.isOver(this.endsAt)) {
        const fewer = [...answers.slice(0, from), ...answers.slice(from + size)]
        const outcome = this.run(this.best.scenario, Choices.replayed(recordOf(fewer)))
        const isSame = failureOf(outcome.failure) === this.best.failure && outcome.packets <= packetsMax
        if (isSame && choiceCount(outcome.record) < answers.length) {
          this.keep(outcome)
          answers = answersOf(outcome.record)
        } else from += size
      }
    }
  }
}

const weightOf = ({ packets, scenario }: Outcome): number =>
  packets + JSON.stringify(compact(scenario)).length / charactersAPacket

type Answer = readonly [label: string, asked: number, value: number]

const answersOf = (record: Record): ReadonlyArray<Answer> =>
  Object.entries(record).flatMap(([label, list]) =>
    Array.from({ length: list.length / 2 }, (_, index): Answer => [label, list[2 * index]!, list[2 * index + 1]!])
  )

const recordOf = (answers: ReadonlyArray<Answer>): Record => {
  const record: { [label: string]: Array<number> } = {}
  for (const [label, asked, value] of answers) (record[label] ??= []).push(asked, value)
  return record
}

/**
 * The smallest run found that fails as the given one does.
 *
 * @since 0.1.0
 * @category running
 */
export const shrink = (finding: Finding, options: ShrinkOptions = { cpuSecondsMax: 10 }): Finding => {
  const shrinking = new Shrinking(finding, options.cpuSecondsMax)
  shrinking.scenarios()
  shrinking.luck()
  shrinking.choices()
  return shrinking.best
}
