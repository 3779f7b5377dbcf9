// How tests under Node are told: a line for each, and at the end every failure with its test, its place in the
// tests and what differs, without the way there through the runner.

const HERE = new URL(".", import.meta.url).href

export default async function* tell(events) {
  const open = []
  const failures = []
  let passed = 0
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message
    if (type === "test:start") open[data.nesting] = data.name
    if (type !== "test:pass" && type !== "test:fail") continue
    const name = [...open.slice(0, data.nesting), data.name].join(" > ")
    const isSuite = data.details?.type === "suite"
    if (type === "test:pass") {
      if (isSuite) continue
      if (data.skip === undefined) passed += 1
      yield data.skip === undefined ? `ok      ${name}\n` : `skipped ${name}: ${data.skip}\n`
      continue
    }
    const { error } = data.details
    // A suite fails with its tests, which are told themselves.
    if (error.failureType === "subtestsFailed") continue
    yield `FAILED  ${name}\n`
    failures.push(`FAILED  ${name}\n${indented([...places(error), ...what(error)])}\n`)
  }
  yield `\n${passed} tests passed, ${failures.length} failed\n`
  yield* failures
}

/** Where in the tests it happened. */
function places(error) {
  const stack = String(error.cause?.stack ?? "").split("\n").filter((line) => line.startsWith("    at "))
  return stack.filter((line) => line.includes(HERE)).map((line) => line.trim().replace(HERE, "tests/"))
}

/** What went wrong, or what differs. */
function what(error) {
  const cause = error.cause ?? error
  return String(cause.message ?? cause).trim().split("\n")
}

function indented(lines) {
  return lines.map((line) => `        ${line}\n`).join("")
}
