"""Arms: named sets of settings, so that each part of the pipeline shows what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.errors import ToolError

# Every part off: the whole schema in the prompt, one greedy answer, taken as it comes.
PLAIN = {
    "retrieval": "off",
    "values": "off",
    "examples": "off",
    "repair": "off",
    "samples": "1",
    "trial_run": "off",
    "min_confidence": "0",
}
NO_ROUNDS = {"repair_rounds": "0"}


@dataclass(frozen=True)
class Arm:
    """`preferences` are SET by each session as nl2sql.<name>; `protected` hold for the database while it runs."""

    name: str
    preferences: dict[str, str] = field(default_factory=dict)
    protected: dict[str, str] = field(default_factory=dict)
    meaning: str = ""

    @property
    def settings(self) -> str:
        """As the report shows them."""
        pairs = [(f"nl2sql.{name}", value) for name, value in self.preferences.items()] + [*self.protected.items()]
        return ", ".join(f"{name}={value}" for name, value in pairs) or "as shipped"


def _plus(name: str, value: str, meaning: str) -> Arm:
    return Arm(f"+{name}", {**PLAIN, name: value}, NO_ROUNDS, f"plain, with {meaning}")


ARMS = {
    arm.name: arm
    for arm in (
        Arm("plain", PLAIN, NO_ROUNDS, "whole schema, one greedy answer, nothing put right"),
        _plus("retrieval", "on", "tables chosen and cut by the question"),
        _plus("values", "on", "stored values that the question names"),
        _plus("examples", "on", "stored examples and terms"),
        _plus("repair", "on", "names bound and put right without the model"),
        _plus("samples", "auto", "as many samples as the question seems to need"),
        Arm("+rounds", PLAIN, {}, "plain, with the server's error shown to the model"),
        Arm("all", {**dict.fromkeys(("retrieval", "values", "examples", "repair", "trial_run"), "on"),
                    "samples": "auto", "min_confidence": "0"}, {}, "every part on"),
        Arm("all-no-trial", {**dict.fromkeys(("retrieval", "values", "examples", "repair"), "on"),
                             "samples": "auto", "trial_run": "off", "min_confidence": "0"}, {},
            "every part on, but nothing is run before it is answered"),
        Arm("shipped", {}, {}, "as shipped"),
    )
}  # fmt: skip


def read_arms(text: str) -> list[Arm]:
    """Arms of a list such as `plain,+repair,all`; the plain one is always the first."""
    names = dict.fromkeys(["plain", *(name.strip() for name in text.split(",") if name.strip())])
    return [_arm(name) for name in names]


def own_arm(text: str) -> Arm:
    """An arm of one's own: `name:setting=value;setting=value`, over the settings of `all`."""
    name, _, pairs = text.partition(":")
    given = dict(pair.partition("=")[::2] for pair in pairs.split(";") if pair)
    if not name or name in ARMS or not given or not all(given.values()):
        raise ToolError(f"{text!r} describes no new arm", hint="--arm 'name:samples=8;trial_run=off'")
    rounds = {key: given.pop(key) for key in NO_ROUNDS if key in given}
    return Arm(name, ARMS["all"].preferences | given, rounds, "as given on the command line")


def _arm(name: str) -> Arm:
    if name not in ARMS:
        raise ToolError(f"there is no arm {name}", hint=f"the arms are {', '.join(ARMS)}")
    return ARMS[name]
