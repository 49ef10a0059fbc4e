/**
 * A job server's own books: what it has counted, linked and indexed agrees with what is
 * there. Property 56; what is in nobody's way now is what grows or breaks some day.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"

/** Going through all of a server's state costs as much as many steps. */
const restsBetween = 64

/**
 * Looks at rest: some time after a connection was closed, when most is taken apart, and
 * every now and then. `wrongAt` tells what a server finds wrong with its own state.
 *
 * @since 0.1.0
 * @category properties
 */
export const audit = (wrongAt: (node: string) => ReadonlyArray<string>): Property => {
  const due = new Set<string>()
  let rests = 0
  return {
    name: "audit",
    closed: ({ node }) => void due.add(node),
    atRest: ({ servers }) => {
      if (++rests % restsBetween === 0) for (const node of servers.keys()) due.add(node)
      if (due.size === 0) return
      for (const node of due) {
        const [wrong] = wrongAt(node)
        if (wrong !== undefined) throw new Violation(56, `${node} keeps wrong books: ${wrong}`)
      }
      due.clear()
    }
  }
}
