/** Mistakes of the simulator itself and of what judges, and the tests that notice each. */
import type { Mutant } from "../../../../src/sim/mutants/Mutant.ts"

/** A planted mistake, and the file of tests in `test/unit/sim` that must fail with it. */
export interface Mistake extends Pick<Mutant, "id" | "title" | "file" | "find" | "replace"> {
  readonly noticedBy: string
  /** A part of the name of the test that must be among those that fail. */
  readonly test: string
}

export const mistakes: ReadonlyArray<Mistake> = [
  {
    id: "requeue-ignored",
    title: "Whoever had a job stays its owner although his connection is gone",
    file: "src/sim/properties/assignment.ts",
    find: `|| owner === undefined || !owner.open) return`,
    replace: `|| owner === undefined) return`,
    noticedBy: "properties.test.ts",
    test: "accept"
  },
  {
    id: "half-healed",
    title: "A healed partition stays in one direction",
    file: "src/sim/scenario/faults.ts",
    find: `      return () => {
        for (const link of links) link.unblock()
      }
    }
    case "oneway": {`,
    replace: `      return () => links[0]!.unblock()
    }
    case "oneway": {`,
    noticedBy: "network.test.ts",
    test: "arrives once it is whole again"
  },
  {
    id: "clock-goes-back",
    title: "A machine's clock begins anew when its program does",
    file: "src/sim/Node.ts",
    find: `    this.incarnation = incarnation
    this.state = "running"`,
    replace: `    this.incarnation = incarnation
    Object.assign(this.clock, new ClockState())
    this.state = "running"`,
    noticedBy: "kernel.test.ts",
    test: "also across a crash"
  },
  {
    id: "delivered-after-close",
    title: "A program that has let go of a connection is told of what comes all the same",
    file: "src/sim/network/Endpoint.ts",
    find: `    this.tap.closed(this)
    this.onReadable = undefined
    this.onWritable = undefined
    if (this.broken`,
    replace: `    this.tap.closed(this)
    if (this.broken`,
    noticedBy: "network.test.ts",
    test: "hears nothing more of it"
  },
  {
    id: "finalized-by-crash",
    title: "A crash runs finalizers",
    file: "src/sim/Node.ts",
    find: `if (this.isUp) this.finish("crashed")`,
    replace: `if (this.isUp) this.stop()`,
    noticedBy: "kernel.test.ts",
    test: "a crash runs no finalizer"
  },
  {
    id: "labels-in-another-order",
    title: "Every second run asks for its choices in another order",
    file: "src/sim/Kernel.ts",
    find: "    this.choices = choices\n",
    replace: `    this.choices = choices
    const all = globalThis as { kernels?: number }
    all.kernels = (all.kernels ?? 0) + 1
    for (const label of all.kernels % 2 === 0 ? ["hurry", "run"] : ["run", "hurry"]) choices.choose(label, 2)
`,
    noticedBy: "world.test.ts",
    test: "gives one seed one trace"
  },
  {
    id: "ready-by-identity",
    title: "The order of ready tasks depends on which objects they are: numbers that go on from run to run",
    file: "src/sim/Kernel.ts",
    find: "    const task = ready[index]!\n",
    replace: `    const all = globalThis as { objects?: number }
    all.objects = (all.objects ?? 0) + 1
    if (all.objects % 7 === 0) ready.reverse()
    const task = ready[index]!
`,
    noticedBy: "world.test.ts",
    test: "gives one seed one trace"
  },
  {
    id: "results-go-on",
    title: "Handlers count their results from run to run: all is decided alike, and other bytes are sent",
    file: "src/sim/scenario/functions.ts",
    find: "} by ${execution}`",
    replace:
      "} by ${((globalThis as { results?: number }).results = ((globalThis as { results?: number }).results ?? 0) + 1)}`",
    noticedBy: "findings.test.ts",
    test: "replays as the run it was made of"
  }
]
