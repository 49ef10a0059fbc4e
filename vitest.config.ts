/**
 * Two groups of tests: those that stay in the process, and those that use sockets,
 * processes or other people's programs. The latter run one file at a time, so that their
 * time limits mean something on a machine with two cores.
 */
import { defineConfig } from "vitest/config"

export default defineConfig({
  ssr: { resolve: { conditions: ["@effect-gearman/source", "module", "node", "development|production"] } },
  test: {
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: "inside",
          include: ["test/{unit,properties}/**/*.test.ts"],
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: "outside",
          include: ["test/{runtime,interop,parity}/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
