/**
 * `npm run build`: dist/ as it is published, modules with their declarations and bundled
 * commands. Given a folder, it builds there and leaves dist/ alone.
 */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { bundle } from "./bundle.ts"

const root = join(import.meta.dirname, "..")

const folder = resolve(process.argv[2] ?? join(root, "dist"))

rmSync(folder, { recursive: true, force: true })

const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], { cwd: root, stdio: "inherit" })
if (status !== 0) {
  process.exit(status ?? 1)
}
await bundle(["effect-gearman", "gearmand"], join(folder, "bin"))
