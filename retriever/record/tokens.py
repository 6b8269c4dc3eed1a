"""Access tokens: who may read, contribute or administer. Only hashes are kept."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime

from retriever.errors import InvalidQuery, NotFound
from retriever.record.database import Database
from retriever.scopes import SCOPES, Holder, token_digest


class Tokens:
    """The access tokens of a memory. A token is 32 random bytes, so a plain SHA-256 cannot be searched back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, scope: str) -> str:
        """The secret of a new token; it is shown this once and stored nowhere."""
        if scope not in SCOPES:
            raise InvalidQuery(f"There is no scope {scope!r}; the scopes are {', '.join(SCOPES)}.", "scope")
        secret = "lessons_" + secrets.token_urlsafe(32)
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM tokens WHERE name = ?", (name,)).fetchone():
                raise InvalidQuery(f"There is a token {name!r} already. Revoke it first or take another name.", "name")
            connection.execute(
                "INSERT INTO tokens (name, scope, sha256, created_at) VALUES (?, ?, ?, ?)",
                (name, scope, token_digest(secret), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
            )
        return secret

    def names(self) -> tuple[tuple[str, str, str], ...]:
        """(name, scope, created at) of every token, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, scope, created_at FROM tokens ORDER BY name").fetchall()
        return tuple((row[0], row[1], row[2]) for row in rows)

    def revoke(self, name: str) -> None:
        """The token lets nobody in any more."""
        with self._database.write() as connection:
            if connection.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount == 0:
                raise NotFound(f"There is no token {name!r}; `lessons token list` shows them.")

    def holder(self, digest: str) -> Holder | None:
        """Whose token has this digest, None when it is nobody's; takes the same time for every wrong one."""
        given = digest.encode("utf-8", "replace")
        found = None
        with self._database.read() as connection:
            for row in connection.execute("SELECT name, scope, sha256 FROM tokens"):
                if hmac.compare_digest(given, row["sha256"].encode()):
                    found = Holder(row["name"], row["scope"])
        return found
