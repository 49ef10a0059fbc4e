/**
 * Text that came from elsewhere, made fit to be shown: a terminal must not be told anything
 * by it, and a line must stay one.
 */

/** The text with its control characters written out, as \x1b. */
export const visible = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`)
