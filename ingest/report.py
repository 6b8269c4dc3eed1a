"""What an ingest did: every file seen is read, unchanged, skipped or failed, and the report adds up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retriever.record.draft import Outcome


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Counts of one run over one root; `skipped`, `failed` and `warnings` are (path, reason), by path.

    `gone` are files that were there at an earlier run and are not any more; their documents stay unless `pruned`.
    `embedded` counts the texts that went through the model. A dry run changes nothing and has an empty `outcome`.
    """

    source: str
    root: str
    read: int = 0
    unchanged: int = 0
    moved: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()
    pruned: bool = False
    outcome: Outcome = Outcome()
    lessons_found: int = 0
    embedded: int = 0
    redacted: tuple[tuple[str, int], ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    took_s: float = 0.0
    dry_run: bool = False

    @property
    def seen(self) -> int:
        """All files that the walk came across."""
        return self.read + self.unchanged + len(self.skipped) + len(self.failed)

    def as_json(self) -> dict[str, Any]:
        """The report for programs, and for the record."""
        outcome = self.outcome
        return {
            "source": self.source,
            "root": self.root,
            "files": {
                "seen": self.seen,
                "read": self.read,
                "unchanged": self.unchanged,
                "skipped": len(self.skipped),
                "failed": len(self.failed),
                "moved": self.moved,
                "gone": len(self.gone),
            },
            "documents": {
                "new": outcome.documents_new,
                "changed": outcome.documents_changed,
                "gone": outcome.documents_gone,
            },
            "lessons": {
                "found": self.lessons_found,
                "new": outcome.lessons_new,
                "changed": outcome.lessons_changed,
                "gone": outcome.lessons_gone,
            },
            "embedded": self.embedded,
            "redacted": dict(self.redacted),
            "languages": dict(self.languages),
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
            "failed": [{"path": path, "reason": reason} for path, reason in self.failed],
            "warnings": [{"path": path, "reason": reason} for path, reason in self.warnings],
            "gone": list(self.gone),
            "pruned": self.pruned,
            "took_s": round(self.took_s, 2),
            "dry_run": self.dry_run,
        }


def report_text(report: IngestReport) -> str:
    """The report for a person: what went in, what did not and why."""
    outcome = report.outcome
    lines = [
        f"{report.root}: {report.seen} files seen = {report.read} read + {report.unchanged} unchanged + "
        f"{len(report.skipped)} skipped + {len(report.failed)} failed, in {report.took_s:.1f} s",
        _changes("documents", outcome.documents_new, outcome.documents_changed, outcome.documents_gone),
        _changes("lessons", outcome.lessons_new, outcome.lessons_changed, outcome.lessons_gone),
    ]
    if report.dry_run:
        lines[1:] = [f"  nothing was changed; {report.lessons_found} lessons would be found in what is new or changed"]
    if report.moved:
        lines.append(f"  {report.moved} files had moved and keep their lessons")
    if report.redacted:
        lines.append("  redacted: " + ", ".join(f"{count} {name}" for name, count in report.redacted))
    lines += _listed("failed", report.failed)
    lines += _listed("warning", report.warnings)
    lines += _summed("skipped", report.skipped)
    if report.gone:
        note = "removed" if report.pruned else "still remembered; --prune removes them"
        lines.append(f"  {len(report.gone)} files are gone ({note}): {', '.join(report.gone[:3])}")
    foreign = [(name, count) for name, count in report.languages if name != "en"]
    if foreign:
        shown = ", ".join(f"{count} in {name}" for name, count in foreign)
        lines.append(f"  not English: {shown}; a multilingual model finds these better, see docs/models.md")
    return "\n".join(lines)


def _changes(what: str, new: int, changed: int, gone: int) -> str:
    return f"  {what}: {new} new, {changed} changed, {gone} gone"


def _listed(name: str, items: tuple[tuple[str, str], ...], most: int = 20) -> list[str]:
    lines = [f"  {name}: {path}: {reason}" for path, reason in items[:most]]
    return lines + ([f"  … and {len(items) - most} more"] if len(items) > most else [])


def _summed(name: str, items: tuple[tuple[str, str], ...]) -> list[str]:
    """One line a reason with how often and an example: a folder of images is not a page of lines."""
    reasons: dict[str, list[str]] = {}
    for path, reason in items:
        reasons.setdefault(reason, []).append(path)
    return [
        f"  {name}: {paths[0]}: {reason}"
        if len(paths) == 1
        else f"  {name}: {len(paths)} files such as {paths[0]}: {reason}"
        for reason, paths in reasons.items()
    ]
