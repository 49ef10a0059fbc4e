/**
 * What clients and workers have under way, for whoever wants to see that they keep nothing
 * for good.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * How many there are of each kind; all 0 when nothing is under way.
 *
 * @since 0.1.0
 * @category models
 */
export type Book = () => { readonly [kind: string]: number }

/**
 * Is given the book of each client and worker that is made. Nobody reads them by default.
 *
 * @since 0.1.0
 * @category services
 */
export const Books = Context.Reference<(book: Book) => void>("effect-gearman/Books", { defaultValue: () => () => {} })
