/**
 * `npm run lockfile`: brings package-lock.json up to date with package.json.
 *
 * npm leaves an optional package out of the lockfile when the registry at hand does not
 * have it, as is so with builds for other platforms, and then its own `npm ci` refuses the
 * lockfile as incomplete. So the entries that are left out are written here, without a
 * hash. They have their platform from their names.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

interface Entry {
  readonly version?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Record<string, string>
}

const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"]
const processors = { "arm-eabi": "arm", "arm-gnueabihf": "arm", "arm-musleabihf": "arm" }
const root = join(import.meta.dirname, "..")
const file = join(root, "package-lock.json")

const platformOf = (name: string) => {
  const [system, ...rest] = name.slice(name.search(new RegExp(`\\b(${systems.join("|")})-`))).split("-")
  const build = rest.join("-")
  const cpu = processors[build as keyof typeof processors] ?? rest[0]
  const libc = build.includes("musl") ? ["musl"] : build.includes("gnu") ? ["glibc"] : undefined
  return { cpu: [cpu], ...(libc && { libc }), os: [system] }
}

const { status } = spawnSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], {
  cwd: root,
  stdio: "inherit"
})
if (status !== 0) {
  process.exit(status ?? 1)
}

const lockfile: { packages: Record<string, Entry> } = JSON.parse(readFileSync(file, "utf8"))
const packages = lockfile.packages
for (const { dev, optionalDependencies = {} } of Object.values(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    packages[`node_modules/${name}`] ??= { version, ...platformOf(name), ...(dev && { dev }), optional: true } as Entry
  }
}
const sorted = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify({ ...lockfile, packages: sorted }, undefined, 2)}\n`)
