/** What `npm run sim` understands, and what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import { type Arguments, readArguments } from "../../../src/sim/cli/arguments.ts"

const read = (line: string) => readArguments(line.split(" ").filter((word) => word !== ""))

describe("arguments of a simulation", () => {
  const understood: { readonly [line: string]: Partial<Arguments> } = {
    "": { mode: undefined },
    "--json": { mode: undefined, json: true },
    "--seed 0 --trace": { mode: "seed", seed: 0, trace: true },
    "--seeds 5 --from 7 --once": { mode: "seeds", seeds: 5, from: 7, once: true },
    "--seeds 5 --seconds 3": { mode: "seeds", seeds: 5, seconds: 3 },
    "--seconds 60 --write --json": { mode: "seconds", seconds: 60, write: true, json: true },
    "--pairs 5 --seconds 3 --node n": { mode: "pairs", pairs: 5, seconds: 3, node: "n" },
    "--mutant x --replay f": { mode: "mutant", mutant: "x", replay: "f" },
    "--mutant x --seed 3": { mode: "mutant", mutant: "x", seed: 3 },
    "--mutants --limit 3 --seeds 9": { mode: "mutants", limit: 3, seeds: 9 }
  }
  for (const [line, expected] of Object.entries(understood)) {
    it(`${line === "" ? "none" : line} is understood`, () => {
      const values = read(line)
      assert.notInstanceOf(values, Error)
      assert.deepInclude(values, expected)
    })
  }

  const refused: { readonly [line: string]: string } = {
    "--seed 1.5": '--seed takes a whole number, not "1.5"',
    "--seed -3": "argument",
    "--seed 99999999999999999999": '--seed takes a whole number, not "99999999999999999999"',
    "--pairs 0": "--pairs takes a number from 1 on",
    "--seed 3 --seeds 4": "--seed and --seeds are two things to run; say one",
    "--replay f --seed 3": "--replay and --seed are two things to run; say one",
    "--seed 3 --write": "--write changes nothing about --seed",
    "--pairs 3 --save f": "--save changes nothing about --pairs",
    "--seeds 3 --node f": "--node changes nothing about --seeds",
    "--canaries --from 3": "--from changes nothing about --canaries",
    "--trace": "--trace runs nothing by itself: it goes with --seed or --replay",
    "--hours 3 --json": "--hours runs nothing by itself: it goes with --day",
    "--mutant x --trace": "--trace changes nothing about --mutant",
    "more --seed 3": "Unexpected argument 'more'"
  }
  for (const [line, expected] of Object.entries(refused)) {
    it(`${line} is refused`, () => {
      const values = read(line)
      assert.instanceOf(values, Error)
      assert.include((values as Error).message, expected)
    })
  }
})
