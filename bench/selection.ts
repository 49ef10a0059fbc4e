/**
 * `node bench/selection.ts`: how evenly, how steadily and how fast servers are chosen, by
 * the client's own way, by Effect's `HashRing` and by Perl's.
 */
import * as HashRing from "effect/HashRing"
import * as PrimaryKey from "effect/PrimaryKey"
import * as ServerSelection from "../src/protocol/ServerSelection.ts"
import { markdown } from "./support/report.ts"

const keyCount = 100_000
const keys = Array.from({ length: keyCount }, (_, index) => `photo-${index}.jpg`)

/** Addresses as a fleet has them. */
const fleet = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `10.${index % 3}.${(index * 37) % 251}.${10 + index}:4730`)

/** A way of choosing: for a list of servers, the server of each key. */
type Way = (servers: ReadonlyArray<string>) => (key: string) => string

const bySelection =
  (selection: ServerSelection.ServerSelection): Way =>
  (servers) => {
    const choose = selection.prepare(servers)
    return (key) => servers[choose({ function: "resize", key })![0]!]!
  }

const byRing: Way = (servers) => {
  const ring = HashRing.make<{ readonly name: string; [PrimaryKey.symbol](): string }>()
  HashRing.addMany(
    ring,
    servers.map((name) => ({ name, [PrimaryKey.symbol]: () => name }))
  )
  return (key) => HashRing.get(ring, `resize\0${key}`)!.name
}

const ways: ReadonlyArray<readonly [string, Way]> = [
  ["rendezvous (default)", bySelection(ServerSelection.rendezvous)],
  ["Effect's HashRing", byRing],
  ["modulo (Perl's)", bySelection(ServerSelection.modulo)]
]

const rows = [3, 5, 10, 20, 50].flatMap((count) =>
  ways.map(([name, way]) => {
    const servers = fleet(count)
    const choose = way(servers)
    const hits = new Map(servers.map((server) => [server, 0]))
    const before = performance.now()
    for (const key of keys) choose(key)
    const nanoseconds = ((performance.now() - before) * 1e6) / keyCount
    for (const key of keys) hits.set(choose(key), hits.get(choose(key))! + 1)
    const lost = servers[1]!
    const without = way(servers.filter((server) => server !== lost))
    const moved = keys.filter((key) => choose(key) !== lost && without(key) !== choose(key)).length
    return [
      `${count} servers, ${name}`,
      (Math.max(...hits.values()) / Math.min(...hits.values())).toFixed(2),
      `${((100 * moved) / keyCount).toFixed(1)} %`,
      nanoseconds.toFixed(0)
    ]
  })
)

process.stdout.write(
  markdown({
    title: `Choosing a server for ${keyCount.toLocaleString("en-US")} uniques`,
    columns: ["", "most / fewest keys", "moved needlessly when one is lost", "ns per choice"],
    rows
  })
)
