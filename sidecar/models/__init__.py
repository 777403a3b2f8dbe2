"""The model catalog: what models there are, where they come from, and where they lie.

Importing this package is cheap: numpy, gguf and httpx are loaded when a model is fetched or converted.
"""

from sidecar.models.resolve import ResolvedModel, resolve

__all__ = ["ResolvedModel", "resolve"]
