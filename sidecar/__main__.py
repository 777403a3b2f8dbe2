"""nl2sql-sidecar: read the settings, put the parts together, serve."""

from __future__ import annotations

import argparse
import sys
from tomllib import TOMLDecodeError

from pydantic import ValidationError
from pydantic_settings import SettingsError

from sidecar import logs, server
from sidecar.app import create_app
from sidecar.engine.assemble import assemble_embedder, assemble_engine, prompt_family
from sidecar.errors import SidecarError
from sidecar.indexer.worker import IndexWorker
from sidecar.journal.journal import journal_of
from sidecar.services import Services
from sidecar.settings import Settings
from sidecar.version import __version__


def build_services(settings: Settings) -> Services:
    """The parts as the settings say. Nothing is started or loaded yet."""
    embedder = assemble_embedder(settings)
    workers = [IndexWorker(database, embedder, settings.index_interval) for database in settings.databases]
    return Services(
        settings, assemble_engine(settings), embedder, prompt_family(settings), journal_of(settings), workers
    )


def main(arguments: list[str] | None = None) -> int:
    """Console command nl2sql-sidecar."""
    parser = argparse.ArgumentParser(
        prog="nl2sql-sidecar",
        description="Serve on a Unix socket. Settings: environment NL2SQL_*, or the TOML file NL2SQL_CONFIG names.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args(arguments)
    try:
        settings = Settings()
        logs.configure(settings.log_level)
        services = build_services(settings)
        services.journal.open()
        server.serve(create_app(services), settings)
    except ValidationError as error:
        for problem in error.errors():
            print(f"nl2sql-sidecar: setting {'.'.join(map(str, problem['loc']))}: {problem['msg']}", file=sys.stderr)
        return 2
    except (SettingsError, TOMLDecodeError) as error:
        print(f"nl2sql-sidecar: the settings can't be read: {error}", file=sys.stderr)
        return 2
    except SidecarError as error:
        print(f"nl2sql-sidecar: {error.sqlstate}: {error.message}. {error.detail} {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
