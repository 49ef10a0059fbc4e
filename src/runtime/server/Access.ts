/**
 * The rules and listeners of a job server as they are typed:
 *
 *     --allow=IDENTITY:ACTION=PATTERN,PATTERN
 *     --listener=ADDRESS,tls,identity=NAME,text=off
 */
import * as Network from "../../protocol/Network.ts"
import { actions, type Rule } from "../../protocol/server/Access.ts"

/** A listener beside the one of `--listen` and `--port`. */
export interface ListenerSettings {
  readonly address: Network.Address
  readonly hasTls: boolean
  readonly identity: string | undefined
  readonly textProtocol: boolean
}

const rulePattern = new RegExp(`^(.+?):(${actions.join("|")})=(.+)$`)

/** Reads a rule, or tells what is wrong with it. */
export const parseRule = (text: string): Rule | string => {
  const match = rulePattern.exec(text)
  if (match === null)
    return `"${text}" is no rule; write IDENTITY:ACTION=FUNCTIONS with ${actions.join(", ")} for ACTION`
  const functions = match[3]!.split(",")
  if (functions.includes("")) return `"${text}" names a function without a name; functions stand between commas`
  return { identity: match[1]!, action: match[2] as Rule["action"], functions }
}

/** Reads a listener, or tells what is wrong with it. */
export const parseListener = (text: string): ListenerSettings | string => {
  const [where = "", ...words] = text.split(",")
  const address = Network.parse(where)
  if (address instanceof Network.InvalidAddress) return address.message
  let settings: ListenerSettings = { address, hasTls: false, identity: undefined, textProtocol: true }
  for (const word of words) {
    const [name, value] = word.split(/=(.*)/s, 2)
    if (word === "tls") settings = { ...settings, hasTls: true }
    else if (name === "identity" && value) settings = { ...settings, identity: value }
    else if (name === "text" && (value === "on" || value === "off"))
      settings = { ...settings, textProtocol: value === "on" }
    else return `"${word}" says nothing about a listener; tls, identity=NAME and text=on|off do`
  }
  return settings
}
