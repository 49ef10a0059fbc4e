/**
 * What one flag of the job server is: its name, the values it takes, and what becomes of it.
 */

/**
 * What becomes of a flag: it is used; it is accepted and has no effect, which is
 * harmless and why; or it is refused, because ignoring it would break what its user
 * relies on.
 */
export type Treatment =
  | { readonly _tag: "Used" }
  | { readonly _tag: "Ignored"; readonly why: string }
  | { readonly _tag: "Refused"; readonly why: string }

/** The values a flag takes. */
export type Kind =
  | { readonly _tag: "Switch" }
  | { readonly _tag: "Text"; readonly placeholder: string }
  | { readonly _tag: "Whole"; readonly placeholder: string; readonly min: number; readonly max: number }
  | { readonly _tag: "Choice"; readonly choices: ReadonlyArray<string> }
  | { readonly _tag: "Seconds"; readonly max: number }

/** One flag. */
export interface Flag {
  readonly name: string
  readonly short?: string
  readonly kind: Kind
  /** The value when nothing gives one, as it would be typed. */
  readonly byDefault?: string
  /** The same in words, where it depends on another flag. */
  readonly followsOther?: string
  readonly description: string
  readonly treatment: Treatment
  /** Its value must not be shown. */
  readonly isSecret?: boolean
  /** True for flags that gearmand has not. */
  readonly isOurs?: boolean
  /** May be given several times; values have no white space, which stands between them elsewhere. */
  readonly isRepeatable?: boolean
}

/** It does what its description says. */
export const used: Treatment = { _tag: "Used" }

/** It is accepted and has no effect, which is harmless, and why. */
export const ignored = (why: string): Treatment => ({ _tag: "Ignored", why })

/** It is refused, and why. */
export const refused = (why: string): Treatment => ({ _tag: "Refused", why })

/** A flag without a value. */
export const toggle: Kind = { _tag: "Switch" }

/** Any text. */
export const text = (placeholder: string): Kind => ({ _tag: "Text", placeholder })

/** A whole number within limits. */
export const whole = (placeholder: string, min: number, max: number): Kind => ({ _tag: "Whole", placeholder, min, max })

/** A length of time in seconds, which may have a fraction, up to a year. */
export const seconds: Kind = { _tag: "Seconds", max: 86_400 * 365 }
