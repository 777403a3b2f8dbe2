"""The demo: a database with the extension, the sidecar, and eight questions asked through psql.

python3 -m tools.demo up|down|status|env|demo|clean
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import pwd
import secrets
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import Cluster, describe, exports
from tools.errors import ToolError
from tools.psql import Psql
from tools.rows import same_rows
from tools.sidecar_process import SidecarProcess

ROOT = Path(".nl2sql")
DATABASE = "demo"
ROLE = "demo_analyst"
INDEXER = "nl2sql_sidecar"
EMBEDDER = "all-minilm-l6-v2"
DEMO_SQL = Path("sql/demo")
MOST_ROWS_SHOWN = 12


@dataclass(frozen=True)
class Question:
    """A line of questions.jsonl."""

    id: str
    lang: str
    question: str
    sql: str
    ordered: bool


class Demo:
    """The demo of this checkout."""

    def __init__(self) -> None:
        self.cluster = Cluster(ROOT)
        self.sidecar = SidecarProcess(ROOT, self.cluster.run, self.cluster.account)

    def psql(self, dbname: str = DATABASE, user: str = "postgres") -> Psql:
        return Psql(self.cluster.bin / "psql", self.cluster.dsn(dbname, user))

    def up(self) -> None:
        """Models, cluster, database, extension, sidecar, tables; each only if it is not there."""
        print("== models", flush=True)
        model = self.pull()
        print("== PostgreSQL")
        self.cluster.create().start()
        print(f"  {describe(self.cluster)}", flush=True)
        self.install()
        print("== sidecar", flush=True)
        self.sidecar.start([self.cluster.dsn(DATABASE, INDEXER)], model)
        self.load()
        self.sidecar.wait_ready()
        self.psql().run("SELECT nl2sql.refresh_index();")

    def pull(self) -> str:
        """Fetch the models. Which one suits the hardware is asked once: the answer depends on what else runs."""
        command = [sys.executable, "-m", "sidecar.models.cli"]
        model = os.environ.get("NL2SQL_MODEL") or self.cluster.state.read().get("model")
        if not isinstance(model, str) or model == "auto":
            model = subprocess.run([*command, "default"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        wanted = [name for name in (model, os.environ.get("NL2SQL_EMBEDDER", EMBEDDER)) if "/" not in name]
        if wanted and subprocess.run([*command, "pull", *wanted], check=False).returncode:
            raise ToolError(
                "the models could not be fetched", hint="see above; what was fetched is kept, so run it again"
            )
        self.cluster.state.update(model=model)
        return model

    def install(self) -> None:
        """The database and the extension, which is told where the sidecar is and who runs it."""
        if not self.psql("postgres").value(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self.psql("postgres").run(f"CREATE DATABASE {DATABASE};")
        psql = self.psql()
        scripts = sorted((self.share() / "extension").glob("nl2sql--*.sql"))
        installed = psql.value("SELECT extversion FROM pg_extension WHERE extname = 'nl2sql'")
        if installed and self.changed("extension", *scripts) and not self.updated(psql, installed):
            # Only while the extension is being worked on: one version, another script.
            print(f"  the script of nl2sql {installed} has changed: the extension is created anew")
            psql.run("DROP EXTENSION nl2sql CASCADE;")
        psql.run("CREATE EXTENSION IF NOT EXISTS nl2sql CASCADE;")
        self.note("extension", *scripts)
        user = pwd.getpwuid(os.geteuid()).pw_name
        psql.run(f"ALTER ROLE {INDEXER} LOGIN;")
        psql.run(
            "SELECT nl2sql.set_setting('socket_path', :'path'), nl2sql.set_setting('sidecar_user', :'owner');",
            variables={"path": str(self.sidecar.socket), "owner": user},
        )
        print(f"  {psql.value(VERSIONS)}", flush=True)

    def updated(self, psql: Psql, installed: str) -> bool:
        """Whether ALTER EXTENSION UPDATE had a newer version to go to."""
        psql.run("ALTER EXTENSION nl2sql UPDATE;")
        return psql.value("SELECT extversion FROM pg_extension WHERE extname = 'nl2sql'") != installed

    def load(self) -> None:
        """The shop's tables, made again when their script changes or the month does: their dates end today."""
        psql = self.psql()
        files = [DEMO_SQL / "shop.sql", DEMO_SQL / "roles.sql"]
        month = datetime.date.today().strftime("%Y-%m")
        if not psql.value("SELECT to_regnamespace('shop')") or self.changed("shop", *files, extra=month):
            began = time.monotonic()
            psql.run(files[0].read_text(encoding="utf-8"), "-1", "-o", os.devnull)
            print(f"  shop: loaded in {time.monotonic() - began:.1f} s", flush=True)
            self.note("shop", *files, extra=month)
        psql.run(files[1].read_text(encoding="utf-8"), "-1")
        # a processor without AVX-512 may need more than the default of 30 s for the first question about the schema
        psql.run(f"ALTER DATABASE {DATABASE} SET nl2sql.timeout = '120s';")
        self.give_password(psql)

    def give_password(self, psql: Psql) -> None:
        """A random one for TCP clients (JDBC, ODBC), in a file that only its owner can read."""
        path = ROOT.resolve() / "pgpass"
        start = f"127.0.0.1:{self.cluster.port}:*:{ROLE}:"
        if path.exists() and path.read_text().startswith(start):
            return
        password = secrets.token_urlsafe(18)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{start}{password}\n")
        psql.run(f"ALTER ROLE {ROLE} PASSWORD :'password';", variables={"password": password})

    def ask_all(self) -> int:
        """Ask the eight questions; the exit status says whether each gave SQL that runs."""
        questions = read_questions(DEMO_SQL / "questions.jsonl")
        ran = expected = 0
        for number, question in enumerate(questions, 1):
            print(f"\n== {number} of {len(questions)}: {question.question}", flush=True)
            try:
                expected += self.ask(question)
                ran += 1
            except ToolError as error:
                print(error)
        print(f"\n{ran} of {len(questions)} ran, {expected} of {len(questions)} as expected")
        return 0 if ran == len(questions) else 1

    def ask(self, question: Question) -> bool:
        """Ask as the analyst, show SQL and rows, and say whether the rows are those of the question's own SQL."""
        psql = self.psql(user=ROLE)
        began = time.monotonic()
        sql = psql.value("SELECT nl2sql(:'question');", question=question.question)
        print(f"{sql}\n  ({time.monotonic() - began:.1f} s)")
        print(shorten(psql.run(f"BEGIN READ ONLY;\n{sql}\n;\nCOMMIT;", "-P", "footer=on")), flush=True)
        found, wanted = (psql.rows(f"BEGIN READ ONLY;\n{text}\n;\nCOMMIT;") for text in (sql, question.sql))
        same = same_rows(found, wanted, ordered=question.ordered)
        print("as expected" if same else f"not as expected: {len(wanted)} rows of\n{question.sql}")
        return same

    def help(self) -> str:
        """How to connect to what has been left running."""
        variables = self.cluster.env(DATABASE, ROLE)
        psql = shlex.quote(str(self.cluster.bin / "psql"))
        return f"""
All of it is still running. To ask questions of your own:

    eval "$(make -s env)" && {psql}
    SELECT nl2sql('top 5 products by revenue');

or over TCP, with the password in {ROOT / "pgpass"}: jdbc:postgresql://127.0.0.1:{variables["PGPORT"]}/{DATABASE}?user={ROLE}
make status says how it is doing, make down stops it, make up starts it again, make clean removes it."""

    def status(self) -> int:
        print(f"PostgreSQL  {describe(self.cluster)}")
        running = self.sidecar.running()
        print(
            f"sidecar     {'running' if running else 'stopped'}; socket {self.sidecar.socket}, log {self.sidecar.log}"
        )
        if running:
            for line in self.components():
                print(f"            {line}")
        return 0 if running and self.cluster.running() else 1

    def components(self) -> list[str]:
        """A line a component of the running sidecar."""
        try:
            entries = self.sidecar.components()[1]
        except OSError as error:
            return [f"not answering: {error}"]
        return [f"{entry}" + (f": {entry.action}" if entry.action else "") for entry in entries]

    def down(self) -> None:
        self.sidecar.stop()
        self.cluster.stop()
        print("stopped")

    def env(self) -> None:
        if not self.cluster.running():
            raise ToolError("the demo is not running", hint="start it: make up")
        print(exports(self.cluster.env(DATABASE, ROLE)))

    def clean(self) -> None:
        """Remove the cluster, the sockets and the notes about them."""
        self.sidecar.destroy()
        self.cluster.destroy()
        for name in ("state.json", "pgpass"):
            (ROOT / name).unlink(missing_ok=True)

    def share(self) -> Path:
        """Where this PostgreSQL keeps the files of its extensions."""
        return Path(self.psql("postgres").value("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'"))

    def changed(self, key: str, *files: Path, extra: str = "") -> bool:
        return bool(self.cluster.state.read().get(key) != fingerprint(files, extra))

    def note(self, key: str, *files: Path, extra: str = "") -> None:
        self.cluster.state.update(**{key: fingerprint(files, extra)})


VERSIONS = """
SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension
WHERE extname IN ('nl2sql', 'plpython3u', 'vector', 'pg_trgm')
"""


def fingerprint(files: tuple[Path, ...], extra: str) -> str:
    return hashlib.sha256(b"\0".join([extra.encode(), *(path.read_bytes() for path in files)])).hexdigest()


def read_questions(path: Path) -> list[Question]:
    return [Question(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def shorten(table: str) -> str:
    """Cut a long table in the middle; the last line says how many rows there are."""
    lines = table.rstrip("\n").split("\n")
    if len(lines) <= MOST_ROWS_SHOWN + 3:
        return "\n".join(lines)
    return "\n".join([*lines[: MOST_ROWS_SHOWN + 2], " …", lines[-1]])


def main() -> int:
    parser = argparse.ArgumentParser(description="the demo of this checkout")
    parser.add_argument("command", choices=["up", "down", "status", "env", "demo", "clean"])
    command = parser.parse_args().command
    demo = Demo()
    if command == "demo":
        demo.up()
        code = demo.ask_all()
        print(demo.help())
        return code
    return {"up": demo.up, "down": demo.down, "status": demo.status, "env": demo.env, "clean": demo.clean}[
        command
    ]() or 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `make status | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
