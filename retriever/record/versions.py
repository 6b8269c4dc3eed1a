"""The record's tables, as a list of migrations: entry N brings a record from version N to version N + 1.

A migration that was shipped is never changed. What SQL cannot say, it calls by name (retriever/record/old_forms.py).
"""

from __future__ import annotations

# The tokens in the FTS5 tables come from retriever/words.py, joined by spaces: letters, digits, "_" and anything
# beyond ASCII. This tokenizer keeps each of them whole.
_WORDS = "tokenize = \"ascii tokenchars '_'\""

_VERSION_1 = f"""
-- `model` is the fingerprint of the model that embedded the memory.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE sources (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    root TEXT,
    url_template TEXT,
    created_at TEXT NOT NULL,
    ingested_at TEXT,
    report TEXT,
    -- Lines that its documents share with a template or with each other; is_settled is 0 while an ingest that may
    -- have changed them has not yet looked at all documents again.
    boilerplate TEXT NOT NULL DEFAULT '[]',
    is_settled INTEGER NOT NULL DEFAULT 1,
    revision INTEGER NOT NULL DEFAULT 0
);

-- What was seen at the last ingest, read or not; a file may hold several documents.
CREATE TABLE files (
    key INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    path TEXT NOT NULL,
    sha256 TEXT,
    read_by TEXT,
    extracted_by TEXT,
    state TEXT NOT NULL CHECK (state IN ('read', 'skipped', 'failed')),
    reason TEXT,
    UNIQUE (source, path)
);
CREATE INDEX files_by_content ON files (source, sha256);

CREATE TABLE documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    file INTEGER REFERENCES files ON DELETE CASCADE,
    path TEXT NOT NULL,
    part TEXT NOT NULL DEFAULT '',
    space TEXT NOT NULL DEFAULT 'everyone',
    title TEXT, date TEXT, severity TEXT, team TEXT, service TEXT, language TEXT, url TEXT,
    authors TEXT NOT NULL DEFAULT '[]',
    tags TEXT NOT NULL DEFAULT '[]',
    origins TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    tokens INTEGER NOT NULL DEFAULT 0,
    checksum TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (source, path, part)
);
CREATE INDEX documents_by_tokens ON documents (tokens);
CREATE INDEX documents_by_file ON documents (file);
CREATE INDEX documents_by_path ON documents (path);
CREATE INDEX documents_by_date ON documents (date, id);
CREATE INDEX documents_by_team ON documents (team);

CREATE TABLE document_tags (
    tag TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    PRIMARY KEY (tag, document)
) WITHOUT ROWID;
CREATE INDEX tags_by_document ON document_tags (document);

-- `digest` identifies what was embedded: rows whose digest stays keep their key and their embedding.
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    section TEXT,
    digest TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages (document, number);

CREATE TABLE lessons (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    kind TEXT NOT NULL,
    polarity TEXT NOT NULL,
    section TEXT,
    context TEXT,
    rule TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX lessons_by_document ON lessons (document, number);

CREATE TABLE embeddings (
    key INTEGER PRIMARY KEY,
    unit TEXT NOT NULL CHECK (unit IN ('passage', 'lesson')),
    owner INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    UNIQUE (unit, owner, fingerprint)
);

-- The sentences of a document, one row for all: spans int32 (n, 2), passages int32 (n), embeddings float16 (n, dim),
-- pieces and piece_ends int32. Read whole for the few documents that a question looks into.
CREATE TABLE sentences (
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    spans BLOB NOT NULL,
    passages BLOB NOT NULL,
    pieces BLOB NOT NULL,
    piece_ends BLOB NOT NULL,
    embeddings BLOB NOT NULL,
    PRIMARY KEY (document, fingerprint)
);

CREATE VIRTUAL TABLE document_words USING fts5 (title, labels, headings, body, {_WORDS});
CREATE VIRTUAL TABLE lesson_words USING fts5 (words, context, {_WORDS});
CREATE VIRTUAL TABLE document_vocabulary USING fts5vocab (document_words, row);

-- What the vector index has to follow; ids only, so nothing that was forgotten lives on here.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    unit TEXT NOT NULL,
    owner INTEGER NOT NULL
);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    document_id TEXT,
    lesson_id TEXT,
    data TEXT NOT NULL DEFAULT '{{}}'
);

-- A lesson that is no longer in its document: its id stays known, its words do not.
CREATE TABLE tombstones (lesson_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, gone_at TEXT NOT NULL) WITHOUT ROWID;

-- Documents that people had removed: they stay away for as long as their file has the same bytes.
CREATE TABLE forgotten (
    source INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    path TEXT NOT NULL,
    part TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (source, path, part)
) WITHOUT ROWID;

CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'contribute', 'admin')),
    sha256 TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE generations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL,
    dim INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'current', 'retired')),
    applied INTEGER NOT NULL DEFAULT 0,
    made_at TEXT NOT NULL
);
"""

_VERSION_2 = """
-- What people told by hand. Each is a document of the source `shared` too, whose text is made from these fields;
-- `id` is the lesson's, `fields` a JSON object, `by` the name of the token that wrote it last.
CREATE TABLE shares (
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    fields TEXT NOT NULL,
    by TEXT NOT NULL DEFAULT '',
    shared_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);

-- Requests that may be sent again: what each came to is remembered for a while, under the key its sender gave it.
CREATE TABLE requests (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    lesson_id TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
"""

_VERSION_3 = """
-- Digests of the lines of each document (retriever/record/lines.py), int64; made anew from its text where missing.
CREATE TABLE document_lines (
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    is_template INTEGER NOT NULL,
    counted BLOB NOT NULL,
    others BLOB NOT NULL
);
"""

_VERSION_4 = """
-- What people say about a lesson, by its id: it outlives every ingest, also one in which the lesson is not there.
-- The counts are those of `voices`.
CREATE TABLE remarks (
    lesson_id TEXT PRIMARY KEY,
    hidden INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    review_on TEXT,
    me_too INTEGER NOT NULL DEFAULT 0,
    helped INTEGER NOT NULL DEFAULT 0,
    outdated INTEGER NOT NULL DEFAULT 0,
    wrong INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX remarks_hidden ON remarks (lesson_id) WHERE hidden;

-- One voice is one token, or one browser.
CREATE TABLE voices (
    lesson_id TEXT NOT NULL,
    voice TEXT NOT NULL,
    says TEXT NOT NULL CHECK (says IN ('me_too', 'helped', 'outdated', 'wrong')),
    at TEXT NOT NULL,
    PRIMARY KEY (lesson_id, voice, says)
) WITHOUT ROWID;

-- What people mended about a document, by its id; `extracted` and `origin` are what the document says itself.
CREATE TABLE mends (
    document_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    extracted TEXT,
    origin TEXT,
    by TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL,
    PRIMARY KEY (document_id, field)
) WITHOUT ROWID;

ALTER TABLE documents ADD COLUMN owner TEXT;
"""

_VERSION_5 = """
-- Questions that were submitted, without secrets; deleted after 90 days. `feed` is the digest of a private address.
CREATE TABLE questions (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    is_gap INTEGER NOT NULL,
    feed TEXT UNIQUE,
    asked_at TEXT NOT NULL,
    learned_at TEXT,
    told_at TEXT,
    fingerprint TEXT,
    embedding BLOB
);
CREATE INDEX questions_by_time ON questions (asked_at);
CREATE INDEX events_by_lesson ON events (lesson_id, type, seq);
"""

_VERSION_6 = """
-- Changes whenever anything changes that an answer or a page may show: what was read before may then be kept no longer
-- (retriever/record/kept.py). Questions, reports and the index's own tables do not count.
CREATE TABLE content (version INTEGER NOT NULL);
INSERT INTO content VALUES (1);
CREATE TRIGGER content_documents_insert AFTER INSERT ON documents BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_documents_update AFTER UPDATE ON documents BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_documents_delete AFTER DELETE ON documents BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_sentences_insert AFTER INSERT ON sentences BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_sentences_delete AFTER DELETE ON sentences BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_remarks_insert AFTER INSERT ON remarks BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_remarks_update AFTER UPDATE ON remarks BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_remarks_delete AFTER DELETE ON remarks BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_sources_update AFTER UPDATE OF name, root, url_template ON sources
BEGIN UPDATE content SET version = version + 1; END;
"""

_VERSION_7 = """
-- Embeddings are float16 from now on, and pieces uint16 (retriever/record/packing.py): `key` is a place, of one model
-- and unit, and in it the passage's or lesson's own key. Nobody searched lessons by their words.
CREATE TABLE models (number INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);
INSERT INTO models (fingerprint) SELECT DISTINCT fingerprint FROM embeddings;
CREATE TABLE packed_embeddings (key INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, embedding BLOB NOT NULL);
INSERT INTO packed_embeddings
SELECT place(m.number, e.unit) + e.owner, halved_checksum(e.embedding, e.checksum), halved(e.embedding)
FROM embeddings e JOIN models m ON m.fingerprint = e.fingerprint ORDER BY 1;
DROP TABLE embeddings;
ALTER TABLE packed_embeddings RENAME TO embeddings;
UPDATE sentences SET pieces = shortened(pieces);
DROP TABLE lesson_words;
"""

_VERSION_8 = """
-- What pieces of words mean in this memory (retriever/record/sense_rows.py): the mean, float16, of the vectors that the
-- model gave them in the first `contexts` places where they stood.
CREATE TABLE senses (key INTEGER PRIMARY KEY, contexts INTEGER NOT NULL, sense BLOB NOT NULL);
"""

_VERSION_9 = """
-- Embeddings, those of sentences too, and senses have eight bits a number from now on (retriever/rounding.py). A sense
-- is a mean of unit vectors, so it has a `length` as well.
UPDATE embeddings SET checksum = rounded_checksum(embedding, checksum, 1), embedding = rounded(embedding, 1);
UPDATE sentences SET checksum = rounded_checksum(embeddings, checksum, length(spans) / 8),
    embeddings = rounded(embeddings, length(spans) / 8);
CREATE TABLE rounded_senses (
    key INTEGER PRIMARY KEY,
    contexts INTEGER NOT NULL,
    length REAL NOT NULL,
    checksum INTEGER NOT NULL,
    -- What content.version was when it was written last: who has read the senses then reads only later ones.
    version INTEGER NOT NULL,
    sense BLOB NOT NULL
);
INSERT INTO rounded_senses
SELECT key, contexts, length_of(sense), checksum_of(rounded(sense, 1)), 0, rounded(sense, 1) FROM senses ORDER BY key;
DROP TABLE senses;
ALTER TABLE rounded_senses RENAME TO senses;
CREATE INDEX senses_by_version ON senses (version);

-- The index of before holds vectors that were not rounded so: it is built anew, to give the same cosines as the record.
UPDATE generations SET state = 'retired';

-- `edited` changes whenever anything of a document changes that was there before: what was read of the others may be
-- kept while new ones come in. `senses_dropped` is the version at which senses went away.
ALTER TABLE content ADD COLUMN edited INTEGER NOT NULL DEFAULT 1;
ALTER TABLE content ADD COLUMN senses_dropped INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER edited_documents_update AFTER UPDATE ON documents
WHEN EXISTS (SELECT 1 FROM sentences WHERE document = NEW.key)
BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_documents_delete AFTER DELETE ON documents BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_sentences_insert AFTER INSERT ON sentences
WHEN EXISTS (SELECT 1 FROM sentences WHERE document = NEW.document AND rowid <> NEW.rowid)
BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_sentences_delete AFTER DELETE ON sentences BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_remarks_insert AFTER INSERT ON remarks BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_remarks_update AFTER UPDATE ON remarks BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_remarks_delete AFTER DELETE ON remarks BEGIN UPDATE content SET edited = edited + 1; END;
CREATE TRIGGER edited_sources_update AFTER UPDATE OF name, root, url_template ON sources
WHEN (OLD.name, OLD.root, OLD.url_template) IS NOT (NEW.name, NEW.root, NEW.url_template)
BEGIN UPDATE content SET edited = edited + 1; END;
"""

MIGRATIONS: tuple[str, ...] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
    _VERSION_7,
    _VERSION_8,
    _VERSION_9,
)
