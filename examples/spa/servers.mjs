// All servers of the examples behind one TLS port, told apart by their host names:
//   app.example.test      the page of the same site
//   app.example-two.test  the page of another site
//   api.example.test      the API that both call
//   id.example.test       Sessera, to which requests are passed on

import { execFileSync } from "node:child_process"
import { createHash, X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { request as pass } from "node:http"
import { createServer } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"

import { api } from "./api.mjs"

export const ID = "https://id.example.test"
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css" }
const here = (path) => new URL(path, import.meta.url)

/**
 * Starts them. `sessera` is the address of Sessera's public port, `keySet` the public key set of the
 * template "example", `port` where to listen (any when absent).
 */
export async function start({ sessera, keySet, port = 0 }) {
  const { key, cert } = certificate()
  const hosts = {
    "app.example.test": page("same-site"),
    "app.example-two.test": page("another-site"),
    // The issuer is Sessera's base_url as it is configured.
    "api.example.test": api(keySet, `${ID}/`),
    "id.example.test": (request, response) => forward(sessera, request, response),
  }
  const server = createServer({ key, cert }, (request, response) => {
    const answer = hosts[(request.headers.host ?? "").split(":")[0]]
    if (answer) answer(request, response)
    else response.writeHead(200, { "Content-Type": TYPES.html }).end("<!doctype html><title>Elsewhere</title>")
  })
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve))
  const { publicKey } = new X509Certificate(cert)
  return {
    port: server.address().port,
    /** What `--ignore-certificate-errors-spki-list` takes: the browser trusts this certificate only. */
    spki: createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64"),
    cert,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

/** Serves the files of an example. */
function page(folder) {
  const files = { "/": `${folder}/index.html`, "/main.bundle.js": `${folder}/main.bundle.js`, "/page.css": "page.css" }
  return async (request, response) => {
    const file = files[new URL(request.url, ID).pathname]
    if (!file) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { "Content-Type": TYPES[file.split(".").at(-1)] })
    response.end(await readFile(here(file)))
  }
}

/** Passes a request on, as a proxy in front of Sessera does. */
function forward(target, request, response) {
  const headers = { ...request.headers, "x-forwarded-for": request.socket.remoteAddress, "x-forwarded-proto": "https" }
  const onward = pass(new URL(request.url, target), { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
  })
  onward.on("error", (error) => response.writeHead(502).end(error.message))
  request.pipe(onward)
}

/** A certificate for all host names that is good for a day. */
function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "sessera-example-"))
  const names = ["*.example.test", "*.example-two.test"].map((name) => `DNS:${name}`).join(",")
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
    ...["-subj", "/CN=Sessera example", "-addext", `subjectAltName=${names}`, "-keyout", key, "-out", cert],
  ], { stdio: "ignore" })
  const made = { key: readFileSync(key), cert: readFileSync(cert) }
  rmSync(folder, { recursive: true })
  return made
}

if (process.argv[1] === here("servers.mjs").pathname) {
  const [sessera = "http://127.0.0.1:4433", file = "jwks.json"] = process.argv.slice(2)
  const { port, spki } = await start({ sessera, keySet: JSON.parse(await readFile(file, "utf8")), port: 8443 })
  console.log(`Start a browser that finds the examples:

  chromium --user-data-dir=$(mktemp -d) \\
    --host-resolver-rules="MAP *.example.test 127.0.0.1:${port},MAP *.example-two.test 127.0.0.1:${port}" \\
    --ignore-certificate-errors-spki-list=${spki} \\
    https://app.example.test/ https://app.example-two.test/`)
}
