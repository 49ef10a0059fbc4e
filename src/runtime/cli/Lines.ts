/**
 * Bytes, line by line.
 */

/** The lines, with their newlines or without; what follows the last newline is a line too. */
export const linesOf = (bytes: Uint8Array, withNewlines: boolean): ReadonlyArray<Uint8Array> => {
  const lines: Array<Uint8Array> = []
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(10, start)
    const next = newline < 0 ? bytes.length : newline + 1
    lines.push(bytes.subarray(start, newline < 0 || withNewlines ? next : newline))
    start = next
  }
  return lines
}
