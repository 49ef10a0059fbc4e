/**
 * Whose turn it is among the functions of a connection that can do very many: an order of
 * those that may have work, kept from one grab to the next. What has got work since is put
 * in, what has none or has had its turn meanwhile is seen when it comes first; so nobody
 * has to tell each connection of each job.
 *
 * @since 0.1.0
 */
import { Deadlines, type Timed } from "./Deadlines.ts"
import type { Fifo } from "./Fifo.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Priority } from "./Job.ts"
import type { JobQueue } from "./JobQueue.ts"
import type { Ability } from "./Session.ts"

/** An ability in the order, which is that of deadlines: the lowest comes first. */
class Place implements Timed {
  readonly ability: Ability
  readonly number: number
  /** The ability's turn when it was put there. Turns only grow: it may come too early, never too late. */
  dueMillis = 0
  heapIndex = -1

  constructor(ability: Ability) {
    this.ability = ability
    this.number = ability.function.number
  }
}

/**
 * The order for one connection and one priority. It holds for as long as the connection's
 * abilities stay the same.
 *
 * @since 0.1.0
 * @category models
 */
export class Turns {
  private readonly priority: Priority
  private readonly places = new Map<ServerFunction, Place>()
  private readonly order = new Deadlines<Place>()
  /** Queues that got work after this have not been looked at. */
  private seen = 0

  constructor(priority: Priority) {
    this.priority = priority
  }

  /** The ability whose turn it is, of those with work. `working` are the queues with work, the newest last. */
  next(abilities: ReadonlyMap<ServerFunction, Ability>, working: Fifo<JobQueue>): Ability | undefined {
    this.catchUp(abilities, working)
    let place: Place | undefined
    while ((place = this.order.first) !== undefined) {
      const { ability } = place
      if (!this.hasWork(ability)) this.order.clear(place)
      else if (ability.turn !== place.dueMillis) this.order.set(place, ability.turn)
      else return ability
    }
    return undefined
  }

  private hasWork(ability: Ability): boolean {
    return ability.function.queues[this.priority].size > 0
  }

  private catchUp(abilities: ReadonlyMap<ServerFunction, Ability>, working: Fifo<JobQueue>): void {
    const { seen } = this
    this.seen = Math.max(seen, working.last?.workingSince ?? 0)
    let left = abilities.size
    for (let queue = working.last; queue !== undefined && queue.workingSince > seen; queue = queue.previous) {
      // Of all that have got work, few may be this connection's: no more are looked at than it can do.
      if (left-- === 0) return this.lookAtAll(abilities)
      const ability = abilities.get(queue.function)
      if (ability !== undefined) this.put(ability)
    }
  }

  private lookAtAll(abilities: ReadonlyMap<ServerFunction, Ability>): void {
    for (const ability of abilities.values()) if (this.hasWork(ability)) this.put(ability)
  }

  private put(ability: Ability): void {
    let place = this.places.get(ability.function)
    if (place === undefined) {
      place = new Place(ability)
      this.places.set(ability.function, place)
    }
    if (place.heapIndex === -1) this.order.set(place, ability.turn)
  }
}
