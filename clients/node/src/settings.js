/** Settings with what is usual where nothing is said. One that is not known is refused by name, because it may be one that is misspelt
 * and matters, and so is one that is missing. */
export function settled(whose, needed, usual, given = {}) {
  const names = [...needed, ...Object.keys(usual)]
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown) throw new TypeError(`a ${whose} has no setting "${unknown}"; it has ${names.join(", ")}`)
  const missing = needed.find((name) => typeof given[name] !== "string" || given[name] === "")
  if (missing) throw new TypeError(`a ${whose} needs the setting "${missing}", a text`)
  return { ...usual, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}
