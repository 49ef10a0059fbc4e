/**
 * Packets that leave together. A transport takes its time per piece, however small, so
 * small ones are put together; copying large ones would cost more than it saves.
 */

/** From this on a packet is a piece of its own. */
const largeBytes = 8 * 1024

const maxPieceBytes = 64 * 1024

/** The same bytes in few pieces. */
export const join = (packets: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  if (packets.length < 2) return packets
  const pieces: Array<Uint8Array> = []
  let from = 0
  let bytes = 0
  for (let at = 0; at <= packets.length; at++) {
    const length = packets[at]?.length ?? largeBytes
    if (length < largeBytes && bytes + length <= maxPieceBytes) {
      bytes += length
      continue
    }
    if (at > from) pieces.push(concatenate(packets, from, at, bytes))
    const isLarge = length >= largeBytes
    if (isLarge && at < packets.length) pieces.push(packets[at]!)
    from = isLarge ? at + 1 : at
    bytes = isLarge ? 0 : length
  }
  return pieces
}

const concatenate = (packets: ReadonlyArray<Uint8Array>, from: number, to: number, bytes: number): Uint8Array => {
  if (to - from === 1) return packets[from]!
  const piece = new Uint8Array(bytes)
  let at = 0
  for (let index = from; index < to; index++) {
    piece.set(packets[index]!, at)
    at += packets[index]!.length
  }
  return piece
}
