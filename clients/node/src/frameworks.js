import { RefusedError, UnavailableError } from "./errors.js"

/** The claims of a request with a good token, or what to answer to it. */
async function judge(verifier, authorization) {
  const [, token] = /^Bearer ([\w.-]+)$/i.exec(authorization ?? "") ?? []
  try {
    if (!token) throw new RefusedError("the request has no token")
    return { claims: await verifier.verify(token) }
  } catch (error) {
    if (error instanceof RefusedError) return { status: 401, headers: { "www-authenticate": "Bearer" } }
    if (error instanceof UnavailableError) return { status: 503, headers: { "retry-after": "5" } }
    throw error
  }
}

/** A middleware of Express: `request.claims` has the claims of a good token. */
export function express(verifier) {
  return async (request, response, next) => {
    const { claims, status, headers } = await judge(verifier, request.headers.authorization)
    if (status) return response.set(headers).sendStatus(status)
    request.claims = claims
    next()
  }
}

/** A hook `onRequest` of Fastify: `request.claims` has the claims of a good token. */
export function fastify(verifier) {
  return async (request, reply) => {
    const { claims, status, headers } = await judge(verifier, request.headers.authorization)
    if (status) return reply.code(status).headers(headers).send()
    request.claims = claims
  }
}

/** A guard for middleware and route handlers of Next: the claims of a good token, or the response to any other request. */
export function next(verifier) {
  return async (request) => {
    const { claims, ...refusal } = await judge(verifier, request.headers.get("authorization"))
    return claims ? { claims } : { response: new Response(null, refusal) }
  }
}
