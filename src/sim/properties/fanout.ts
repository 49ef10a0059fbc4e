/**
 * What listeners hear: properties 5 to 7, 11, 16, 18, 44.
 *
 * @since 0.1.0
 */
import type { PacketEvent } from "./History.ts"
import { type Property, Violation } from "./Property.ts"
import type { ModelConnection, ServerModel } from "./ServerModel.ts"

interface Due {
  readonly server: ServerModel
  readonly connection: ModelConnection
  readonly text: string
  /** The server may drop it, as what a worker says after its time is over. */
  readonly isOptional: boolean
}

const textOf = (packet: PacketEvent, name: string): string =>
  [name, ...(name === packet.name ? packet.fields : packet.fields.slice(0, 1))].join(" ")

/**
 * @since 0.1.0
 * @category properties
 */
export const fanout = (): Property => {
  /** What the server still has to forward within this step, oldest first. */
  const due: Array<Due> = []
  return {
    name: "fanout",
    worked: (server, connection, job, packet) => {
      if (job === undefined) return
      const isLate = server.mayEndLate(job, connection, packet)
      if (job.owner !== connection && !isLate) return
      // With no attempt left, a job that is over its time has failed before its result came.
      const endsLate = packet.name !== "WORK_COMPLETE" || job.attempts >= server.attemptsMax
      const isOptional = isLate || (endsLate && server.mayBeTimedOut(job))
      for (const listener of job.listeners) {
        const isHidden = packet.name === "WORK_EXCEPTION" && !listener.exceptions
        due.push({
          server,
          connection: listener,
          text: textOf(packet, isHidden ? "WORK_FAIL" : packet.name),
          isOptional
        })
      }
    },
    cancelled: (server, job) => {
      for (const connection of job.listeners)
        due.push({ server, connection, text: `WORK_FAIL ${job.handle}`, isOptional: server.mayBeGone(job) })
    },
    forwarded: (server, connection, job, packet) => {
      const text = textOf(packet, packet.name)
      const sent = `${server.node} sent "${text}" to connection ${connection.id}`
      const mine = (item: Due) => item.server === server && item.connection === connection
      const isOfJob = (item: Due) => mine(item) && item.text.split(" ")[1] === packet.fields[0]
      let index = due.findIndex(isOfJob)
      // What it may drop it need not have said before what it said.
      while (index !== -1 && due[index]!.isOptional && due[index]!.text !== text) {
        if (!due.some((item, at) => at > index && mine(item) && item.text === text)) break
        due.splice(index, 1)
        index = due.findIndex(isOfJob)
      }
      // A server may end a job by itself when its attempts are spent.
      const gaveUp = packet.name === "WORK_FAIL" && job !== undefined && job.attempts >= server.attemptsMax
      const owed = due[index]
      if (owed !== undefined) {
        if (owed.text !== text && !(owed.isOptional && gaveUp))
          throw new Violation(5, `${sent}, and owes "${owed.text}"`)
        due.splice(index, 1)
        return
      }
      if (gaveUp && job.listeners.includes(connection)) return
      if (job?.background === true && !job.listeners.includes(connection))
        throw new Violation(44, `${sent}, which does not listen to it`)
      throw new Violation(job?.state === "finished" ? 7 : 16, `${sent} unexpectedly`)
    },
    afterStep: () => {
      if (due.length === 0) return
      for (const { connection, isOptional, server, text } of due.splice(0)) {
        if (isOptional || !connection.open) continue
        throw new Violation(5, `${server.node} did not send "${text}" to connection ${connection.id}`)
      }
    }
  }
}
