"""What an access token allows: each scope allows what those before it do, and more."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

# To look things up; to write lessons, corrections and documents; to do what cannot be undone, and to run the place.
SCOPES = ("read", "contribute", "admin")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a request is from, as far as a token says it; `name` is "" for somebody who needs none."""

    name: str
    scope: str

    def may(self, scope: str) -> bool:
        """Whether this holder is let in where `scope` is asked for."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


def token_digest(secret: str) -> str:
    """What is kept of a token: enough to know it again, of no use for getting in."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
