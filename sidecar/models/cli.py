"""nl2sql-model: list, pull, path, remove and default of the model catalog."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sidecar.errors import SidecarError
from sidecar.models import catalog, hardware
from sidecar.models.catalog import Model
from sidecar.models.progress import megabytes
from sidecar.models.store import Store
from sidecar.places import default_cache

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors go to stderr in PostgreSQL's four fields."""
    # leave through the finally blocks when a service manager stops us, as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options, Store(options.cache or default_cache())))
    except SidecarError as exc:
        _print_error(exc)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("\ninterrupted; the next pull goes on where this one stopped", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nl2sql-model", description="Fetch, check and remove the models of nl2sql.")
    parser.add_argument("--cache", type=Path, help="cache folder (default: $NL2SQL_CACHE or ~/.cache/nl2sql)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="show the catalog and what is there")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_list)

    pulling = commands.add_parser("pull", help="fetch models; without ID the default for this hardware")
    pulling.add_argument("id", nargs="*", metavar="ID")
    pulling.add_argument("--from", dest="origin", type=Path, metavar="PATH", help="folder or GGUF file to take it from")
    pulling.add_argument("--keep-download", action="store_true", help="keep what was fetched after converting it")
    pulling.add_argument("--force", action="store_true", help="skip the memory check")
    pulling.set_defaults(run=_pull)

    path = commands.add_parser("path", help="print the folder of a model that is there")
    path.add_argument("id", nargs="?", metavar="ID")
    path.add_argument("--verify", action="store_true", help="check every file's SHA-256, not only sizes")
    path.set_defaults(run=_path)

    removing = commands.add_parser("remove", help="delete models and what was fetched for them")
    removing.add_argument("id", nargs="+", metavar="ID")
    removing.set_defaults(run=_remove)

    default = commands.add_parser("default", help="print the default model for this hardware")
    default.set_defaults(run=_default)
    return parser


def _list(options: argparse.Namespace, store: Store) -> int:
    known = catalog.load()
    default = known.default_for(hardware.probe()).id
    rows = [_row(model, store, default) for model in known.models.values()]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'id':<28} {'kind':<10} {'licence':<11} {'download':>9} {'memory':>8}  state")
    for row in rows:
        state = f"{row['state']}{' (default)' if row['default'] else ''}"
        size, memory = megabytes(row["download_bytes"]), f"{row['memory_gib']:g} GiB"
        print(f"{row['id']:<28} {row['kind']:<10} {row['licence']:<11} {size:>9} {memory:>8}  {state}")
    return 0


def _row(model: Model, store: Store, default: str) -> dict[str, Any]:
    sizes = [getattr(source, "download_bytes", 0) for source in model.sources]
    return {
        "id": model.id,
        "kind": model.kind,
        "licence": model.licence,
        "download_bytes": min(size for size in sizes if size),
        "memory_gib": model.memory_gib,
        "gpu": model.gpu,
        "state": store.state(model.id),
        "default": model.id == default,
    }


def _pull(options: argparse.Namespace, store: Store) -> int:
    from sidecar.models.pull import pull

    models = _chosen(options.id)
    if options.origin and len(models) != 1:
        print("nl2sql-model pull: --from goes with exactly one ID", file=sys.stderr)
        return 2
    for model in models:
        folder = pull(model, store, origin=options.origin, keep_download=options.keep_download, force=options.force)
        print(folder)
    return 0


def _path(options: argparse.Namespace, store: Store) -> int:
    (model,) = _chosen([options.id] if options.id else [])
    print(store.path(model.id, verify=options.verify))
    return 0


def _remove(options: argparse.Namespace, store: Store) -> int:
    from sidecar.models.pull import disk_error

    for model in _chosen(options.id):
        try:
            with store.lock(model.id):
                found = store.remove(model.id)
        except OSError as exc:
            raise disk_error(exc, store.cache) from exc
        print(f"{model.id}: {'removed' if found else 'was not there'}")
    return 0


def _default(options: argparse.Namespace, store: Store) -> int:
    print(catalog.load().default_for(hardware.probe()).id)
    return 0


def _chosen(ids: Sequence[str]) -> list[Model]:
    known = catalog.load()
    return [known.get(model_id) for model_id in ids] or [known.default_for(hardware.probe())]


def _print_error(exc: SidecarError) -> None:
    print(f"nl2sql-model: {exc.sqlstate}: {exc.message}", file=sys.stderr)
    if exc.detail:
        print(f"DETAIL: {exc.detail}", file=sys.stderr)
    if exc.hint:
        print(f"HINT: {exc.hint}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
