"""One direction: a module imports only what stands after it in its own process, and nothing of the other process."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIDECAR, EXTENSION = ROOT / "sidecar", ROOT / "extension" / "nl2sql_pg"

# From the door inwards; a room may import the rooms after it.
SIDECAR_ORDER = [
    "__main__",  # puts the parts together
    "server",  # the socket; knows an application only by its type
    "app",  # routers and limits around the services
    "api",  # HTTP in, typed objects out
    "services",  # the parts that live as long as the process
    "watchdog",  # of the event loop that all share
    "rewriting",  # repair, in processes that can be ended
    "indexer",  # needs an embedder's shape
    "journal",  # audit records: signed, kept, delivered
    "database",  # a task with its own connection; shows its state in an engine's shape
    "prompt",  # messages from a context: shapes of the engine, names and scope of the guard
    "engine",  # text from messages
    "filters",  # standing conditions; reads statements as repair does
    "linking",  # what a statement has of its question; words of repair
    "repair",  # puts right what can't bind; a scope and names of the guard
    "periods",  # counted from today, as a question names them
    "guard",  # judges a statement; knows nothing of where it came from
    "glossary",  # English for Chinese words
    "models",  # files on disk
    "logs",
    "settings",
    "places",
    "errors",
    "version",
]
EXTENSION_ORDER = [
    "entry",  # what SQL calls
    "entry_running",  # and for running
    "envelope",  # what SQL gets back
    "answering",  # a question answered, and noted
    "status",
    "selftest",  # whether a question and a statement get through
    "tracing",  # a trail as rows
    "index",
    "verifying",  # the audit log beside what was signed
    "evaluation",  # answers beside statements that somebody vouches for
    "feedback",  # what users say of answers
    "suggesting",
    "defining",  # standing conditions, checked
    "teaching",  # examples, checked and stored
    "views",  # an answer as a view
    "typing_rows",  # types for rows that travelled as text
    "running",  # statements checked and run for the caller
    "memory",  # the last answers of this session
    "pipeline",  # the stages of a question
    "doubting",  # what is asked for and not there
    "refusing",  # why there is no answer
    "unasked",  # what is no question for data
    "pasted",  # SQL instead of a question
    "writing",  # requests to change something
    "chatter",  # small talk, and words to the assistant
    "following",  # what needs the question before
    "courtesies",  # what stands before the matter
    "message",  # sentences and words, beside those of the tables
    "retelling",  # proposals that disagree, as questions
    "choosing",  # among proposals
    "judging",  # plans and tries a proposal
    "limits",  # how much a role may cost, give and take
    "statement",  # a given one, through the guard
    "proposing",  # to the model and back
    "attempts",  # a proposal, and the trail of a question
    "knowledge",  # what the model is told
    "retrieval",
    "known_values",  # tables that hold what the question names
    "ranking",  # scores of candidate tables
    "budget",  # what of them fits a prompt
    "traits",  # what columns hold where their types do not say it
    "forms",  # dates kept as numbers or texts: pure functions
    "standing",  # conditions that hold for tables
    "filter_signs",  # names and comments that speak for one
    "undeclared",  # keys among tables, read for joins
    "labels",  # what names the rows of a table
    "joins",  # infers keys from columns and statistics
    "key_names",
    "examples",  # stored ones and terms, found for a question
    "values",  # stored ones that a question names
    "meanings",  # by what Chinese words mean together
    "asked",  # the question, and what is found out about it
    "phrases",
    "embedding",
    "glossing",  # English for its Chinese words
    "auditing",  # what is done, on record before and after
    "context",  # one call's session, database and client
    "preferences",
    "question",
    "client",
    "line",  # the connection that a client keeps for a moment
    "comparing",  # rows beside rows
    "runner",  # one SELECT, confined and undone
    "leavings",  # what outlives that in the session
    "planning",  # what the server makes of one without running it
    "plans",  # what the planner says
    "admission",  # what may be called and read
    "masking",  # personal data in free text: pure functions
    "bridge",  # the only one that touches plpy
    "presence",  # whether anybody still waits
    "server_tree",  # a statement as the server parsed it
    "confinement",  # limits of the operating system and the server on what runs
    "errors",
    "__init__",
]


def modules(root: Path) -> dict[str, ast.Module]:
    """Syntax trees by dotted name below `root`."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.Module) -> set[str]:
    """Full names of what a module imports, also inside functions and for type checking."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms(tree: ast.Module, package: str) -> set[str]:
    """Second parts of the package's own names: the rooms that a module uses."""
    own = [name.split(".") for name in imports(tree) if name.split(".")[0] == package]
    known = set(SIDECAR_ORDER) | set(EXTENSION_ORDER)
    return {parts[1] if len(parts) > 1 and parts[1] in known else "__init__" for parts in own}


CASES = [(SIDECAR, "sidecar", SIDECAR_ORDER, name, tree) for name, tree in modules(SIDECAR).items()]
CASES += [(EXTENSION, "nl2sql_pg", EXTENSION_ORDER, name, tree) for name, tree in modules(EXTENSION).items()]


@pytest.mark.parametrize(
    ("root", "package", "order", "name", "tree"), CASES, ids=lambda c: c if isinstance(c, str) else ""
)
def test_imports_go_one_way(root: Path, package: str, order: list[str], name: str, tree: ast.Module) -> None:
    room = name.split(".")[0]
    if room == "__init__" and package == "sidecar":
        assert not rooms(tree, package)
        return
    assert room in order, f"{package}.{room} is new: give it a place in the order, with its reason"
    later = set(order[order.index(room) :]) | {"__init__"}
    assert rooms(tree, package) <= later


def test_the_orders_name_what_there_is() -> None:
    for root, order in ((SIDECAR, SIDECAR_ORDER), (EXTENSION, EXTENSION_ORDER)):
        assert {name.split(".")[0] for name in modules(root)} | {"__init__"} == set(order) | {"__init__"}


def module_graph(package: str, root: Path) -> dict[str, set[str]]:
    trees = modules(root)
    graph = {}
    for name, tree in trees.items():
        own = {full.removeprefix(f"{package}.") for full in imports(tree) if full.startswith(f"{package}.")}
        graph[name] = {n for n in trees if n != name and any(full == n or full.startswith(f"{n}.") for full in own)}
    return graph


@pytest.mark.parametrize(("package", "root"), [("sidecar", SIDECAR), ("nl2sql_pg", EXTENSION)])
def test_no_cycles(package: str, root: Path) -> None:
    """Also within a room."""
    graph = module_graph(package, root)
    assert any(graph.values())
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way, name])
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_extension_needs_the_standard_library_only() -> None:
    """It runs on the interpreter that PostgreSQL links to, which has no other packages."""
    for name, tree in modules(EXTENSION).items():
        outside = {full.split(".")[0] for full in imports(tree)} - {"nl2sql_pg"} - set(sys.stdlib_module_names)
        assert not outside, name


def test_the_two_processes_share_no_code() -> None:
    for root, foreign in ((SIDECAR, "nl2sql_pg"), (EXTENSION, "sidecar")):
        for name, tree in modules(root).items():
            assert foreign not in {full.split(".")[0] for full in imports(tree)}, name


def test_only_the_bridge_touches_plpy() -> None:
    """Queries, interrupts and the server's errors are handled in one place."""
    for name, tree in modules(EXTENSION).items():
        touched = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and "plpy" in ast.dump(node.value).replace("'_plpy'", "'plpy'")
        }
        assert (name == "bridge") == bool(touched - {"_plpy"}), (name, touched)


def test_prompt_and_guard_do_no_input_or_output() -> None:
    """Pure functions over templates and lists in files of their own."""
    forbidden = {"socket", "asyncio", "httpx", "psycopg", "subprocess", "os", "fastapi"}
    for name, tree in modules(SIDECAR).items():
        if name.split(".")[0] in ("prompt", "guard"):
            assert not {full.split(".")[0] for full in imports(tree)} & forbidden, name
