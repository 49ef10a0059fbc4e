/**
 * Runs of one trouble with real processes on loopback, one after the other: two job servers
 * and two workers, killed with SIGKILL, stopped with SIGSTOP, or cut off by a proxy.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { connect } from "../../src/promise/index.ts"
import { Proxy } from "./Proxy.ts"
import { type Ended, functions, plan, type Run, type Trouble } from "./trouble.ts"

const root = join(import.meta.dirname, "../..")

const start = (file: string, args: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [join(root, file), ...args], { stdio: ["ignore", "pipe", "ignore"] })

const kill = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

/** Starts a job server and waits until it listens. */
const startServer = async (port: number): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
  const child = start("src/runtime/main.ts", ["server", "--port", String(port)])
  for await (const line of createInterface({ input: child.stdout! })) {
    const match = /listening on .*:(\d+)/.exec(line)
    if (match !== null) return { child, port: Number(match[1]) }
  }
  throw new Error("the job server ended before it listened")
}

export const runReal = async (trouble: Trouble, count: number): Promise<ReadonlyArray<Run>> => {
  const servers = [await startServer(0), await startServer(0)]
  const proxies = servers.map(({ port }) => new Proxy(port))
  const ways = await Promise.all(proxies.map((proxy) => proxy.listen()))
  let executions = 0
  const startWorker = () => {
    const child = start(
      "bench/failures/worker.ts",
      servers.map(({ port }) => `127.0.0.1:${port}`)
    )
    createInterface({ input: child.stdout! }).on("line", () => executions++)
    return child
  }
  const workers = [startWorker(), startWorker()]

  const crashServers = async (indexes: ReadonlyArray<number>, downMillis: number) => {
    await Promise.all(indexes.map((index) => kill(servers[index]!.child)))
    await sleep(downMillis)
    for (const index of indexes) servers[index] = await startServer(servers[index]!.port)
  }

  const makeTrouble = async (): Promise<void> => {
    switch (trouble) {
      case "crash of a server":
        return crashServers([0], 2000)
      case "all servers down and back":
        return crashServers([0, 1], 2000)
      case "crash of a worker":
        await kill(workers[0]!)
        workers[0] = startWorker()
        return
      case "partition":
        proxies[0]!.silence()
        await sleep(7000)
        return proxies[0]!.heal()
      case "half-open connection":
        servers[0]!.child.kill("SIGSTOP")
        await sleep(8000)
        servers[0]!.child.kill("SIGCONT")
        return
      case "slow server":
        proxies[0]!.slow(400)
        await sleep(3000)
        return proxies[0]!.heal()
    }
  }

  const runOnce = async (round: number): Promise<Run> => {
    const client = connect({ servers: ways.map((port) => `127.0.0.1:${port}`), noServerTimeout: "1 minute" })
    // What processes need to get going is no part of what is measured.
    await client.run(functions.safe, `${round} first`)
    executions = 0
    const call = async (index: number): Promise<Ended> => {
      await sleep(index * (plan.everyMillis / 2))
      const isIdempotent = index % 2 === 0
      const before = performance.now()
      const outcome = await client.run(isIdempotent ? functions.safe : functions.risky, `${round} ${index}`).then(
        () => "done",
        (error: { readonly reason: { readonly _tag: string } }) => error.reason._tag
      )
      return { isIdempotent, outcome, tookMillis: performance.now() - before }
    }
    const calls = Promise.all(Array.from({ length: 2 * plan.jobs }, (_, index) => call(index)))
    await sleep(plan.troubleAtMillis)
    await makeTrouble()
    const ended = await calls
    await client.close()
    return { trouble, ended, executions }
  }

  try {
    const runs: Array<Run> = []
    for (let round = 0; round < count; round++) {
      runs.push(await runOnce(round))
      process.stderr.write(`${trouble}: ${round + 1} of ${count}\n`)
      await sleep(500)
    }
    return runs
  } finally {
    for (const proxy of proxies) proxy.close()
    await Promise.all([...servers.map(({ child }) => kill(child)), ...workers.map(kill)])
  }
}
