"""How good the answers are, over judged queries: measured, reported with intervals, compared between two settings.

queries.py    the judged queries of a file
figures.py    a mean with its interval; a difference with its interval and how easily chance gives it
outcome.py    what one query got
report.py     what all of them come to, and which went wrong
measuring.py  asks, and measures what comes
comparing.py  two runs over the same queries, side by side
"""

from __future__ import annotations

from retriever.evaluation.comparing import Comparison, compare, read_outcomes
from retriever.evaluation.figures import Difference, Figure
from retriever.evaluation.measuring import Ask, evaluate
from retriever.evaluation.outcome import MEASURES, Outcome
from retriever.evaluation.queries import JudgedQuery, read_queries
from retriever.evaluation.report import Report

__all__ = [
    "MEASURES",
    "Ask",
    "Comparison",
    "Difference",
    "Figure",
    "JudgedQuery",
    "Outcome",
    "Report",
    "compare",
    "evaluate",
    "read_outcomes",
    "read_queries",
]
