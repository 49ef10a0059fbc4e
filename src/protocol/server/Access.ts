/**
 * Who may do what: rules, and the decision they lead to. Who a connection is, the network
 * says (a client certificate) or the listener it came in by; nothing here reads anything.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import * as Packet from "../Packet.ts"

/**
 * Submit jobs of a function and ask for them; register as a worker for it; see and change
 * it by text commands.
 *
 * @since 0.1.0
 * @category models
 */
export type Action = "submit" | "serve" | "administrate"

/**
 * All actions.
 *
 * @since 0.1.0
 * @category constants
 */
export const actions = ["submit", "serve", "administrate"] as const satisfies ReadonlyArray<Action>

/**
 * That an identity may do something with some functions. Rules only allow: a connection has
 * what all rules for its names give it together, and nothing else.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rule {
  /** A pattern for names: `*` is any text, `?` any one byte. */
  readonly identity: string
  readonly action: Action
  /** Patterns for function names, of the same kind. */
  readonly functions: ReadonlyArray<string>
}

/**
 * The name of who has none.
 *
 * @since 0.1.0
 * @category constants
 */
export const anonymous = "anonymous"

/** Text as bytes, one character each, which is how functions are kept. */
const keyOf = (text: string): string => Codec.latin1(Packet.toBytes(text))

/**
 * Whether a name fits a pattern, byte by byte. Never takes longer than the product of their
 * lengths, whatever a peer chooses for a name.
 *
 * @since 0.1.0
 * @category predicates
 */
export const fits = (pattern: string, name: string): boolean => {
  let at = 0
  let patternAt = 0
  // Where the last star stands, and how much of the name it stands for.
  let star = -1
  let starEnd = 0
  while (at < name.length) {
    const expected = pattern[patternAt]
    if (expected === "*") {
      star = patternAt++
      starEnd = at
    } else if (expected === "?" || expected === name[at]) {
      patternAt++
      at++
    } else if (star >= 0) {
      patternAt = star + 1
      at = ++starEnd
    } else return false
  }
  while (pattern[patternAt] === "*") patternAt++
  return patternAt === pattern.length
}

/** Functions that are allowed: all, some by their names, some by patterns. */
class Allowed {
  private isAll = false
  private readonly names = new Set<string>()
  private readonly patterns: Array<string> = []

  add(functions: ReadonlyArray<string>): void {
    for (const pattern of functions.map(keyOf)) {
      if (/^\*+$/.test(pattern)) this.isAll = true
      else if (/[*?]/.test(pattern)) this.patterns.push(pattern)
      else this.names.add(pattern)
    }
  }

  get isNone(): boolean {
    return !this.isAll && this.names.size === 0 && this.patterns.length === 0
  }

  has(key: string): boolean {
    return this.isAll || this.names.has(key) || this.patterns.some((pattern) => fits(pattern, key))
  }

  get hasAll(): boolean {
    return this.isAll
  }
}

/**
 * What one connection may do.
 *
 * @since 0.1.0
 * @category models
 */
export class Rights {
  /** Everything, which is what everybody may do where there are no rules. */
  readonly isFull: boolean
  /** Who it is, for people: one character per byte. */
  readonly identity: string
  private readonly allowed = { submit: new Allowed(), serve: new Allowed(), administrate: new Allowed() }

  constructor(identity: string, rules: ReadonlyArray<Rule> | undefined) {
    this.identity = identity
    this.isFull = rules === undefined
    for (const rule of rules ?? []) this.allowed[rule.action].add(rule.functions)
  }

  /** With this function; its name has one character per byte. */
  may(action: Action, key: string): boolean {
    return this.isFull || this.allowed[action].has(key)
  }

  /** With any function at all. */
  mayAny(action: Action): boolean {
    return this.isFull || !this.allowed[action].isNone
  }

  /** With every function there may ever be. */
  mayAll(action: Action): boolean {
    return this.isFull || this.allowed[action].hasAll
  }
}

/**
 * The rights of a connection with these names; without any, it is `anonymous`. No rules at
 * all give everybody everything; an empty list gives nobody anything.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rightsOf = (rules: ReadonlyArray<Rule> | undefined, names: ReadonlyArray<string>): Rights => {
  const keys = (names.length === 0 ? [anonymous] : names).map(keyOf)
  const concerned = rules?.filter((rule) => keys.some((key) => fits(keyOf(rule.identity), key)))
  return new Rights(keys[0]!, concerned)
}

/**
 * Gives rights to one after another. Who comes with the same names as the one before, under
 * the same rules, is given the same object: most connections are alike, and many.
 *
 * @since 0.1.0
 * @category models
 */
export class Grants {
  private rules: ReadonlyArray<Rule> | undefined = undefined
  private names: ReadonlyArray<string> = []
  private last: Rights | undefined = undefined

  rightsOf(rules: ReadonlyArray<Rule> | undefined, names: ReadonlyArray<string>): Rights {
    const { last } = this
    if (
      last !== undefined &&
      rules === this.rules &&
      names.length === this.names.length &&
      names.every((name, index) => name === this.names[index])
    ) {
      return last
    }
    this.rules = rules
    this.names = names
    return (this.last = rightsOf(rules, names))
  }
}
