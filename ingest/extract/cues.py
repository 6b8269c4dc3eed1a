"""Families of words by which a sentence shows what it does: give a cause, miss something, advise, report a moment."""

from __future__ import annotations

import re

CUES: tuple[tuple[str, str], ...] = (
    (
        "cause",
        r"\bbecause\b|\bdue to\b|\bcaus(e[ds]?|ing)\b|\bled to\b|\bresult(ed|ing|s)? (in|from)\b"
        r"|\bas a result\b|\bstem(s|med|ming) from|\bculprit\b|\btrac(ed|eable) (back )?to|\battribut(ed"
        r"|able) to|\bwhich meant\b|\bsince (the|we|it|this|there)\b|\breason (was|is|for|why|that)\b"
        r"|\bthat('s| is) why|\bexplains\b",
    ),
    (
        "root_cause",
        r"\broot[- ]cause|\bcaused by|\b(was|were|is|been) (due to|because)|\btriggered (by|when)|\b(problem"
        r"|issue|bug|cause|trigger|fault|failure|reason|incident|outage) (was|is|were|turned out)"
        r"|\bcontributing factor|\bcontributed to|\bexacerbated|\bcompounded|\bresponsible for",
    ),
    (
        "unknown_cause",
        r"(cause|reason|why)\b.{0,40}\b(unknown|unclear|not (yet )?(known|clear|identified|understood))"
        r"|\b(not|n't) (yet )?(know|clear|sure|understand|identified)\b.{0,40}\b(why|what|cause)"
        r"|\bunder investigation|\bidentify the (root )?cause|\b(investigate|find"
        r"|determine) the (root )?cause",
    ),
    (
        "absence",
        r"\bno \w+ (alert|monitor|process|test|check|way|one|plan|document)|\bno (alert|monitor|process|test"
        r"|check|way|one|plan|document|notif|warning|on-?call|staging|backup|review|longer)|\bnobody\b"
        r"|\bnone of\b|\bnever (been )?\w+ed\b|\bmiss(ing|ed)\b|\black(s|ed|ing)?\b|\bwithout\b"
        r"|\bunnoticed\b|\bunaware\b|\binsufficient|\binadequate|\bfail(s|ed|ing)? to\b|\bforg[eo]t"
        r"|\boverlook|\bnot (been )?(tested|documented|monitored|configured|aware|notified|covered|enough"
        r"|noticed|set|enabled|updated|alerted|include[ds]?|caught|detected|reviewed|aligned|have|ready"
        r"|thorough|implemented)|\b(did|do|does|was|were|had|have|is)n't\b|\bunmonitored\b|\buntested\b"
        r"|\bundocumented\b|\bno documented\b|\bneglect",
    ),
    (
        "advice",
        r"\bshould(n't)?\b|\bmust\b|\bneeds? to\b|\bought to\b|\brecommend|\bconsider(ing)?\b|\bavoid"
        r"|\bensur(e|ing)\b|\bmake sure\b|\bbetter to\b|\binstead of\b|\brather than\b|\bprefer\b"
        r"|\bimportan(t|ce)\b|\bbe (careful|aware|cautious|mindful)|\bremember\b|\bbeware\b|\b(do not"
        r"|don't)\b|\bencourag|\brequired? to\b",
    ),
    (
        "absolute",
        r"\balways\b|\bnever\b|\bevery time\b|\bany (time|change)\b|\beven (if|when|though)\b|\bonly (if"
        r"|when)\b",
    ),
    (
        "hindsight",
        r"\b(would|could|should|might)(n't| not)? have\b|\bhad (we|they|it|the)\b|\bhindsight\b"
        r"|\bretrospect\b|\bnext time\b|\bin (the )?future\b|\bgoing forward\b|\bto (prevent|avoid|reduce"
        r"|mitigate)\b|\bprevent(s|ed|ing)?\b|\bsimilar (incident|issue|problem|occurrence|situation"
        r"|failure)|\bre-?occur|\bagain\b",
    ),
    (
        "learned",
        r"\blessons?\b|\blearn(ed|t|ing|ings)?\b|\btake-?away|\binsight|\breaffirm|\bhighlight(s|ed)\b"
        r"|\bshowed\b|\bdemonstrat|\bunderlin|\billustrat|\breminder\b|\bexperience\b|\bconclu(de|sion)"
        r"|\breali[sz]ed\b|\bturn(s|ed) out\b",
    ),
    (
        "follow_up",
        r"\bfollow[- ]?ups?\b|\bcommitted\b|\b(?<!as )plan(s|ned|ning)? to\b|\bplans? (for|include)\b"
        r"|\bcounter-?measures?"
        r"|\b(are|is|have|has|will|'ve|'re)( also)?( been)? (begun|started|going to|working (on|to)|add(ed|ing)?"
        r"|implement(ed|ing)?|introduc(ed|ing)|improv(ed|ing)|review(ed|ing)?|updat(ed|ing)|enhanc(ed|ing))\b"
        r"|\baction items?\b|\binvest(ing|ed) in\b|\bput in (place|changes)|\b(remediation|prevention|improvement)s?"
        r" (steps|efforts|plans?|measures|items|include)",
    ),
    (
        "future",
        r"\bwill\b|\b(is|are) (planned|scheduled|expected)\b",
    ),
    (
        "remedy",
        r"\b(fixed|resolved|solved|mitigated|restored|addressed|remediated|corrected|remedied) (by|with|via"
        r"|when|after)\b|\bby (restart|roll|revert|delet|increas|decreas|add|remov|switch|downgrad|upgrad"
        r"|disabl|enabl|scal|chang|replac)|\brolled back\b|\brollback\b|\brevert(ed|ing)?\b|\bwork-?around\b"
        r"|\bsolution\b|\bdowngrad|\bremediation\b|\bfix (was|is)\b|\brestart(ed|ing)\b.{0,60}\b(fixed"
        r"|resolved|worked|restored)|\b(did|does) the trick\b",
    ),
    (
        "worked",
        r"\bwork(s|ed)? (well|great|fine|as (expected|intended|designed))|\bjust worked\b|\bhelp(ed|ful)\b"
        r"|\buseful\b|\bsuccessful(ly)?\b|\bthanks to\b|\bquick(ly)?\b|\bpromptly\b|\beffective|\bwell\b"
        r"|\bgood\b|\bpay-?off\b",
    ),
    (
        "luck",
        r"\bluck(y|ily)?\b|\bfortunate(ly)?\b|\bhappened to\b|\bby chance\b|\bcoinciden",
    ),
    (
        "flaw",
        r"\bmis-?config|\bwrong(ly)?\b|\bincorrect|\bmistake|\baccident(al|ally)\b|\bunintention|\bbugs?\b"
        r"|\bflaw|\brace condition|\bleak|\bexpir|\bstale\b|\boutdated\b|\bdrift|\bmanual(ly)?\b"
        r"|\bhuman error|\bmisunderst|\bunexpected|\binadvert|\bhard-?coded|\bdefault\b|\bincompatib"
        r"|\bexhaust|\bfull\b|\blimit\b|\boverload|\bregression|\bdeprecat|\bdepend|\bunstable\b|\bbroken?\b"
        r"|\bconflict|\bdeadlock|\bmisidentif|\bimproper|\bconfus|\bassum",
    ),
    (
        "discovery",
        r"\b(we|they|i|team|investigation|engineers?|it|which) (\w+ )?(found|discovered|reali[sz]ed"
        r"|determined|identified|revealed|noticed|concluded|learned|confirmed)\b|\bbecame clear\b"
        r"|\bafter investigat|\bfound (that|to be|out)\b",
    ),
    (
        "comparison",
        r"\btoo\b|\bmore\b|\bless\b|\bbetter\b|\beasier\b|\bharder\b|\bslow(er|ly)?\b|\bdifficult\b"
        r"|\btime[- ]consuming\b",
    ),
    (
        "condition",
        r"\bif\b|\bwhen(ever)?\b|\bunless\b|\bonce\b|\bas long as\b|\bwhile\b|\buntil\b",
    ),
    (
        "explanation",
        r"\bthis (means|meant|allows?|lets|makes|is because|was because|ensures)\b|\bin order to\b"
        r"|\bso that\b|\bwhich (means|caused|made)|\bthe (trick|key|secret|point|catch|downside|advantage"
        r"|benefit) (is|was|of|to)\b|\byou (can|need|have|should|must)\b",
    ),
    (
        "guess",
        r"\bmaybe\b|\bperhaps\b|\bmight\b|\bsuspect|\bprobabl[ey]\b|\bpossibl[ey]\b|\bseem(s|ed)?\b"
        r"|\bappear(s|ed)\b|\bi think\b|\bunclear\b|\bassum(e|ed|ption)\b|\bbeliev|\bmay (be|have)\b"
        r"|\blikely\b|\btheor",
    ),
    (
        "impact",
        r"\bunavailab|\boutage\b|\bdowntime\b|\bdegraded\b|\blasted\b|\b(users?|customers?|clients?|builds?"
        r"|services?|requests?) (were|was|could|couldn't|experienced|saw|had|reported|who|are|is)\b"
        r"|\bunable to\b|\baffect(s|ed|ing)?\b|\bimpact(s|ed)?\b|\binaccessible|\bnot (accessible|available"
        r"|reachable|responding)|\bno (user |customer )?(impact|data (was|were) lost)",
    ),
    (
        "moment",
        r"\b(start(ed|s)|began|begins?|confirm(ed|s)|declar(ed|es)|acknowledg(ed|es)|restored|resolved"
        r"|merged|deployed|posted|paged|notif(ied|ies)|report(ed|s)|tweet(ed)?|escalat(ed|es)|joins?|closed"
        r"|notice[sd]?|recover(s|ed)|ends?|return(s|ed)) *\b",
    ),
    (
        "in_progress",
        r"\b(are|is|am|'re) (currently )?(investigating|looking into|working on|analy[sz]ing|monitoring"
        r"|aware)\b|\bin progress\b|\bback (to normal|online|up|to business)\b|\b(runs?|running|working"
        r"|works?|operational|available) (smoothly|again|normally)\b|\bcome back (up|online)\b"
        r"|\bmaintenance\b|\bscheduled (for|to)\b|\bwill be (unavailable|performed|down|restarted)"
        r"|\bstay tuned",
    ),
    (
        "decision",
        r"\b(decided|chose(n)?|opted|agreed|elected|settled) (to|on|for|that)\b|\bwent with\b"
        r"|\bdecision (was|is|to)\b",
    ),
    (
        "thanks",
        r"\bthank(s| you)?\b(?! to)|\bkudos\b|\bappreciate\b|\bgrateful\b|\bapologi[sz]|\bsorry\b"
        r"|\bpatience\b|\brecogni[sz]e the\b.{0,30}\bwork\b|\bshout-?out|\bgreat (work|job)\b"
        r"|\bplease (\w+ly )?(report|contact|reach out|let us know)\b",
    ),
    (
        "empty",
        r"\b(a few|some|several|a number of|the following|many|other) (other )?(things|lessons|points|issues"
        r"|steps|actions|improvements|changes|measures|remediations?|takeaways|learnings)\b(?!.{60})|\b(has"
        r"|have) (already )?been (done|completed|addressed|tracked)\b(?!.{60})",
    ),
    (
        "quantity",
        r"\b(lasted|took|takes|for) (about |around |approximately |roughly |over |nearly |more than |almost "
        r"|~)?\d|\b\d+(\.\d+)?% of\b|~\d+|\bapproximately \d",
    ),
    (
        "instruction",
        r"\bfor example,?$|\blist of things\b|\bthese are (only )?(sample|good things)|\bshould (have"
        r"|be) (a )?(github |jira )?(issue|ticket)|\baction items? should\b|\bfill (in|out)\b"
        r"|\bquick summary of\b|\bdescribe (the|what|how)|\bdelete (this|as)|\bthis (section|template)\b"
        r"|\bplease (describe|list|include|add|provide)\b|\bideally these\b|\bshort description\b"
        r"|\bif applicable\b",
    ),
    (
        "pointer",
        r"\bsee (also|the|this|below|above|\[|http)|\bdetails? (in|on|at|here)\b|\bfollow up in\b|\b(more"
        r"|further) (details|information)|\btracked (in|here|at)|\blink(s|ed)?\b|\bthe following\b"
        r"|\bas follows\b|\bbelow\b|\bhere (is|are)\b|\b(write|add) (an? |the )?(incident "
        r"|post-?mortem )?report",
    ),
    (
        "self",
        r"\b(we|our|us)\b",
    ),
    (
        "first_person",
        r"\b(i|my|me)\b",
    ),
    (
        "past",
        r"\b(was|were|had|did)\b",
    ),
    (
        "present",
        r"\b(is|are|has|have|does|do)\b",
    ),
    (
        "extent",
        r"\b\d+(\.\d+)? ?(%|percent|minutes?|mins?|hours?|hrs?|days?|seconds?|users?|customers?)",
    ),
)
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((name, re.compile(pattern)) for name, pattern in CUES)

IMPERATIVES = frozenset(
    """
    add adjust adopt agree alert allow always analyse analyze announce apply ask assess assign audit
    automate avoid back be block build bump cache capture change check clarify clean cleanup clear
    collect communicate compare configure confirm consider consolidate contact convert coordinate copy
    create cull cut decide decommission decouple decrease define delete deploy deprecate describe design
    detect determine develop disable discuss distribute do document don't drop educate eliminate embed
    enable encourage enforce engage enhance ensure escalate establish evaluate examine expand explore
    export expose extend extract figure find finish fix follow formalise formalize generate get give
    grow harden have identify implement improve include increase inform install instrument integrate
    introduce inventory investigate isolate keep label launch learn let limit log look loosen lower
    maintain make manage measure merge migrate minimise minimize mitigate modify monitor move never
    notify obtain offer open optimise optimize organise organize outline patch perform pin plan prefer
    prepare prevent prioritise prioritize propose protect provide provision publish purchase push put
    raise re-iterate reach rebuild record recover redesign reduce refactor refine reflect reiterate
    release remind remove rename renew repair rephrase replace report request require research resolve
    restart restore restrict restructure rethink retire revert review revise revisit revoke rewrite roll
    rotate run scale schedule separate set setup share shorten simplify simulate spike split standardise
    standardize start stop store strengthen subscribe support switch systematically teach test tighten
    track train tune turn understand unify update upgrade use validate verify wait warn work write
    """.split()
)
