"""What a series of faults came to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Figures:
    """How many faults of one kind were made, what was lost or wrong after them, and what else was measured."""

    fault: str
    made: int = 0
    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    measured: dict[str, str] = field(default_factory=dict)

    def expect(self, is_true: bool, otherwise: str) -> None:
        """Counts a check; what is wrong is kept as a sentence."""
        self.checked += 1
        if not is_true:
            self.wrong.append(otherwise)

    def row(self) -> str:
        """The line of a Markdown table."""
        measured = "; ".join(f"{name} {value}" for name, value in self.measured.items())
        return f"| {self.fault} | {self.made:,} | {self.checked:,} | {len(self.wrong)} | {measured} |"


HEADER = "| fault | made | checks | lost or wrong | measured |\n|---|---|---|---|---|"
