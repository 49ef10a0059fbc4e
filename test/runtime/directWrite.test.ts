/** Writing past the stream: what the kernel takes, and when it must not be asked. */
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import * as Net from "node:net"
import * as DirectWrite from "../../src/runtime/network/DirectWrite.ts"

/** Writes to the socket as it is now. */
const writeTo = (socket: Net.Socket) => {
  const descriptor = DirectWrite.descriptorOf(socket)
  return (chunks: ReadonlyArray<Uint8Array>) => DirectWrite.write(socket, descriptor, chunks)
}

/** Both ends of a connection; the other one does not read by itself. */
const withPair = async (use: (accepted: Net.Socket, other: Net.Socket) => Promise<void>) => {
  const server = Net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const other = Net.connect((server.address() as Net.AddressInfo).port, "127.0.0.1")
  const [accepted] = (await once(server, "connection")) as [Net.Socket]
  accepted.on("error", () => {})
  other.on("error", () => {})
  try {
    await use(accepted, other)
  } finally {
    accepted.destroy()
    other.destroy()
    server.close()
  }
}

const bytes = new Uint8Array(1_000_000).fill(7)

describe("a direct write", () => {
  it("gives the bytes to the kernel, and only what it takes", () =>
    withPair(async (accepted, other) => {
      const write = writeTo(accepted)
      assert.strictEqual(write([bytes.subarray(0, 4), bytes.subarray(0, 6)]), 10)
      let taken = 10
      // Nobody reads, so that the kernel's buffers fill.
      for (let last = 1; last > 0; taken += last) last = write([bytes])
      assert.strictEqual(write([bytes]), 0)
      assert.strictEqual(accepted.bytesWritten, 0)
      let read = 0
      other.on("data", (chunk) => (read += chunk.length))
      while (read < taken) await once(other, "data")
      assert.strictEqual(read, taken)
    }))

  it("does not overtake what waits in the stream", () =>
    withPair(async (accepted) => {
      const write = writeTo(accepted)
      accepted.cork()
      accepted.write(bytes)
      assert.strictEqual(write([bytes]), 0)
    }))

  it("leaves a connection alone that is closed or broken", () =>
    withPair(async (accepted, other) => {
      const write = writeTo(accepted)
      other.resetAndDestroy()
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.strictEqual(write([bytes]), 0)
      accepted.destroy()
      assert.strictEqual(write([bytes]), 0)
    }))

  it("leaves what the kernel has not taken", () => {
    const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)]
    const left = (taken: number) => DirectWrite.without([one, two], taken).map((chunk) => Array.from(chunk))
    assert.deepStrictEqual([0, 1, 2, 4, 5].map(left), [
      [
        [1, 2],
        [3, 4, 5]
      ],
      [[2], [3, 4, 5]],
      [[3, 4, 5]],
      [[5]],
      []
    ])
  })

  it("is not tried where Node shows no descriptor", () => {
    const write = writeTo({ writableLength: 0, _handle: {} } as unknown as Net.Socket)
    assert.strictEqual(write([bytes]), 0)
    const encrypted = { writableLength: 0, encrypted: true, _handle: { fd: 1 } } as unknown as Net.Socket
    assert.strictEqual(writeTo(encrypted)([bytes]), 0)
  })
})
