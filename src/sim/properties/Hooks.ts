/**
 * Who is told what: each watcher says it by the hooks that it has, and most care for few.
 *
 * @since 0.1.0
 */

/**
 * A watcher is told something, if it has the hook.
 *
 * @since 0.1.0
 * @category models
 */
export type Hears<A extends ReadonlyArray<unknown>> = ((...args: A) => void) | undefined

type Hook = (...args: ReadonlyArray<unknown>) => void
type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never

/**
 * The hooks of some watchers, by name.
 *
 * @since 0.1.0
 * @category models
 */
export class Hooks<W extends object> {
  private readonly byName: { [name: string]: Array<Hook> } = {}

  constructor(watchers: ReadonlyArray<W>) {
    for (const watcher of watchers)
      for (const [name, hook] of Object.entries(watcher))
        if (typeof hook === "function") (this.byName[name] ??= []).push(hook as Hook)
  }

  tell<K extends keyof W & string>(name: K, ...args: ArgumentsOf<NonNullable<W[K]>>): void {
    const hooks = this.byName[name]
    if (hooks !== undefined) for (const hook of hooks) hook(...args)
  }
}
