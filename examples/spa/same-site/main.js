// A page of https://app.example.test. Sessera is https://id.example.test: another origin, the same site.
// So browsers send the session cookie along, and Sessera lets this origin read the answer (serve.public.cors).

import { Configuration, FrontendApi } from "@ory/client"

const ID = "https://id.example.test"
const API = "https://api.example.test"

const frontend = new FrontendApi(
  new Configuration({ basePath: ID, baseOptions: { withCredentials: true } }),
)

/** The token for the API, or nothing when the browser was sent to sign in. */
async function token() {
  try {
    const { data } = await frontend.toSession({ tokenizeAs: "example" })
    return data.tokenized
  } catch (error) {
    // 401: nobody is signed in. 403: a second factor is missing, and the answer says where to give it.
    const { status, data } = error.response ?? {}
    if (status !== 401 && status !== 403) throw error
    const url = new URL(data.redirect_browser_to ?? `${ID}/self-service/login/browser`)
    url.searchParams.set("return_to", location.href)
    location.assign(url)
    return undefined
  }
}

async function call() {
  const bearer = await token()
  if (!bearer) return
  const answer = await fetch(`${API}/greeting`, { headers: { Authorization: `Bearer ${bearer}` } })
  document.querySelector("#answer").value = await answer.text()
}

async function signOut() {
  const { data } = await frontend.createBrowserLogoutFlow({ returnTo: location.origin })
  location.assign(data.logout_url)
}

function onPress(id, work) {
  document.querySelector(id).addEventListener("click", () =>
    work().catch((error) => {
      document.querySelector("#answer").value = `It did not work: ${error.message}`
    }),
  )
}

onPress("#call", call)
onPress("#sign-out", signOut)
