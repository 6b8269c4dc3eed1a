"""Which language a text is in, by its most common words: enough to recommend a multilingual model."""

from __future__ import annotations

import re
from collections import Counter

# The commonest short words of each, without those that several share.
_WORDS = {
    "en": "the and was were that this with for from which not are our have been when they but would should",
    "de": "der die das und ist nicht ein eine wurde wurden mit auf für dass sich werden auch nach wir zum",
    "fr": "le les des une est pas dans pour que qui sur avec nous été cette du ont aux par plus sont",
    "es": "el los las una que por con para fue como más pero del este esta han sido cuando nos sus",
    "it": "il gli che non una per con sono della nel questo stato come anche alla dei più è hanno dal",
    "pt": "os uma não com para foi que mais dos das pelo ao quando nos são esta este também pela em",
    "nl": "het een van niet dat werd zijn voor met naar ook maar deze door onze werden bij wij als hebben",
    "sv": "och att det som inte är var för med har till vi den ett av på kunde från när detta",
    "da": "og det at ikke er var for med har til vi den et af på kunne fra da dette blev",
    "pl": "nie się że na jest był było przez dla oraz które został były jak ale tego po do ze tym",
    "tr": "ve bir bu için ile olarak daha çok olan oldu değil sonra kadar gibi biz ancak her şey ne",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _list in _WORDS.items():
    for _word in _list.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+", re.DOTALL)
_SAMPLE_CHARS = 20_000
_MIN_WORDS = 6


def language_of(text: str) -> str | None:
    """A two-letter ISO 639-1 code, or None when the text is too short or too mixed to tell."""
    sample = _CODE.sub(" ", text[:_SAMPLE_CHARS])
    letters = sum(map(str.isalpha, sample))
    for language, script in _SCRIPTS:
        # Japanese is half Chinese characters, so its own letters decide at a lower share.
        if letters and len(script.findall(sample)) > (0.1 if language == "ja" else 0.3) * letters:
            return language
    votes: Counter[str] = Counter()
    for word in re.findall(r"[^\W\d_]+", sample.lower()):
        votes.update(_LANGUAGES_OF.get(word, ()))
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < _MIN_WORDS:
        return None
    runner_up = ranked[1][1] if len(ranked) > 1 else 0
    return ranked[0][0] if ranked[0][1] >= 1.5 * runner_up else None
