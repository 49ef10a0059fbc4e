/** Certificates for the TLS tests, made by openssl: an authority, and what it signed. */
import { execFileSync } from "node:child_process"
import * as Path from "node:path"

export const openssl = (...args: ReadonlyArray<string>): string =>
  execFileSync("openssl", [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]

export interface Pair {
  readonly certificate: string
  readonly key: string
}

const at = (directory: string, name: string): Pair => ({
  certificate: Path.join(directory, `${name}.pem`),
  key: Path.join(directory, `${name}.key`)
})

export const authority = (directory: string, name: string): Pair => {
  const pair = at(directory, name)
  openssl("req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-keyout", pair.key, "-out", pair.certificate)
  return pair
}

/** A certificate for 127.0.0.1 and localhost. */
export const signed = (directory: string, by: Pair, name: string): Pair => {
  const pair = at(directory, name)
  openssl(
    ...["req", "-x509", ...newKey, "-CA", by.certificate, "-CAkey", by.key, "-subj", `/CN=${name}`],
    ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-keyout", pair.key, "-out", pair.certificate]
  )
  return pair
}
