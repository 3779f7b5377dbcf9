// Connects to NATS with a token, and says what the server allows: address, token, then subjects to
// publish to, or to read where "read:" stands before them.

import { connect, tokenAuthenticator } from "@nats-io/transport-node"

const [servers, token, ...subjects] = process.argv.slice(2)
const connection = await connect({ servers, authenticator: tokenAuthenticator(token), maxReconnectAttempts: 0 })
let refusals = 0
const told = (async () => {
  for await (const status of connection.status()) if (status.type === "error") refusals += 1
})()
for (const subject of subjects) {
  const before = refusals
  const [, read] = subject.split("read:")
  if (read) connection.subscribe(read, { callback: () => {} })
  else connection.publish(subject, "x")
  // The server refuses before it answers to this, and the refusal is told a turn later.
  await connection.flush()
  await new Promise((resolve) => setImmediate(resolve))
  console.log(`${refusals > before ? "refused" : "allowed"} ${subject}`)
}
await connection.close()
await told
