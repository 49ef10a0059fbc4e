/**
 * Faults, each as something that begins and gives back how it heals.
 *
 * @since 0.1.0
 */
import { Broken, type Endpoint } from "../network/Endpoint.ts"
import type { World } from "../World.ts"
import type { Fault } from "./Scenario.ts"

/**
 * How a node's program is started again, or told to stop.
 *
 * @since 0.1.0
 * @category models
 */
export interface Power {
  readonly restart: (node: string) => void
  readonly stop: (node: string) => void
  /** Tells a job server to end when it has done what it has. */
  readonly drain?: ((node: string) => void) | undefined
}

const nothing = () => {}

const betweenBoth = (world: World, one: string, other: string) => [
  world.network.link(one, other),
  world.network.link(other, one)
]

/** Also where one of them waits to be accepted, and no program has seen it yet. */
const breakBoth = (endpoint: Endpoint, cause: Broken): void => {
  endpoint.break(cause)
  endpoint.peer.break(cause)
}

/** A connection that gets nothing through for long is given up by both its ends. */
const giveUpBetween = (world: World, one: string, other: string): void => {
  const { kernel, network } = world
  kernel.timer(kernel.world, network.options.giveUpAfterMillis, () => {
    if (!betweenBoth(world, one, other).some((link) => link.blocks > 0)) return
    // One end may have been closed in vain, and the other still wait to be accepted.
    const ends = [...network.hosts.values()].flatMap(({ endpoints }) => endpoints.filter(({ closed }) => !closed))
    for (const endpoint of ends) {
      if (isBetween(endpoint.host, endpoint.peer.host, one, other)) {
        breakBoth(endpoint, new Broken("ETIMEDOUT", "nothing was acknowledged"))
      }
    }
  })
}

const isBetween = (host: string, peer: string, one: string, other: string): boolean =>
  (host === one && peer === other) || (host === other && peer === one)

/** Blocks links one after the other, `stepMillis` apart, and opens them in the opposite order. */
const blockAll = (world: World, node: string, stepMillis: number): (() => void) => {
  const others = [...world.network.hosts.keys()].filter((name) => name !== node)
  const heals = others.map((other, index) => {
    const links = betweenBoth(world, node, other)
    let blocked = false
    let healed = false
    world.kernel.timer(world.kernel.world, index * stepMillis, () => {
      if (healed) return
      blocked = true
      for (const link of links) link.block()
      giveUpBetween(world, node, other)
    })
    return () => {
      healed = true
      if (blocked) for (const link of links) link.unblock()
    }
  })
  return () => {
    for (const heal of heals.reverse()) heal()
  }
}

/**
 * Begins a fault; the result ends it.
 *
 * @since 0.1.0
 * @category running
 */
export const begin = (world: World, fault: Fault, power: Power): (() => void) => {
  const { amount, node: name, peer } = fault
  const node = world.node(name)
  const host = world.network.host(name)
  const counted = (key: "refuses" | "swallows" | "nameless") => {
    host[key]++
    return () => {
      host[key]--
    }
  }
  switch (fault.kind) {
    case "crash":
      node.crash()
      return () => power.restart(name)
    case "power":
      node.losePower()
      return () => power.restart(name)
    case "restart":
      power.stop(name)
      return () => power.restart(name)
    case "drain":
      power.drain?.(name)
      return () => {
        if (node.state === "running") power.stop(name)
        power.restart(name)
      }
    case "pause": {
      const { incarnation } = node
      node.pause()
      return () => {
        if (node.incarnation === incarnation) node.resume()
      }
    }
    case "partition": {
      const links = betweenBoth(world, name, peer)
      for (const link of links) link.block()
      giveUpBetween(world, name, peer)
      return () => {
        for (const link of links) link.unblock()
      }
    }
    case "oneway": {
      const link = world.network.link(name, peer)
      link.block()
      giveUpBetween(world, name, peer)
      return () => link.unblock()
    }
    case "isolate":
      return blockAll(world, name, 0)
    case "swizzle":
      return blockAll(world, name, amount)
    case "reset":
      for (const endpoint of world.network.openEndpoints()) {
        if (isBetween(endpoint.host, endpoint.peer.host, name, peer)) {
          breakBoth(endpoint, new Broken("ECONNRESET", "the connection was reset on the way"))
        }
      }
      return nothing
    case "delay": {
      const links = betweenBoth(world, name, peer)
      for (const link of links) link.extraDelayMillis += amount
      return () => {
        for (const link of links) link.extraDelayMillis -= amount
      }
    }
    case "slow": {
      const endpoints = host.endpoints.filter((endpoint) => !endpoint.closed)
      for (const endpoint of endpoints) endpoint.stalls++
      return () => {
        for (const endpoint of endpoints) {
          endpoint.stalls--
          if (endpoint.hasNews()) endpoint.notifyReadable()
        }
      }
    }
    case "refuse":
      return counted("refuses")
    case "hang":
      return counted("swallows")
    case "nameless":
      return counted("nameless")
    case "jump":
      node.clock.skewMillis += amount
      return nothing
    case "drift":
      node.clock.drift(world.kernel.now, amount)
      return () => node.clock.drift(world.kernel.now, 0)
  }
}
