"""Secrets and personal data out of a text, before anything is stored: one table, `RULES`, says which.

A rule first looks for a literal that its secrets cannot do without, and runs its pattern only over the lines
that hold one. What a pattern finds must pass the rule's check (plausible.py), and its group `secret` becomes
`[redacted:rule-name]`. The mark has no space, so that a link around it stays a link; no line comes or goes.
`python -m ingest.redact PATH...` counts what would go; docs/redaction.md has the reasons and the figures.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest import plausible

REDACTOR_VERSION = 1
_MAX_PASSES = 8
_SHORTEST_TOKEN = 20

View = Literal["text", "long", "lower"]


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without its secrets, and how many each rule took, 1 or more, in the order of `RULES`."""

    text: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of secret looks like.

    At least one of `hints` is in every line with such a secret; () means that no literal is. `view` says
    where they are sought: in words of 20 characters or more (`long`), in lower case (`lower`) or anywhere.
    `written` is a pattern that takes linear time on any text, with a group `secret`. After a match that is
    not real the search goes on behind it, or behind its group `key` where it has one.
    """

    name: str
    hints: tuple[str, ...]
    written: str
    flags: re.RegexFlag
    is_real: Callable[[re.Match[str]], bool]
    spans_lines: bool = False
    view: View = "text"

    @property
    def pattern(self) -> re.Pattern[str]:
        """`written`, compiled when a hint is first met, and kept by `re`: who asks one question needs few."""
        return re.compile(self.written, self.flags)


def redact(text: str) -> Redaction:
    """`text` with every secret replaced by `[redacted:rule-name]`; as many lines as before, linear time.

    Redacting the result again changes nothing. A text without secrets comes back as the same object.
    """
    counts: Counter[str] = Counter()
    # A mark cuts short the value it stands in, and what is left may be a secret by itself: so once more.
    for _ in range(_MAX_PASSES):
        before = counts.total()
        text = _redact_once(text, counts)
        if counts.total() == before:
            break
    return Redaction(text, tuple((rule.name, counts[rule.name]) for rule in RULES if rule.name in counts))


def _redact_once(text: str, counts: Counter[str]) -> str:
    """`text` after one pass of all rules; adds to `counts`."""
    views = _views(text)
    for rule in RULES:
        view = views[rule.view]
        hints = [hint for hint in rule.hints if hint in view]
        if rule.hints and not hints:
            continue
        everything = rule.spans_lines or not hints
        searched = text if rule.view == "long" else view
        spans = [(0, len(text))] if everything else _lines_with(hints, searched)
        redacted, count = _apply(rule, text, spans)
        if count:
            text, views = redacted, _views(redacted)
            counts[rule.name] += count
    return text


def _views(text: str) -> dict[View, str]:
    """Where hints are sought: `long` is a fifth of most texts, `lower` keeps every character at its place."""
    long_words = [word for word in text.split() if len(word) >= _SHORTEST_TOKEN]
    # U+0130 is the one character whose lower case is longer than it is.
    return {"text": text, "long": " ".join(long_words), "lower": text.replace("\u0130", "i").lower()}


def _apply(rule: Rule, text: str, spans: list[tuple[int, int]]) -> tuple[str, int]:
    """`text` without what `rule` finds in `spans`, which are in order and apart, and how much that was."""
    pieces: list[str] = []
    kept = count = 0
    pattern = rule.pattern
    resume = "key" if "key" in pattern.groupindex else 0
    for start, end in spans:
        while match := pattern.search(text, start, end):
            if not rule.is_real(match):
                start = match.end(resume)
                continue
            first, start = match.span("secret")
            pieces += text[kept:first], f"[redacted:{rule.name}]", re.sub(r"[^\r\n]+", "", match["secret"])
            kept = start
            count += 1
    return "".join([*pieces, text[kept:]]), count


def _lines_with(hints: list[str], haystack: str) -> list[tuple[int, int]]:
    """The (start, end) of every line with at least one of `hints`, in order, none twice."""
    lines = set()
    for hint in hints:
        end = 0
        while (at := haystack.find(hint, end)) >= 0:
            end = haystack.find("\n", at)
            end = len(haystack) if end < 0 else end
            lines.add((haystack.rfind("\n", 0, at) + 1, end))
    return sorted(lines)


# No letter or digit before, unless it ends an escape: `\nghp_...` in a log line, `%3Dghp_...` in a URL.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_SEPARATOR = (
    r"(?:[\"'`*_)\\]|(?<=[\"'])\]){0,4}[ \t]{0,8}"
    r"(?:=>|:=|={1,3}|:|\|(?=[ \t])|\b(?:is|was|set to)[ \t](?=[ \t]{0,3}[\"'`]))[ \t*_]{0,8}"
)
_VALUE = (
    r"(?:[brf]?\\?(?P<quote>[\"'`]))?(?P<secret>(?(quote)(?:(?!(?P=quote)|\\[\"'])[^\n]){1,256}(?=\\?(?P=quote)|$)"
    r"|(?:(?!\[redacted:|&\w{1,32}=)[^\s\"'`,;|<]){1,256}(?<![.:)*\]}])))"
)
_KEY_FLAGS = re.IGNORECASE | re.ASCII | re.MULTILINE


def _assignment(name: str, words: str, is_real: Callable[[re.Match[str]], bool]) -> Rule:
    """`key: value`, `key = value`, `| key | value |`; a `_` in a key may also be a space, - or nothing."""
    hints = tuple(dict.fromkeys(word.rpartition("_")[2] for word in words.split()))
    keys = "|".join(words.split()).replace("_", "[ _-]?")
    pattern = rf"(?P<key>{keys}){_SEPARATOR}{_VALUE}"
    return Rule(name, hints, pattern, _KEY_FLAGS, is_real, view="lower")


def _option(name: str, words: str, is_real: Callable[[re.Match[str]], bool]) -> Rule:
    """`--key value` and `--some-key value`."""
    hints = tuple(f"-{word}" for word in words.split())
    pattern = rf"-(?P<key>{'|'.join(words.split())})[ \t]{{1,8}}{_VALUE}"
    return Rule(name, hints, pattern, _KEY_FLAGS, is_real, view="lower")


def _token(name: str, prefixes: str, body: str, is_real: Callable[[re.Match[str]], bool] = plausible.is_varied) -> Rule:
    """A vendor's token: one of `prefixes`, then `body`, which takes all it can so that no tail is left."""
    hints = tuple(prefixes.split())
    heads = "|".join(map(re.escape, hints))
    return Rule(name, hints, rf"{_EDGE}(?P<secret>(?:{heads}){body})", re.ASCII, is_real, view="long")


def _shape(name: str, hints: str, pattern: str, is_real: Callable[[re.Match[str]], bool]) -> Rule:
    return Rule(name, tuple(hints.split()), pattern, re.ASCII, is_real)


_KEY_MARK = r"-----{} (?:[A-Z0-9]{{1,20}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = (
    rf"(?P<secret>{_KEY_MARK.format('BEGIN')}(?:(?:[^-]++|-(?!----))*+{_KEY_MARK.format('END')}"
    # Cut off before its end: only what still looks like a header or base64.
    r"|(?:(?:\s|\\[nr])++(?:[A-Za-z0-9+/=]{16,}+|(?:Proc-Type|DEK-Info):[^\n]*+))*+))"
)
_CARD = r"(?P<secret>[2-6]\d{3}([ -]?)(?:\d{4}\2\d{4}\2\d{4}|\d{6}\2\d{4,5}))(?![\w-]|\.\d| [0-9A-F]{4}\b)"
_IBAN = (
    r"(?P<secret>[A-Z][A-Z]\d\d(?<![A-Za-z0-9].{4})( ?)[A-Z0-9]{4}(?:\2[A-Z0-9]{4}){1,6}(?:\2[A-Z0-9]{1,3})?)"
    r"(?![A-Za-z0-9])"
)

_AT = r"@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}"

# In this order: what has a form of its own, then what only its surroundings give away.
RULES = (
    Rule(
        "private-key",
        ("PRIVATE KEY",),
        _PRIVATE_KEY,
        re.ASCII,
        plausible.is_private_key,
        spans_lines=True,
    ),
    _token("aws-key", "AKIA ASIA ABIA ACCA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _token("google-key", "AIza GOCSPX- ya29. 1//0", r"[\w.-]{25,}"),
    _token("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w{36,}"),
    _token("gitlab-token", "glpat- gldt- glrt- glptt-", r"[\w.-]{20,}"),
    _token("slack-token", "xox xapp-", r"[\w.-]{20,}", plausible.is_random),
    _token("stripe-key", "sk_live_ rk_live_ sk_test_ whsec_", r"[\w+/=]{16,}"),
    _token("npm-token", "npm_", r"[A-Za-z0-9]{36,}"),
    _token("pypi-token", "pypi-AgE", r"[\w-]{50,}"),
    _token("sendgrid-key", "SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    _token("twilio-key", "SK", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    _token("model-key", "sk-", r"[\w-]{20,}", plausible.is_random),
    _token("hugging-face-token", "hf_", r"[A-Za-z0-9]{30,}"),
    _token("hashicorp-token", "hvs. hvb.", r"[\w-]{24,}"),
    _token(
        "other-token",
        "dop_v1_ dckr_pat_ shpat_ glsa_ NRAK- sntrys_ ATATT3 lin_api_",
        r"[\w=-]{20,}",
    ),
    _shape(
        "jwt",
        "eyJ",
        rf"{_EDGE}(?P<secret>(?P<head>eyJ[\w-]{{8,}}+)\.[\w-]{{8,}}+(?:\.[\w-]*+){{1,3}})",
        plausible.is_jwt,
    ),
    _shape(
        "webhook",
        "hooks.slack.com/ /api/webhooks/ .webhook.office.com/",
        r"(?:hooks\.slack\.com/\w{1,20}/|/api/webhooks/|\.webhook\.office\.com/\w{1,20}/)(?P<secret>[\w/@-]{20,})",
        plausible.is_random,
    ),
    _shape(
        "signed-url",
        "sig= Signature= Security-Token=",
        r"(?:[?&;]sig|X-(?:Amz|Goog)-Signature|X-Amz-Security-Token)=(?P<secret>[\w%+/=.-]{32,})",
        plausible.is_varied,
    ),
    _shape("url-token", "://", r"://(?P<secret>[\w.-]{20,}+)(?=(?::[^\s/@]{0,256}+)?@)", plausible.is_random),
    _shape(
        "url-password",
        "://",
        r"://[^\s/:@\"'`<>\[]{0,256}+:(?P<secret>[^\s/\"'`<>]{1,256})@(?=[\w\[{$])",
        plausible.is_url_password,
    ),
    _shape("bearer-token", "earer", r"[Bb]earer[ \t]{1,8}(?P<secret>[\w.~+/-]{16,}=*)", plausible.is_random),
    _shape("basic-login", "asic", r"[Bb]asic[ \t]{1,8}(?P<secret>[A-Za-z0-9+/_-]{6,}+={0,2})", plausible.is_basic),
    _shape(
        "login-option",
        "-u",
        r"(?<![\w-])-u[ \t]{0,8}[\"']?[\w.@-]{1,64}+:(?!:)(?P<secret>[^\s\"'`|]{1,256})",
        plausible.is_login,
    ),
    _option("password-option", "password passwd passphrase", plausible.is_password),
    _option("secret-option", "secret token key", plausible.is_random),
    _assignment("password", "password passwd passphrase passcode pwd", plausible.is_password),
    _assignment(
        "secret",
        "secret token api_key access_key secret_key account_key auth_key private_key signing_key "
        "encryption_key shared_key credential credentials",
        plausible.is_random,
    ),
    _shape("card-number", "", _CARD, plausible.is_card),
    _shape("iban", "", _IBAN, plausible.is_iban),
    Rule(
        "email",
        ("@",),
        rf"(?<![\w.%+@-])[.%+-]*+(?P<secret>\w[\w.%+-]*+{_AT}(?:[\w.%+-]*+{_AT})*)",
        re.NOFLAG,
        plausible.is_mailbox,
    ),
)


def _measure(paths: tuple[str, ...]) -> Iterator[str]:
    """One line a rule for the text files at or below `paths`: how often, in how many; never what it found."""
    matches: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for file in (file for path in map(Path, paths) for file in ([path] if path.is_file() else sorted(path.rglob("*")))):
        if file.is_file() and b"\0" not in (data := file.read_bytes()):
            files["all"] += 1
            for name, count in redact(data.decode(errors="replace")).counts:
                matches[name] += count
                files[name] += 1
    yield f"{files['all']} text files\n"
    yield from (f"{name:20}{matches[name]:7} in {files[name]} files\n" for name in matches)


if __name__ == "__main__":
    sys.stdout.writelines(_measure(tuple(sys.argv[1:])))
