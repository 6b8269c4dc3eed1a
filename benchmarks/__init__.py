"""What is measured, and what fits the shipped weights; each module says its command. Never part of a timed test."""

from __future__ import annotations

import os

# As cli.py does for the program itself: a second thread makes these products no faster, and on a busy machine much
# slower. OpenBLAS reads it when numpy is first imported, and this file runs before any module of the package.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
