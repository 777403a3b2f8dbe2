"""From a name in the settings to a folder that vLLM can load, and how to run it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import SidecarError
from sidecar.models import catalog as catalog_module
from sidecar.models import hardware as hardware_module
from sidecar.models.catalog import Catalog, Kind, Model
from sidecar.models.hardware import GIB, Hardware
from sidecar.models.store import Store
from sidecar.places import default_cache


@dataclass(frozen=True)
class ResolvedModel:
    """A model that is there. `engine_args` are for vLLM; `family` names the folder of prompt templates."""

    id: str
    path: Path
    kind: Kind
    family: str
    engine_args: tuple[str, ...]
    memory_gib: float | None = None


def resolve(name: str, *, cache: Path | None = None, hardware: Hardware | None = None) -> ResolvedModel:
    """`auto`, an id of the catalog, or a folder with safetensors. NL303 if it is missing, NL304 if damaged.

    `auto` is the default for this hardware; where that was not pulled, the largest model that was and can run here:
    free memory changes from one start to the next, and the model that is there is better than none.
    """
    if _is_folder_name(name):
        return _from_folder(Path(name).expanduser())
    known, store = catalog_module.load(), Store(cache or default_cache())
    if name == "auto":
        machine = hardware or hardware_module.probe()
        model = _choose(known, store, machine)
    else:
        model = known.get(name)
        machine = hardware or (hardware_module.probe() if model.gpu else Hardware(0, 0, 0))
    path = store.path(model.id)
    return ResolvedModel(model.id, path, model.kind, model.prompt_family, model.args_for(machine), model.memory_gib)


def _is_folder_name(name: str) -> bool:
    return "/" in name or name.startswith((".", "~"))


def _choose(known: Catalog, store: Store, machine: Hardware) -> Model:
    wanted = known.default_for(machine)
    if store.state(wanted.id) == "ready":
        return wanted
    return max(_runnable(known, store, machine), key=lambda model: model.parameters, default=wanted)


def _runnable(known: Catalog, store: Store, machine: Hardware) -> Iterable[Model]:
    for model in known.models.values():
        fits = machine.gpu_bytes >= model.gpu_gb * 10**9 and machine.total_bytes >= model.memory_on(machine) * GIB
        if model.kind == "generator" and fits and store.state(model.id) == "ready":
            yield model


def _from_folder(folder: Path) -> ResolvedModel:
    """A folder of the user's own: nothing is known of it but its config."""
    if not (folder / "config.json").is_file():
        raise SidecarError(
            "NL303",
            f"folder {folder} has no model",
            detail="It has no config.json.",
            hint="Name a folder with safetensors and config.json, or a model of the catalog.",
        )
    try:
        kind = str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", ""))
    except (ValueError, AttributeError) as exc:
        raise SidecarError(
            "NL304",
            f"config.json of folder {folder} can't be read",
            detail=f"{exc}.",
            hint="Copy the model again.",
        ) from exc
    if kind == "bert":
        return ResolvedModel(folder.name, folder, "embedder", "none", ())
    return ResolvedModel(folder.name, folder, "generator", "qwen" if kind.startswith("qwen") else "generic", ())
