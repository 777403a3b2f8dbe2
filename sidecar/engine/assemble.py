"""Which engine and which embedder the settings ask for."""

from __future__ import annotations

from sidecar.engine.base import Embedder, Engine
from sidecar.engine.command import LocalModel
from sidecar.engine.embedder import LocalEmbedder, UrlEmbedder
from sidecar.engine.openai import ExternalEngine
from sidecar.engine.vllm import VllmEngine
from sidecar.errors import SidecarError
from sidecar.models.resolve import resolve
from sidecar.settings import Settings

DEFAULT_FAMILY = "qwen"


def assemble_engine(settings: Settings) -> Engine:
    """An own vLLM, or the server that settings.engine_url names."""
    if settings.engine_url:
        return ExternalEngine(settings)
    return VllmEngine(settings, lambda: _locate(settings))


def assemble_embedder(settings: Settings) -> Embedder:
    """The local embedding model, or (`url:<model>`) one of the server that settings.engine_url names."""
    if settings.embedder.startswith("url:"):
        return UrlEmbedder(settings)
    return LocalEmbedder(settings.embedder, lambda: resolve(settings.embedder, cache=settings.cache_dir).path)


def prompt_family(settings: Settings) -> str:
    """The folder of templates for the model: as set, else as the catalog says of it."""
    if settings.prompt_family != "auto":
        return settings.prompt_family
    if settings.engine_url:
        return DEFAULT_FAMILY
    try:
        return resolve(settings.model, cache=settings.cache_dir).family
    except SidecarError:
        return DEFAULT_FAMILY  # the model is not there yet; the engine tells


def _locate(settings: Settings) -> LocalModel:
    found = resolve(settings.model, cache=settings.cache_dir)
    return LocalModel(found.id, found.path, found.engine_args)
