/**
 * An event in words, for people.
 *
 * @since 0.1.0
 */
import type { Event } from "../properties/History.ts"

const readable = (field: string): string => {
  const text = field.replace(/[^ -~]/g, "·")
  return text === "" ? "''" : text.length > 40 ? `${text.slice(0, 37)}…` : text
}

/**
 * A packet's fields as they are shown.
 *
 * @since 0.1.0
 * @category conversions
 */
export const formatFields = (fields: ReadonlyArray<string>): string => fields.map(readable).join(" ")

/**
 * An event as one line.
 *
 * @since 0.1.0
 * @category conversions
 */
export const format = (event: Event): string => {
  switch (event._tag) {
    case "Packet":
    case "Line":
      return `${event.node} #${event.connection} ${event.got ? "<" : ">"} ${event.name} ${formatFields(event.fields)}`
    case "Opened":
    case "Closed":
      return `${event.node} #${event.connection} ${event._tag.toLowerCase()}`
    case "Cut":
      return `${event.node} #${event.connection} ended in the middle of a packet`
    case "Malformed":
      return `${event.node} #${event.connection} malformed: ${event.problem}`
    case "Waiting":
      return `${event.node} #${event.connection} has ${event.bytes} bytes waiting`
    case "Dialled":
      return `${event.node} dials ${event.to}`
    case "Started":
      return `${event.node} starts`
    case "Stopping":
      return `${event.node} is told to stop`
    case "Ended":
      return `${event.node} ${event.how}`
    case "Draining":
      return `${event.node} takes no more jobs from now on`
    case "Fault":
      return `${event.begins ? "fault" : "heals"}: ${event.text}`
    case "Asked":
      return `${event.node} caller ${event.caller} asks to ${event.kind} ${event.function} ${readable(event.unique)} ${readable(event.workload)}`
    case "Mapped":
      return `${event.node} caller ${event.caller} gets ${event.kind} ${readable(event.text)}`
    case "Heard":
      return `${event.node} caller ${event.caller} hears ${event.kind} ${readable(event.text)}`
    case "Answered":
      return `${event.node} caller ${event.caller} ends in ${event.how} ${readable(event.text)}`
    case "Began":
      return `${event.node} execution ${event.execution} begins: ${event.function} ${readable(event.workload)} as ${event.handle} of ${event.server}`
    case "Finished":
      return `${event.node} execution ${event.execution} ends in ${event.how}`
  }
}
