/**
 * The programs of other people that ours is tested with: which of them this machine
 * has, in which version, and what to install where one is missing. In CI a missing peer
 * is a failure; elsewhere one line tells what was left out.
 */
import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"

interface Peer {
  readonly title: string
  /** Prints the version, and fails where the peer is missing. */
  readonly probe: readonly [command: string, ...args: ReadonlyArray<string>]
  readonly install: string
}

// The tools do not tell their version; Debian does.
const installed = (command: string): readonly [string, ...Array<string>] => [
  "sh",
  "-c",
  `command -v ${command} >/dev/null && { dpkg-query -W -f '\${Version}' gearman-tools 2>/dev/null || true; }`
]

export const peers = {
  gearmand: { title: "gearmand", probe: ["gearmand", "--version"], install: "gearman-job-server" },
  gearman: { title: "gearman (tool)", probe: installed("gearman"), install: "gearman-tools" },
  gearadmin: { title: "gearadmin", probe: installed("gearadmin"), install: "gearman-tools" },
  libgearman: {
    title: "libgearman (C)",
    probe: ["sh", "-c", "command -v cc >/dev/null && pkg-config --modversion gearmand"],
    install: "libgearman-dev gcc pkg-config"
  },
  perl: {
    title: "Perl Gearman::Client, ::Worker",
    probe: ["perl", "-MGearman::Client", "-MGearman::Worker", "-e", "print $Gearman::Client::VERSION"],
    install: "libgearman-client-perl"
  },
  php: {
    title: "PHP gearman extension",
    probe: ["php", "-r", "extension_loaded('gearman') ? print(phpversion('gearman')) : exit(1);"],
    install: "php-gearman php-cli"
  }
} satisfies Record<string, Peer>

export type PeerName = keyof typeof peers

const versions = new Map<PeerName, string | undefined>()

/** The peer's version, or `undefined` when it is not installed. */
export const versionOf = (name: PeerName): string | undefined => {
  if (!versions.has(name)) {
    const [command, ...args] = peers[name].probe
    let version: string | undefined
    try {
      const output = execFileSync(command, args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 10_000
      })
      version = /\d+(?:\.\d+)+(?:\+\w+)?/.exec(output)?.[0] ?? "unknown version"
    } catch {
      version = undefined
    }
    versions.set(name, version)
  }
  return versions.get(name)
}

/** A suite that needs peers. */
export const describeWith = (names: ReadonlyArray<PeerName>, title: string, suite: () => void): void => {
  const missing = names.filter((name) => versionOf(name) === undefined)
  if (missing.length === 0) {
    describe(title, suite)
    return
  }
  const packages = missing.map((name) => peers[name].install).join(" ")
  const notice = `left out: ${missing.map((name) => peers[name].title).join(", ")} missing; apt-get install -y ${packages}`
  describe(title, () => {
    it(notice, () => assert.notStrictEqual(process.env.CI, "true", notice))
  })
}
