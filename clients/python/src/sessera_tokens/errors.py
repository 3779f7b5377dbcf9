"""Why there are no claims, or no token."""


class Refused(Exception):
    """The token is not good. Answer 401; asking again with the same token changes nothing."""


class Unavailable(Exception):
    """Nobody can say now whether the token is good, or no new one can be had. Answer 503; later it may work."""


class SessionGone(Exception):
    """The session is over, or it asks for a proof that is missing. The person has to sign in."""
