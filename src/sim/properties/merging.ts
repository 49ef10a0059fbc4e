/**
 * Acceptance, identity and merging: properties 1 to 4, 9, 10.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"
import { isLive } from "./ServerModel.ts"

/**
 * `mayRepeat` tells where a restarted server begins with the same handles, as its options say.
 *
 * @since 0.1.0
 * @category properties
 */
export const merging = (mayRepeat: (node: string) => boolean = () => false): Property => {
  /** Handles each server ever gave, whatever its incarnation. */
  const given = new Set<string>()
  return {
    name: "merging",
    created: (server, { function: fn, matches, unique }, job, isNew) => {
      if (!isNew) {
        if (!isLive(job)) throw new Violation(10, `${server.node} gave out ${job.handle} again after that job was over`)
        return
      }
      const name = mayRepeat(server.node) ? "" : `${server.node} ${job.handle}`
      if (name !== "" && given.has(name))
        throw new Violation(1, `${server.node} gave the handle ${job.handle} to a second job`)
      given.add(name)
      if (matches === undefined || server.mayBeGone(matches)) return
      const text = `${server.node} made ${job.handle} for ${fn} ${unique} although ${matches.handle} is ${matches.state}`
      throw new Violation(matches.state === "running" ? 4 : 2, text)
    },
    confused: ({ node }, { function: fn, unique }, job) => {
      throw new Violation(3, `${node} merged ${fn} '${unique}' into ${job.handle}, a job of ${job.function}`)
    },
    forwarded: ({ node }, { id }, job, { fields: [handle], name }) => {
      if (job === undefined)
        throw new Violation(9, `${node} sent ${name} for ${handle} to connection ${id} before any JOB_CREATED`)
    }
  }
}
