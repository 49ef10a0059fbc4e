/**
 * Steps of a transcript written by hand, in the protocol's words instead of hex.
 */
import type { Step } from "./Transcript.ts"

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex")

const packet = (magic: string, type: number, fields: ReadonlyArray<string>): string => {
  const body = Buffer.from(fields.join("\0"), "latin1")
  const header = Buffer.alloc(12)
  header.write(magic, "latin1")
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(body.length, 8)
  return Buffer.concat([header, body]).toString("hex")
}

/** The connection sends a request packet. */
export const send = (conn: string, type: number, ...fields: ReadonlyArray<string>): Step => ({
  conn,
  send: packet("\0REQ", type, fields)
})

/** The connection sends text of its own. */
export const say = (conn: string, text: string): Step => ({ conn, send: hex(text) })

/** Exactly this response packet arrives next. */
export const get = (conn: string, type: number, ...fields: ReadonlyArray<string>): Step => ({
  conn,
  expect: packet("\0RES", type, fields)
})

/** Exactly this text arrives next. */
export const hear = (conn: string, text: string): Step => ({ conn, expect: hex(text) })

/** Nothing arrives. */
export const quiet = (conn: string, millis = 100): Step => ({ conn, expect_none_ms: millis })

/** The connection closes. */
export const leave = (conn: string): Step => ({ conn, close: true })

/** Time passes. */
export const pause = (millis: number): Step => ({ sleep_ms: millis })
