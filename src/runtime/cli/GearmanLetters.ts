/**
 * The letters of the `gearman` and `gearadmin` tools as those read them: a value may follow
 * its letter at once (`-fwc`), and `-h` names a host. `-h` alone asks for help, as elsewhere.
 */

/** Letters of `gearman` that take a value. */
const withValue = "fhptiuc"

/** Rewrites what this command line would read otherwise; what follows `--` is left alone. */
export const expand = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = args.indexOf("--")
  const words = end < 0 ? args : args.slice(0, end)
  const expanded = words.flatMap((word, at): ReadonlyArray<string> => {
    if (word === "-H") return ["--help"]
    if (word === "-V") return ["--version"]
    const next = words[at + 1]
    if (word === "-h") return next === undefined || next.startsWith("-") ? ["--help"] : ["--host"]
    const [, letter, value] = /^-([A-Za-z])([^=-].*)$/s.exec(word) ?? []
    if (letter === undefined || !withValue.includes(letter)) return [word]
    return [letter === "h" ? "--host" : `-${letter}`, value!]
  })
  return end < 0 ? expanded : [...expanded, ...args.slice(end)]
}
