/**
 * Numbers and texts as gearmand reads them. Numbers with C's `strtoll` and `atoi`: leading blanks, a sign,
 * and digits up to the first character that is none. What is no number at all is 0.
 *
 * @since 0.1.0
 */

// Up to here every digit count is exact in 64 bits, and beyond it saturates.
const maxDigits = 18
const int64Limit = 2 ** 63

interface Digits {
  readonly isNegative: boolean
  readonly start: number
  readonly end: number
}

const isBlank = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

const digitsOf = (bytes: Uint8Array, start: number, end: number): Digits => {
  let at = start
  while (at < end && isBlank(bytes[at]!)) at++
  const isNegative = bytes[at] === 45 && at < end
  if (at < end && (bytes[at] === 45 || bytes[at] === 43)) at++
  while (at < end && bytes[at] === 48) at++
  const first = at
  while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) at++
  return { isNegative, start: first, end: at }
}

/**
 * `strtoll`: the number, as near as a double comes to it, or `undefined` beyond 64 bits.
 *
 * @since 0.1.0
 * @category conversions
 */
export const parseInt64 = (bytes: Uint8Array, start: number, end: number): number | undefined => {
  const digits = digitsOf(bytes, start, end)
  let value = 0
  if (digits.end - digits.start > maxDigits + 1) return undefined
  for (let at = digits.start; at < digits.end; at++) value = value * 10 + bytes[at]! - 48
  if (value > int64Limit) return undefined
  return digits.isNegative && value !== 0 ? -value : value
}

/**
 * `(uint32_t)atoi`: -5 is 4294967291, 0.5 is 0.
 *
 * @since 0.1.0
 * @category conversions
 */
export const parseUint32 = (bytes: Uint8Array, start: number, end: number): number => {
  const digits = digitsOf(bytes, start, end)
  if (digits.end - digits.start > maxDigits) return digits.isNegative ? 0 : 0xffffffff
  let value = 0
  for (let at = digits.start; at < digits.end; at++) value = (value * 10 + bytes[at]! - 48) % 2 ** 32
  return digits.isNegative ? -value >>> 0 : value
}

/**
 * Where a text that C would end at a NUL ends.
 *
 * @since 0.1.0
 * @category conversions
 */
export const endOfText = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && bytes[at] !== 0) at++
  return at
}
