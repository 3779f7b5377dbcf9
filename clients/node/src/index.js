export { RefusedError, SessionGoneError, UnavailableError } from "./errors.js"
export { express, fastify, next } from "./frameworks.js"
export { TokenHolder } from "./hold.js"
export { Verifier } from "./verify.js"
