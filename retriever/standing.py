"""What people's feedback on a lesson adds to the score of a hit that begins with it: little, and bounded."""

from __future__ import annotations

from retriever.lesson import Remarks

# However many people say so, a score moves by no more than this.
FEEDBACK_BOUND = 0.15

# What one person's word weighs, and the balance at which half of the bound is reached.
PINNED, HELPED, ME_TOO, OUTDATED, WRONG = 3.0, 1.0, 0.5, -1.0, -2.0
HALF_WAY = 3.0


def standing(remarks: Remarks) -> float:
    """In (-FEEDBACK_BOUND, FEEDBACK_BOUND); 0 without feedback, and each further voice counts less than the last."""
    balance = (
        PINNED * remarks.pinned
        + HELPED * remarks.helped
        + ME_TOO * remarks.me_too
        + OUTDATED * remarks.outdated
        + WRONG * remarks.wrong
    )
    return FEEDBACK_BOUND * balance / (abs(balance) + HALF_WAY)
