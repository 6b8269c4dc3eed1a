"""Mail, one message or a mailbox: a Reading a message. Quotes stay; attachments are named, not read."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, Message

from ingest.readers.reading import Reading, normalise_newlines
from ingest.readers.text import decode
from retriever.errors import SourceError

MAX_MESSAGES = 100_000
_FROM_LINE = re.compile(rb"^From (?=\S+@?\S* .*\d{4})", re.MULTILINE)
_KEPT_HEADERS = ("subject", "from", "to", "cc", "date", "list-id", "keywords", "message-id")
_SHOWN_HEADERS = ("from", "date")
# Under a paragraph, a line of dashes would make that paragraph a heading.
_DASHES = re.compile(r"(?<=[^\n])\n(?=(?:-+|=+)[ \t]*$)", re.MULTILINE)
_SIGNATURE = re.compile(r"\n--[ \t]*\n", re.MULTILINE)


def read(data: bytes, name: str) -> list[Reading]:
    """A Reading a message, `part` its Message-ID or place in a mailbox; None for a single message."""
    starts = [match.start() for match in _FROM_LINE.finditer(data)]
    if not starts or starts[0] != 0:
        return [_reading(data, name, None)]
    if len(starts) > MAX_MESSAGES:
        raise SourceError(f"{name!r} holds {len(starts)} messages; split it into boxes of at most {MAX_MESSAGES}.")
    pieces = (data[start:end].partition(b"\n")[2] for start, end in zip(starts, [*starts[1:], len(data)], strict=True))
    return [_reading(piece, name, number) for number, piece in enumerate(pieces, 1) if piece.strip()]


def _reading(data: bytes, name: str, number: int | None) -> Reading:
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
        headers = {key: _header(message, key) for key in _KEPT_HEADERS}
        body, warnings = _body(message)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError) as error:
        # Python's header parser fails in many ways on spam; the words are still there.
        text, _ = decode(data)
        return Reading(text, _part({}, number), (), (f"The message is malformed ({error}) and was read as text.",))
    subject = headers["subject"]
    shown = [f"**{key.capitalize()}**: {headers[key]}" for key in _SHOWN_HEADERS if headers[key]]
    blocks = [f"# {subject}" if subject else "", "  \n".join(shown), _as_markdown(body)]
    fields = [(key, value) for key, value in headers.items() if value]
    if subject:
        fields.insert(0, ("title", re.sub(r"^(?:(?:re|fwd?|aw|wg)\s*:\s*)+", "", subject, flags=re.IGNORECASE)))
    text = "\n\n".join(filter(None, blocks)) + "\n"
    return Reading(text, _part(headers, number), tuple(fields), warnings)


def _part(headers: dict[str, str], number: int | None) -> str | None:
    if number is None:
        return None
    return headers.get("message-id", "").strip("<> ") or f"message {number}"


def _header(message: EmailMessage, key: str) -> str:
    value = message.get(key)
    return " ".join(str(value).split()) if value is not None else ""


def _body(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    plain, html, attachments = [], [], []
    for piece in message.walk():
        if piece.is_multipart():
            continue
        if piece.get_filename() or piece.get_content_maintype() != "text":
            attachments.append(piece.get_filename() or piece.get_content_type())
        elif piece.get_content_subtype() == "html":
            html.append(_content(piece))
        else:
            plain.append(_content(piece))
    warnings = (
        (f"{len(attachments)} attachment(s) were not read: {', '.join(attachments[:5])}.",) if attachments else ()
    )
    if any(map(str.strip, plain)) or not html:
        return "\n\n".join(plain), warnings
    from ingest.readers.html import markdown_from

    return "\n\n".join(map(markdown_from, html)), warnings


def _content(piece: Message) -> str:
    payload = piece.get_payload(decode=True)
    charset = piece.get_content_charset()
    data = payload if isinstance(payload, bytes) else b""
    if charset:
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data)[0]


def _as_markdown(body: str) -> str:
    text = normalise_newlines(body)
    text = _SIGNATURE.sub("\n\n---\n\n", text)
    return _DASHES.sub("\n\n", text).strip()
