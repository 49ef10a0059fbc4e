/** Runs tests with the mistake planted that the environment names. */
import { defineConfig } from "vitest/config"
import { plant } from "../../../../src/sim/mutants/Mutant.ts"
import { mistakes } from "./mistakes.ts"

const mistake = mistakes.find(({ id }) => id === process.env["PLANTED"])

export default defineConfig({
  root: new URL("../../../../", import.meta.url).pathname,
  ssr: { resolve: { conditions: ["@effect-gearman/source", "module", "node", "development|production"] } },
  plugins: [
    {
      name: "plant",
      enforce: "pre",
      transform(source, id) {
        if (mistake === undefined || !id.endsWith(`/${mistake.file}`)) return undefined
        const planted = plant(mistake, source)
        if (planted instanceof Error) throw planted
        return planted
      }
    }
  ],
  // A planted source must never be taken for the real one by a later run, nor the other way round.
  test: { fsModuleCache: false, include: ["test/unit/sim/*.test.ts"], maxWorkers: 1, testTimeout: 20_000 }
})
