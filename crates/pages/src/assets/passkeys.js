// Asks the browser for a passkey or a security key and submits the form with its answer. Pages of other makers call
// the functions at the end by their names; the pages that come with the server mark their buttons instead.
(() => {
  "use strict"

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  const named = (name) => document.querySelector(`[name="${name}"]`)
  const withBytes = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }))

  /** Puts an answer into the form and sends it. `members` are those of the answer that are bytes. */
  const submit = (credential, into, members) => {
    const response = {}
    for (const member of members) {
      if (credential.response[member]) response[member] = text(credential.response[member])
    }
    const input = named(into)
    const { id, type, rawId } = credential
    input.value = JSON.stringify({ id, type, rawId: text(rawId), response })
    input.form.submit()
  }

  /** The browser asks for one thing at a time: what waits in a field must go before a button asks. */
  let waiting

  /** Asks for a key that is there. With `signal` it is filled in where the identifier is typed. */
  const use = async ({ publicKey }, into, signal) => {
    waiting?.abort()
    waiting = undefined
    const asked = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      allowCredentials: withBytes(publicKey.allowCredentials),
    }
    const mediation = signal && "conditional"
    const credential = await navigator.credentials.get({ publicKey: asked, mediation, signal })
    submit(credential, into, ["authenticatorData", "clientDataJSON", "signature", "userHandle"])
  }

  /** Asks for a new key, on which the account has the name `account` when there is one. */
  const add = async ({ publicKey }, into, account) => {
    const { user } = publicKey
    const asked = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      user: { ...user, id: bytes(user.id), ...(account && { name: account, displayName: account }) },
      excludeCredentials: withBytes(publicKey.excludeCredentials),
    }
    const credential = await navigator.credentials.create({ publicKey: asked })
    submit(credential, into, ["attestationObject", "clientDataJSON"])
  }

  const asked = (name) => JSON.parse(named(name).value)

  const signIn = () => use(asked("passkey_challenge"), "passkey_login")

  const fillIn = async () => {
    const isAble = await window.PublicKeyCredential?.isConditionalMediationAvailable?.()
    if (!isAble || !named("passkey_challenge") || !named("identifier")) return
    const controller = new AbortController()
    const filled = use(asked("passkey_challenge"), "passkey_login", controller.signal)
    waiting = controller
    // It ends without a passkey when the person chooses another way.
    await filled.catch(() => {})
  }

  const signUp = () => {
    const { credentialOptions, displayNameFieldNames } = asked("passkey_create_data")
    const names = displayNameFieldNames.map((name) => named(name)?.value)
    return add(credentialOptions, "passkey_register", names.find(Boolean))
  }

  const addPasskey = () => add(asked("passkey_create_data"), "passkey_settings_register")

  const useSecurityKey = (options) => use(options ?? asked("webauthn_login_trigger"), "webauthn_login")

  const addSecurityKey = async (options) => {
    const name = named("webauthn_register_displayname")
    if (name) name.required = true
    if (name && !name.reportValidity()) return
    await add(options ?? asked("webauthn_register_trigger"), "webauthn_register")
  }

  const functions = {
    oryPasskeyLogin: signIn,
    oryPasskeyLoginAutocompleteInit: fillIn,
    oryPasskeyRegistration: signUp,
    oryPasskeySettingsRegistration: addPasskey,
    oryWebAuthnLogin: useSecurityKey,
    oryWebAuthnRegistration: addSecurityKey,
  }
  // Older pages call them by names with underscores.
  for (const [name, call] of Object.entries(functions)) {
    window[name] = call
    window[`__${name}`] = call
  }
  window.__oryWebAuthnInitialized = true
  window.dispatchEvent(new CustomEvent("oryWebAuthnInitialized"))

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
    for (const field of document.querySelectorAll("input[data-passkey]")) functions[field.dataset.passkey]()
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start)
  else start()
})()
