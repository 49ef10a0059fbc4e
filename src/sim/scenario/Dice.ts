/**
 * Draws what a scenario is made of.
 *
 * @since 0.1.0
 */
import { Generator } from "../Choice.ts"

/**
 * @since 0.1.0
 * @category models
 */
export class Dice {
  private readonly generator: Generator

  constructor(seed: number) {
    this.generator = new Generator(seed)
  }

  below(n: number): number {
    return this.generator.below(n)
  }

  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  of<A>(list: ReadonlyArray<A>): A {
    return list[this.below(list.length)]!
  }

  some<A>(list: ReadonlyArray<A>, chance: number): ReadonlyArray<A> {
    return list.filter(() => this.below(100) < chance)
  }
}
