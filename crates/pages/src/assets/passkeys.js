// Asks the browser for a passkey and submits the form with its answer. Pages of other makers call the
// functions at the end by their names; the pages that come with the server mark their buttons instead.
(() => {
  "use strict"

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  const field = (name) => document.querySelector(`input[name="${name}"]`)
  const withBytes = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }))

  /** Puts an answer into the form and sends it. `members` are those of the answer that are bytes. */
  const submit = (credential, into, members) => {
    const response = {}
    for (const member of members) {
      if (credential.response[member]) response[member] = text(credential.response[member])
    }
    const input = field(into)
    const { id, type, rawId } = credential
    input.value = JSON.stringify({ id, type, rawId: text(rawId), response })
    input.form.submit()
  }

  const signIn = async () => {
    const { publicKey } = JSON.parse(field("passkey_challenge").value)
    publicKey.challenge = bytes(publicKey.challenge)
    publicKey.allowCredentials = withBytes(publicKey.allowCredentials)
    const credential = await navigator.credentials.get({ publicKey })
    submit(credential, "passkey_login", ["authenticatorData", "clientDataJSON", "signature", "userHandle"])
  }

  const add = async () => {
    const { publicKey } = JSON.parse(field("passkey_create_data").value)
    publicKey.challenge = bytes(publicKey.challenge)
    publicKey.user.id = bytes(publicKey.user.id)
    publicKey.excludeCredentials = withBytes(publicKey.excludeCredentials)
    const credential = await navigator.credentials.create({ publicKey })
    submit(credential, "passkey_settings_register", ["attestationObject", "clientDataJSON"])
  }

  const functions = { oryPasskeyLogin: signIn, oryPasskeySettingsRegistration: add }
  Object.assign(window, functions)

  const start = () => {
    if (!window.PublicKeyCredential) return
    for (const button of document.querySelectorAll("button[data-passkey]")) {
      const failure = document.getElementById(button.dataset.failure)
      button.addEventListener("click", async () => {
        failure.hidden = true
        try {
          await functions[button.dataset.passkey]()
        } catch {
          // The person has thought better of it, or no device could answer.
          failure.hidden = false
        }
      })
      button.hidden = false
    }
    for (const hint of document.querySelectorAll("[data-without-passkeys]")) hint.hidden = true
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start)
  else start()
})()
