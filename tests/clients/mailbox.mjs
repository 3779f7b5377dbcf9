// A small mail server on loopback that keeps what it is sent.

import { once } from "node:events"
import { createServer } from "node:net"

const SECONDS_TO_ARRIVE = 60

/** A part of a mail without the marks of quoted-printable (RFC 2045), where it has them. */
function readable(part) {
  if (!/^Content-Transfer-Encoding: quoted-printable$/im.test(part)) return part
  return part.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
}

/** A running mail server with its port. */
export async function openMailbox() {
  const mails = []
  let arrived = () => {}
  const server = createServer((socket) => {
    let mail
    let rest = ""
    socket.setEncoding("utf8").write("220 ready\r\n")
    socket.on("data", (chunk) => {
      const lines = (rest + chunk).split("\r\n")
      rest = lines.pop()
      for (const line of lines) {
        if (mail !== undefined && line !== ".") {
          mail += line + "\n"
        } else if (mail !== undefined) {
          mails.push(mail)
          mail = undefined
          arrived()
          socket.write("250 taken\r\n")
        } else if (line === "DATA") {
          mail = ""
          socket.write("354 go on\r\n")
        } else {
          socket.write(line === "QUIT" ? "221 bye\r\n" : "250 ok\r\n")
        }
      }
    })
    socket.on("error", () => socket.destroy())
  })
  /** The first mail to an address, as its reader sees it. */
  const next = async (address) => {
    const late = AbortSignal.timeout(SECONDS_TO_ARRIVE * 1000)
    for (;;) {
      const at = mails.findIndex((mail) => mail.includes(`To: ${address}\n`))
      if (at >= 0) {
        const [mail] = mails.splice(at, 1)
        return mail.split(/^--\S+$/m).map(readable).join("\n")
      }
      await new Promise((resolve, reject) => {
        arrived = resolve
        late.addEventListener("abort", () => reject(new Error(`no mail for ${address}`)))
      })
    }
  }
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    uri: `smtp://127.0.0.1:${server.address().port}/?disable_starttls=true`,
    /** The code in the first mail to an address; the mail is thrown away. */
    code: async (address) => /^(\d{6})$/m.exec(await next(address))[1],
    /** The link in the first mail to an address; the mail is thrown away. */
    link: async (address) => /^http\S+[?&]token=\S+$/m.exec(await next(address))[0],
    close: () => server.close(),
  }
}
