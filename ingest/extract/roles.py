"""What a heading, a label or a column name says about the text under it."""

from __future__ import annotations

import re
from functools import lru_cache

ROLES: tuple[tuple[str, str], ...] = (
    (
        "template",
        r"\btemplate|\bplaceholder|\bsample\b|instructions?\b|how to (use|fill|write)|guidelines?\b",
    ),
    (
        "lucky",
        r"\bluck(y|ily)?\b|\bfortunate",
    ),
    (
        "went_wrong",
        r"\bwent (wrong|badly|poorly|bad)|n[o']t (go|work|gone)( so| very| as)? (well|planned)|\b(go"
        r"|went) less well|(could|should) (have )?(gone|go|been|be|done|do|have) (done )?better|what (failed"
        r"|broke|was missing)|\bpain points?|\bweakness|\bnegatives?\b|\bstop doing|\blacked\b|\bfrustrat"
        r"|\bchallenges?\b|\bdifficult|\bmistakes?\b|\bproblems? (encountered|found)|\bhindered"
        r"|\bareas? (for|of|to) improve|\bshortcomings?|\bbad\b|\bwrong\b|\bmissteps?\b|\bpitfalls?\b",
    ),
    (
        "went_well",
        r"\b(went|gone|go|did|worked|works) (well|right|good)|\bwhat worked|\bpositives?\b|\bstrengths?\b"
        r"|\bkeep doing|\bwins?\b|\bsuccess(es)?\b|\bgood\b|\bhelped\b|\bliked\b",
    ),
    (
        "action",
        r"(?<!github )(?<!immediate )\baction(s|ed)?\b(?! taken)|\bfollow[- ]?ups?\b|\bto[- ]?dos?\b"
        r"|\bnext steps?\b|\bcorrective"
        r"|\bpreventi(ve|on)|\bpreventa|\bcounter-?measures?|\bimprove(ments?)?\b|\btasks?\b|\bwork items?\b"
        r"|\bfuture work|\bremediat|\bour response\b|\bwhat('s| is| comes)? next|\bchanges? (made|planned"
        r"|we)|\bmeasures?\b|\bgoing forward|\bplan(s|ned)?\b|\bprevent(ing|ion)?\b|\bwhat (are|will) we\b"
        r"|\bcommitments?\b",
    ),
    (
        "recommendation",
        r"\brecommend|\badvice\b|\bsuggest|\bbest practice|\btips?\b|\bdo differently|\bavoid|\bnext time\b"
        r"|\bsafety advice",
    ),
    (
        "cause",
        r"\bcauses?\b|\bcaused\b|\bcausal|\bcontribut(ing|ory) (?!to\b)\w|\bwhy\b|\btrigger(ed|s)?\b"
        r"|\breasons?\b|\bdiagnos|\broot\b|\banalysis\b|\bfindings?\b|\bunderlying|\bfactors?\b"
        r"|\bsafety issues?\b|\bproblem (was|is)\b|\bfault\b",
    ),
    (
        "lesson",
        r"\blessons?\b|\blearn(ed|t|ing|ings)?\b|\btake-?aways?\b|\binsights?\b|\bconclu|\breflections?\b"
        r"|\bclosing thoughts|\bhindsight|\bkey points?|\bobservations?\b|\bgotchas?\b|\bretrospective notes"
        r"|\bmoral\b|\bwhat we (know|found|discovered)",
    ),
    (
        "resolution",
        r"\bresol|\bfix(e[sd])?\b|\brecover|\bmitigat|\brepair|\bsolution|\bremedy|\bworkaround"
        r"|\bimmediate action|\bresponse\b|\brestor",
    ),
    (
        "detection",
        r"\bdetect|\balert|\bmonitor|\bidentified\b|\bdiscover(y|ed)\b|\bnotice",
    ),
    (
        "timeline",
        r"\btime ?lines?\b|\bchronolog|\bsequence of events|\bevents?\b|\bhistory\b|\bschedule\b"
        r"|\bprogress\b|\bupdates?\b|\btime\b|\b\d{1,2}[:h]\d\d\b|\b(19|20)\d\d[-/.]\d\d?\b"
        r"|^\W*\d{1,2} \w+ 20\d\d",
    ),
    (
        "decision",
        r"\bdecisions?\b|\boutcome\b|\bdecided\b",
    ),
    (
        "consequences",
        r"\bconsequences?\b|\btrade-?offs?\b|\bimplications?\b|\bpros\b|\bcons\b|\brationale\b|\bjustif",
    ),
    (
        "impact",
        r"\bimpact|\baffected|\bfallout\b|\bdamage|\bseverity\b|\bsymptoms?\b|\bscope\b|\bcustomers?\b"
        r"|\bblast radius|\bduration\b|\boutages?\b|\bstat(s|istics)\b|\bmetrics\b|\bcosts?\b|\binjur"
        r"|\bloss(es)?\b",
    ),
    (
        "people",
        r"\battend|\bparticipants?\b|\bauthors?\b|\bowners?\b|\bdate\b|\bpeople\b|\broles?\b|\bteam\b"
        r"|\bcontacts?\b|\breviewers?\b|\bcategor|\btags?\b|\bmetadata\b|\brevision|\bversion\b|\bassign"
        r"|\bpriority|\bstakeholders?\b|\btype\b|\bstate\b|\bdue\b",
    ),
    (
        "status",
        r"\bstatus\b",
    ),
    (
        "thanks",
        r"\bthank|\backnowledg|\bcredits?\b|\bkudos\b|\bshout",
    ),
    (
        "links",
        r"\blinks?\b|\breferences?\b|\bresources?\b|\bsee also\b|\bfurther reading|\brelated\b"
        r"|\battachments?\b|\bsupporting\b|^\W*(bugzilla |github |open |tracking )?(tickets?|bugs?|issues?"
        r"|urls?|prs?)\b\W*\w*$",
    ),
    (
        "log",
        r"\blogs?\b|\boutput\b|\btranscript|\bchat\b|\bslack\b|\bscreenshots?\b|\bappendix|\bdebug|\braw\b"
        r"|\bnotes\b",
    ),
    (
        "question",
        r"\bquestions?\b|\bunknowns?\b|\bfaq\b",
    ),
    (
        "summary",
        r"\bsummary\b|\boverview\b|\babstract\b|\bsynopsis\b|\btl;?dr\b|\bwhat happened|\bdescription\b"
        r"|\bnarrative\b|\bin short\b|\bintroduction\b|\bwhat went on\b|\bincident\b|\bdetails\b|\bexecutive",
    ),
    (
        "background",
        r"\bbackground\b|\bcontext\b|\bsituation\b|\bsetting\b|\bmotivation\b|\bproblem\b|\benvironment\b",
    ),
)
_ROLE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in ROLES))
_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in ROLES)
_LONGEST_TITLE = 90


@lru_cache(maxsize=4096)
def role_of(title: str) -> str:
    """The role that a heading, label or column name gives to what stands under it; "" where it gives none.

    The table is ordered: of several roles that a title could have, the first wins.
    """
    words = title[:_LONGEST_TITLE].lower().replace("\u2019", "'")
    if not _ROLE.search(words):
        return ""
    return next(name for name, pattern in _PATTERNS if pattern.search(words))
