"""The corpus of hostile statements: tests/attacks/corpus, a file for each class of attack.

An entry is a line `# name of the attack: what it would do`, then the statement, then an empty line. `<U+00A0>` stands
for that character, `<20 times: x>` for a repetition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "attacks" / "corpus"


@dataclass(frozen=True)
class Attack:
    """One statement; what it would do if nothing held it."""

    kind: str
    name: str
    harm: str
    sql: str

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"


@cache
def attacks() -> tuple[Attack, ...]:
    """All entries, in the order of their files."""
    return tuple(attack for path in sorted(FOLDER.glob("*.txt")) for attack in read_entries(path))


def kinds() -> list[str]:
    return sorted({attack.kind for attack in attacks()})


def of_kind(kind: str) -> list[Attack]:
    return [attack for attack in attacks() if attack.kind == kind]


def read_entries(path: Path) -> list[Attack]:
    """The entries of one file."""
    entries = re.split(r"\n*^# ", "\n" + path.read_text(encoding="utf-8"), flags=re.M)[1:]
    found = []
    for entry in entries:
        head, _, sql = entry.partition("\n")
        name, _, harm = head.partition(": ")
        found.append(Attack(path.stem, name, harm, expand(sql.strip("\n"))))
    return found


def expand(sql: str) -> str:
    """The statement with its characters and repetitions written out."""
    sql = re.sub(r"<U\+([0-9A-F]{4})>", lambda found: chr(int(found[1], 16)), sql)
    return re.sub(r"<(\d+) times: ([^>]*)>", lambda found: found[2] * int(found[1]), sql)
