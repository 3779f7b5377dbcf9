// A page of https://app.example-two.test. Sessera is https://id.example.test: another site, whose cookies
// browsers do not send along. So the browser goes there and comes back with a code that is good once, for
// a minute, for this origin, and only with the secret that this page keeps (PKCE, RFC 7636).

const ID = "https://id.example.test"
const API = "https://api.example.test"

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")

/** Sends the browser to Sessera, which asks its owner to sign in when needed. */
async function begin() {
  const secret = base64url(crypto.getRandomValues(new Uint8Array(32)))
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret))
  sessionStorage.setItem("secret", secret)
  const url = new URL("/self-service/exchange/browser", ID)
  url.search = new URLSearchParams({
    return_to: location.origin + location.pathname,
    tokenize_as: "example",
    code_challenge: base64url(new Uint8Array(hash)),
    code_challenge_method: "S256",
  })
  location.assign(url)
}

/** Exchanges the code in the page's address for a token. Without cookies: the code is enough. */
async function finish(code) {
  const secret = sessionStorage.getItem("secret")
  sessionStorage.removeItem("secret")
  history.replaceState(null, "", location.pathname)
  const answer = await fetch(new URL("/self-service/exchange", ID), {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code, code_verifier: secret }),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.error.reason)
  return body.tokenized
}

let token

async function call() {
  if (!token) return begin()
  const answer = await fetch(`${API}/greeting`, { headers: { Authorization: `Bearer ${token}` } })
  document.querySelector("#answer").value = await answer.text()
}

function failed(error) {
  document.querySelector("#answer").value = `It did not work: ${error.message}`
}

document.querySelector("#call").addEventListener("click", () => call().catch(failed))

const code = new URL(location.href).searchParams.get("code")
if (code) {
  finish(code)
    .then((fresh) => {
      token = fresh
      return call()
    })
    .catch(failed)
}
