// A device that keeps one key and answers what a site asks of it (W3C Web Authentication), as browsers hand the answers on.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto"

const PRESENT = 0x01
const VERIFIED = 0x04
const WITH_KEY = 0x40

const sha256 = (bytes) => createHash("sha256").update(bytes).digest()
const base64url = (bytes) => Buffer.from(bytes).toString("base64url")

export class Authenticator {
  #pair = generateKeyPairSync("ec", { namedCurve: "P-256" })
  #id = randomBytes(32)
  #count = 0
  #owner = Buffer.alloc(0)

  constructor(origin) {
    this.origin = origin
    this.domain = new URL(origin).hostname
  }

  /** The answer to options by which a key is added, as text. */
  create({ publicKey }) {
    this.#owner = Buffer.from(publicKey.user.id, "base64url")
    const length = Buffer.alloc(2)
    length.writeUInt16BE(this.#id.length)
    const data = Buffer.concat([this.#data(WITH_KEY), Buffer.alloc(16), length, this.#id, this.#publicKey()])
    const attestationObject = Buffer.concat([
      Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746158", "hex"),
      Buffer.from([data.length]),
      data,
    ])
    return this.#answer({
      clientDataJSON: base64url(this.#client("webauthn.create", publicKey.challenge)),
      attestationObject: base64url(attestationObject),
    })
  }

  /** The answer to options by which somebody signs in, as text. */
  get({ publicKey }) {
    const data = this.#data(0)
    const client = this.#client("webauthn.get", publicKey.challenge)
    const signature = sign("sha256", Buffer.concat([data, sha256(client)]), this.#pair.privateKey)
    return this.#answer({
      clientDataJSON: base64url(client),
      authenticatorData: base64url(data),
      signature: base64url(signature),
      userHandle: base64url(this.#owner),
    })
  }

  /** The key as an Ory Kratos keeps it, of an owner whom it calls by this handle. */
  export(handle) {
    this.#owner = Buffer.from(handle)
    const base64 = (bytes) => Buffer.from(bytes).toString("base64")
    return {
      credentials: [{ id: base64(this.#id), public_key: base64(this.#publicKey()), display_name: "brought along" }],
      user_handle: base64(this.#owner),
    }
  }

  #client(type, challenge) {
    return JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false })
  }

  #data(more) {
    const tail = Buffer.alloc(5)
    tail.writeUInt8(PRESENT | VERIFIED | more)
    this.#count += 1
    tail.writeUInt32BE(this.#count, 1)
    return Buffer.concat([sha256(this.domain), tail])
  }

  /** In the form of COSE (RFC 9052, section 7). */
  #publicKey() {
    const { x, y } = this.#pair.publicKey.export({ format: "jwk" })
    const bytes = (text) => Buffer.from(text, "base64url")
    return Buffer.concat([Buffer.from("a5010203262001215820", "hex"), bytes(x), Buffer.from("225820", "hex"), bytes(y)])
  }

  #answer(response) {
    const id = base64url(this.#id)
    return JSON.stringify({ id, rawId: id, type: "public-key", authenticatorAttachment: "platform", clientExtensionResults: {}, response })
  }
}
