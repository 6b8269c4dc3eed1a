"""The one analysis of words: what the record stores of a text, and what a question is looked up by.

    tokens("KubeSpawner v1.2 can't start")  -> ['kubespawn', 'kube', 'spawner', 'v1_2', 'v1', '2', 'cant',
    'start']

Words are folded (case, accents, compatibility forms) and stemmed. An identifier, version, path or hyphenated
word is kept whole, its marks as "_", and also given in parts. A token holds only a-z, 0-9, "_" and letters
beyond ASCII, so that FTS5 with `tokenize="ascii tokenchars '_'"` takes it as it is. Time is linear in the
text, whatever it holds.
"""

from __future__ import annotations

import re
import string
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import Stemmer

# Changes when the same text gives other tokens, so that the stored ones can be told to be old.
WORDS_VERSION = "1"

# A question is looked up by its first words; the cost of a lookup grows with them, its quality does not.
MAX_QUERY_WORDS = 64

# Past these a compound is no name that anybody would ask for, but a link or a dump.
MAX_WHOLE_CHARS = 64
MAX_WHOLE_PARTS = 6

_QUESTION_WORDS = (
    "a about after again all also am an and another any anybody anyone anything are as at be because "
    "been before being both but by can cannot cant could couldnt did didnt do does doesnt doing done "
    "dont down during each else ever every everybody everyone everything few for from get gets getting "
    "give given go goes going got had has hasnt have havent having he her here hers him his how however "
    "i if in into is isnt it its itself just keep know let lot made make makes many may me might more "
    "most much must my never no nobody nor not nothing now of off often on once one only or other our "
    "out over own per please put same see seen shall she should shouldnt so some somebody someone "
    "something still such tell than that the their them themselves then there these they thing things "
    "this those through to too under up us very was wasnt we well were what whatever when where whether "
    "which while who whom whose why will with within without wont would wouldnt yet you your"
)
QUESTION_WORDS = frozenset(_QUESTION_WORDS.split())

_COMPOUND = re.compile(r"\w+(?:[.\-/:@'’]+\w+)*")
_APOSTROPHE = re.compile(r"['’]")
_MARKS = re.compile(r"[\W_]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^A-Za-z]+")
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
# Written without spaces between words: looked up by pairs of letters. Compiled, and kept by `re`, when a text first has
# anything beyond ASCII: sets of so many letters take longer than all the others together.
_UNSPACED = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
_RUNS = f"{_UNSPACED}|[^\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
_ACCENTS = re.compile("[\u0300-\u036f]+")

_local = threading.local()


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a question and the token it is looked up by; the parts of a whole compound follow it."""

    text: str
    token: str
    is_whole: bool = False


def tokens(text: str) -> list[str]:
    """The tokens of `text` in order, with repetitions; a compound comes whole first, then in parts."""
    words: list[str] = []
    for found in _COMPOUND.finditer(_folded(text)):
        whole, parts = _words(found.group())
        words += [whole, *parts] if whole else parts
    stemmed: list[str] = _stemmer().stemWords(words)
    return stemmed


def query_words(query: str) -> tuple[QueryWord, ...]:
    """What to look a question up by, distinct, in order; question words only where there is nothing else."""
    told: dict[str, QueryWord] = {}
    passed: dict[str, QueryWord] = {}
    stem = _stemmer().stemWord
    for found in _COMPOUND.finditer(_folded(query)):
        whole, parts = _words(found.group())
        if whole:
            told.setdefault(stem(whole), QueryWord(whole, stem(whole), is_whole=True))
        for part in parts:
            (passed if part in QUESTION_WORDS else told).setdefault(stem(part), QueryWord(part, stem(part)))
        if len(told) >= MAX_QUERY_WORDS:
            break
    return tuple((told or passed).values())[:MAX_QUERY_WORDS]


def without_each(query: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """For each word of the question but question words: (the question without it, the texts of its parts), in order.

    The parts are those that `query_words` gives for the word.
    """
    folded = _folded(query)
    found = []
    for word in _COMPOUND.finditer(folded):
        parts = frozenset(_words(word.group())[1]) - QUESTION_WORDS
        if parts:
            found.append((folded[: word.start()] + folded[word.end() :], parts))
    return tuple(found)


def variants(token: str) -> tuple[str, ...]:
    """What a mistyped `token` may stand for: all words one slip away, with the same first letter.

    Empty for short ones and for those with anything but a-z, where a slip cannot be told from another word.
    Meant for tokens that occur nowhere.
    """
    if not 5 <= len(token) <= 20 or not (token.isascii() and token.isalpha()):
        return ()
    found = dict.fromkeys(_one_slip_away(token))
    found.pop(token, None)
    return tuple(found)


def _one_slip_away(token: str) -> Iterator[str]:
    for at in range(1, len(token) + 1):
        head, tail = token[:at], token[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in string.ascii_lowercase:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def _folded(text: str) -> str:
    """`text` in compatibility form without accents; its case still tells camelCase apart."""
    if text.isascii():
        return text
    # Only the accents that Latin, Greek and Cyrillic share: the marks of other scripts make other letters.
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def _words(compound: str) -> tuple[str, list[str]]:
    """The compound as one word, "" where it has no parts or would be too long, and its parts."""
    joined = _APOSTROPHE.sub("", compound)
    parts = [part for part in _MARKS.split(joined) if part]
    found = [piece.casefold() for part in parts for piece in _split(part)]
    if len(found) < 2 or len(joined) > MAX_WHOLE_CHARS or len(found) > MAX_WHOLE_PARTS:
        return "", found
    return "_".join(part.casefold() for part in parts), found


def _split(part: str) -> list[str]:
    """A run of letters and digits at its humps, unspaced scripts in pairs; nothing longer than a whole."""
    if _CAMEL.search(part) and len(part) <= MAX_WHOLE_CHARS:
        return _HUMPS.findall(part)
    if part.isascii() or not re.search(_UNSPACED, part):
        return [part[:MAX_WHOLE_CHARS]]
    return [pair for run in re.findall(_RUNS, part) for pair in _pairs(run)]


def _pairs(run: str) -> list[str]:
    if not re.match(_UNSPACED, run):
        return [run[:MAX_WHOLE_CHARS]]
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def _stemmer() -> Stemmer.Stemmer:
    """This thread's stemmer: one must not be used by two threads at once."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    stemmer: Stemmer.Stemmer = _local.stemmer
    return stemmer
