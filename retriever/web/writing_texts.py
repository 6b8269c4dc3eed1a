"""The interface's English: what people add, say and put right. Templates know this module as `w`."""

NAV_SHARE = "Share"
NAV_SHARE_WHAT = "a lesson"
EMPTY_SHARE_TITLE = "Or begin by hand"
EMPTY_SHARE_TEXT = "Tell the first lesson yourself, or hand over a few files:"
SHARE_TITLE = "Share a lesson"
SHARE_WHY = "A minute of yours saves somebody else the mistake. Successes count as much as failures."
EDIT_TITLE = "Reword this lesson"
SHARE_FIELDS = {
    "happened": ("What happened?", "A sentence or two is enough."),
    "learned": ("What did you learn?", "The lesson itself, so that somebody in another team can use it."),
    "next": ("What to do next time?", "It is found as a recommendation of its own."),
    "title": ("Title", ""),
    "date": ("When", "2024-05-31, 2024-05 or 2024; today if left empty"),
    "team": ("Team", ""),
    "tags": ("Tags", "With commas between"),
    "link": ("Link", "Where more can be read"),
    "author": ("Your name", "Leave it empty to stay anonymous"),
}
SHARE_POLARITY = "How did it go?"
SHARE_POLARITIES = {"success": "It went well", "failure": "It went wrong", "neutral": "Neither"}
SHARE_MORE = "If you like"
SHARE_OPTIONAL = "optional"
SHARE_PREVIEW = "Preview"
SHARE_BUTTON = "Share it"
EDIT_BUTTON = "Save"
SHARE_REDACTS = "Passwords, keys and mail addresses are taken out before anything is kept."
PREVIEW_TITLE = "This is how it will read"
PREVIEW_REDACTED = "{} taken out: it looked like a secret or a mail address."
SHARED = "Thank you. It is recorded, and whoever asks finds it from now on."
REWORDED = "It is reworded, and found in its new words."
WITHDRAWN = "It is withdrawn."
REDACTED = "We took out what looked like a secret or a mail address: {} in all."
WITHDRAW = "Withdraw this lesson"
WITHDRAW_SURE = "It is removed for good, with all that was told beside it."
WITHDRAW_BUTTON = "Withdraw it"
EDIT_SHARED = "Reword or withdraw"
ALIKE_TITLE = "Somebody has already learned this"
ALIKE_NONE = "Nobody has recorded anything like it yet. Yours will be the first."
ALIKE_WAITING = "While you write, lessons like yours show here."
ALIKE_HELP = "Is it the same? Then one click counts you in, and you need not write it."
ALIKE_ME_TOO = "Me too"
SHARE_FILES = "Or hand over files"
FILES_TITLE = "Hand over files"
FILES_WHY = (
    "Postmortems, notes, exports: Markdown, PDF, Word, spreadsheets and more. Lessons finds what was learned in them."
)
FILES_DROP = "Drop files here, or choose them"
FILES_LABEL = "Files"
FILES_BUTTON = "Hand them over"
FILES_REPORT = "What came of them"
FILES_SUM = "{} files seen = {} read + {} unchanged + {} left out + {} failed"
FILES_ASKING = "Reading {} …"
FILES_FAILED = "It did not arrive. Try it once more."
FILE_STATES = {"read": "read", "unchanged": "unchanged", "skipped": "left out", "failed": "could not be read"}
FILE_READ = "lessons found: {}"
FILE_REDACTED = "secrets and addresses taken out: {}"
CORRECT = "Correct"
LESSON_TITLE = "One lesson"
LESSON_HIDDEN = "This lesson is hidden: it is kept, and shown in no answer."
SAY_TITLE = "What did you find?"
SAY_WHAT_FOR = "It counts once, moves the order of answers a little, and says nothing about anybody."
SAYINGS = {"helped": "This helped", "me_too": "Me too", "outdated": "Outdated", "wrong": "Wrong"}
SAYINGS_HELP = {
    "helped": "It was of use to me",
    "me_too": "It happened to us too",
    "outdated": "It was true once",
    "wrong": "It is not so",
}
SAY_UNKNOWN = "Say one of: {}."
SAID = "Thank you. It counts."
SAID_NO_LONGER = "It does not count any more."
ME_TOO_COUNT = "Me too: {}"
OUTDATED_COUNT = "Outdated, say {}"
WRONG_COUNT = "Wrong, say {}"
PINNED = "Pinned"
PIN = "Pin it"
UNPIN = "Unpin it"
HIDE = "Hide it"
SHOW_AGAIN = "Show it again"
CORRECT_TITLE = "Put it right"
CORRECT_HELP = (
    "A pinned lesson is marked as important and comes a little earlier. A hidden one is in no answer any more, also "
    "after the next ingest."
)
CORRECTED = {
    "hide": "It is hidden. No answer shows it any more.",
    "show": "It is shown again.",
    "pin": "It is pinned.",
    "unpin": "It is not pinned any more.",
    "save": "It is saved.",
}
MEND_TITLE = "Mend what is known about its document"
MEND_HELP = "What you change stays through every ingest and is shown as mended. An empty field gives back its own."
MEND_FIELDS = {
    "date": "Date",
    "severity": "Severity",
    "team": "Team",
    "owner": "Who looks after it",
    "review_on": "When to look at it again",
}
MENDED = "It is mended."
MENDED_SIGN = "mended"
HIDDEN_HERE = "Hidden lessons"
NAV_GAPS = "Gaps"
GAPS_TITLE = "What nobody has recorded yet"
GAPS_WHY = "Questions that found no lesson, without the names of those who asked. Perhaps you know one of them."
GAPS_NONE = "Every question that was asked has found a lesson, or nobody has asked one yet."
GAP_ASKED = "asked {} times"
GAP_ASKED_ONCE = "asked once"
GAP_LAST = "last on"
GAP_OTHERS = "Also asked as"
GAP_KNOWN_ASKED = "Do you know something about it?"
GAP_KNOWN = "I know this"
GAP_DISMISS = "Leave it out"
GAP_DISMISSED = "It is left out of the gaps."
LEARNED_SINCE = "Somebody has learned about what you asked:"
QUESTION_KEPT = "Your question is kept for 90 days, without your name. This page tells you when somebody learns it."
QUESTION_FEED = "Or follow it in your own private feed"
FEED_LABEL = "Atom feed"
FEED_FILTERED = "these filters"
FEED_OF_LIST = "Follow this list in a feed reader"
NOTHING_SENT = "Some of what was sent cannot be taken; see below."
