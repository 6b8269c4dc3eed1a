"""Is what a rule of redact.py found a secret? Checksums, headers that decode, no placeholders.

Each function takes a match whose group `secret` is the candidate. In doubt a value counts as a secret where
its form is a vendor's own, and as prose where only a word such as "password" stands before it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

_PLACEHOLDER = re.compile(
    r"""^(?: [<{(\[] | \$[A-Za-z_{(@] | \$\d\b | %[\w(]+[)s%] | ![A-Za-z]+$ | --
        | [A-Za-z_.]+[(\[{] | [rbf]?\\?["']
        | \d{4}-\d\d-\d\d | v?\d+(?:\.\d+)+(?!\w) | 1password
        | (?:sha|rfc)-?\d | (?:md|argon|pbkdf|aes|rsa|oauth|utf|base)-?\d*(?:$|[:-]) )
    | :// | \.\.\. | \u2026 | \*\*\* | \$[{(] | \{\{ | x{4} | redacted | example""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# As the first or last word of a value: what manuals, tests, schemas and defaults have in a secret's place.
_NO_SECRET = re.compile(
    r"""admin|bool|boolean|change|changeme|default|demo|dummy|empty|fake|false|foo|foobar|guest|here|hidden|incorrect
    |integer|invalid|key|masked|missing|my|mysql|none|null|nullable|optional|pass|passphrase|passwd
    |placeholder|postgres|pw|pwd|qwerty|random|removed|replace|required|root|sample|secret|some|string|test|testing
    |the|todo|token|true|undefined|unknown|user|username|value|your|abcd1234|abc123|123456|12345678|password\d{0,3}""",
    re.VERBOSE,
)
_PARTS = re.compile(r"[-_.\s/:@]+")
_SLUG_PART = re.compile(r"[A-Za-z]*\d{0,4}")
# Numbers that banks and card schemes publish for tests: nobody's.
_PUBLISHED_CARDS = ("4111111111111111", "4242424242424242", "5555555555554444", "378282246310005")
_PUBLISHED_IBANS = ("GB82WEST12345698765432", "DE89370400440532013000")
# Visa, Mastercard, Discover, JCB with 16 digits, American Express with 15, Diners Club with 14.
_CARD_RANGE = re.compile(
    r"(?:4\d{3}|5[1-5]\d\d|2(?:2[2-9]|[3-6]\d|7[01])\d|6(?:011|4[4-9]\d|5\d\d)|35\d\d)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
)
_INSIDE_NUMBER = re.compile(r"[\w.#/-]$|\d $")
# Addresses at which nobody reads: robots, reserved names (RFC 2606, 6761, 6762), versions, file names.
_NO_MAILBOX = re.compile(
    r"""^(?:git|hg|svn|no-?reply|do-?not-?reply|mailer-daemon)@ | @users\.noreply\.github\.com$
    | [@.]example\.(?:com|org|net|edu)$ | @v?\d+\.\d
    | \.(?:example|test|invalid|localhost|local|localdomain|internal|lan|cluster)$
    | \.(?:png|jpe?g|gif|svg|webp|service|socket|timer|mount|slice|scope|target)$""",
    re.VERBOSE | re.IGNORECASE,
)
_LOGIN_BEFORE = re.compile(r"://[^\s/@]*$|\b(?:ssh|scp|sftp|rsync|mosh)[ \t]+(?:-\w+[ \t]+(?:[\w./~:-]+[ \t]+)?){0,4}$")
_LOGIN_AFTER = (":~", ":/", ":.")


def is_varied(match: re.Match[str]) -> bool:
    """Enough different characters for a random token, and no EXAMPLE in it as the vendors' manuals have."""
    return len(set(match["secret"])) >= 10 and "example" not in match["secret"].lower()


def is_random(match: re.Match[str]) -> bool:
    """A value that no person would choose as a name: letters and digits, not words and numbers in a row."""
    value = match["secret"]
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value) and not re.search(r"[\s(){}\[\]]", value)
    if not mixed or len(value) < 10 or len(set(value)) < 7 or _is_placeholder(value):
        return False
    return not all(_SLUG_PART.fullmatch(part) for part in _PARTS.split(value))


def is_password(match: re.Match[str]) -> bool:
    """A value that a person may have chosen: bare words count only in quotes or after a NAME in capitals."""
    value = match["secret"].rstrip(".:!?)")
    if len(value) < 4 or re.search(r"\s|^[.~]{0,2}/", value) or _is_placeholder(value):
        return False
    if match["quote"] or match["key"].isupper():
        return True
    return len(value) >= 6 and bool(re.search(r"\d|[!@#$%^&*+=?~]", value))


def is_url_password(match: re.Match[str]) -> bool:
    """Any value but a placeholder: a URL has no prose between its colon and its @."""
    return len(match["secret"]) >= 3 and not _is_placeholder(match["secret"])


def is_login(match: re.Match[str]) -> bool:
    """After `-u user:` a password, not the number or name of a group as `docker run` has there."""
    value = match["secret"]
    return len(value) >= 6 and not value.isalpha() and not value.isdigit() and not _is_placeholder(value)


def is_private_key(match: re.Match[str]) -> bool:
    """The marks with a key between them, not the marks alone as an explanation quotes them."""
    return bool(re.search(r"[A-Za-z0-9+/=]{32}", match["secret"]))


def is_jwt(match: re.Match[str]) -> bool:
    """The first part decodes to a JSON object with `alg` (RFC 7515, section 4.1.1)."""
    try:
        header = json.loads(_decoded(match["head"]))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def is_basic(match: re.Match[str]) -> bool:
    """`user:password` in base64 (RFC 7617), which plain words do not decode to."""
    try:
        user, colon, password = _decoded(match["secret"]).decode().partition(":")
    except UnicodeDecodeError:
        return False
    return bool(user and colon) and (user + password).isprintable() and not _is_placeholder(password)


def is_card(match: re.Match[str]) -> bool:
    """A scheme's range and the check digit of ISO/IEC 7812-1, annex B (Luhn); no piece of a URL or a row."""
    number = re.sub(r"\D", "", match["secret"])
    before = match.string[max(0, match.start() - 2) : match.start()]
    if _INSIDE_NUMBER.search(before) or not _CARD_RANGE.fullmatch(number) or number in _PUBLISHED_CARDS:
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[::-2])) + doubled) % 10 == 0 and len(set(number)) > 2


def is_iban(match: re.Match[str]) -> bool:
    """The check digits of ISO 13616-1 (mod 97), 15 characters or more, 10 of them digits."""
    number = match["secret"].replace(" ", "")
    rearranged = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    is_long = len(number) >= 15 and len(re.findall(r"\d", number)) >= 10
    return is_long and int(rearranged) % 97 == 1 and number not in _PUBLISHED_IBANS


def is_mailbox(match: re.Match[str]) -> bool:
    """An address somebody may read, no login as in `ssh user@host`, `://user@host`, `user@host:/path`."""
    start, end = match.span("secret")
    before, after = match.string[max(0, start - 120) : start], match.string[end : end + 2]
    is_login = after in _LOGIN_AFTER or _LOGIN_BEFORE.search(before)
    return not is_login and not _NO_MAILBOX.search(match["secret"])


def _is_placeholder(value: str) -> bool:
    parts = _PARTS.split(value.strip("-_.:/@ ").lower())
    is_word = _NO_SECRET.fullmatch(parts[0]) or _NO_SECRET.fullmatch(parts[-1])
    return len(set(value)) < 3 or bool(is_word or _PLACEHOLDER.search(value))


def _decoded(value: str) -> bytes:
    """The bytes that `value` means in base64 or base64url, b"" where it is neither."""
    try:
        return base64.urlsafe_b64decode(value.replace("+", "-").replace("/", "_") + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return b""
