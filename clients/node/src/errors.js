/** The token is not good. Answer 401; asking again with the same token changes nothing. */
export class RefusedError extends Error {
  name = "RefusedError"
}

/** Nobody can say now whether the token is good, or no new one can be had. Answer 503; later it may work. */
export class UnavailableError extends Error {
  name = "UnavailableError"
}

/** The session is over, or it asks for a proof that is missing. The person has to sign in. */
export class SessionGoneError extends Error {
  name = "SessionGoneError"
}
