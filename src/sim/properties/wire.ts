/**
 * What a server does about bytes that make no sense, and about who asks for more than it
 * takes: properties 55 and 57.
 *
 * @since 0.1.0
 */
import { sideOf } from "./History.ts"
import { type Property, Violation } from "./Property.ts"

/**
 * A packet over the limit is answered by ERROR, and all that is wrong ends the connection,
 * once what came before is answered: the server learns of it within the same step. `unsentMax` is how much may wait for a
 * connection that only asks, since the server does not read on meanwhile.
 *
 * @since 0.1.0
 * @category properties
 */
export const wire = (unsentMax: number): Property => {
  const refused = new Set<number>()
  /** Connections that have said nonsense in this step. */
  const nonsense = new Set<string>()
  return {
    name: "wire",
    closed: (server, { awaiting, id }) => {
      if (nonsense.delete(`${server.node} ${id}`) && awaiting.length > 0)
        throw new Violation(15, `${server.node} ends connection ${id} and owes ${awaiting.length} answers of before`)
    },
    observe: ({ event }) => {
      if (event._tag === "Malformed") {
        nonsense.add(`${event.node} ${event.connection}`)
        const isTooLarge = event.problem.startsWith("the packet") && event.problem.includes("the limit is")
        if (isTooLarge && sideOf(event.node) === "servers") refused.add(event.connection)
      } else if (event._tag === "Packet" && event.name === "ERROR" && event.fields[0] === "ARGUMENT_TOO_LARGE")
        refused.delete(event.connection)
      else if (event._tag === "Closed") refused.delete(event.connection)
      else if (event._tag === "Waiting" && event.bytes > unsentMax)
        throw new Violation(
          57,
          `${event.node} has ${event.bytes} bytes for connection ${event.connection}, and read on`
        )
    },
    afterStep: () => {
      for (const connection of refused)
        throw new Violation(55, `a packet over the limit came over connection ${connection}, and was not refused`)
    }
  }
}
