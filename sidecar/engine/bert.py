"""The forward pass of a BERT encoder in numpy, for small sentence embedding models such as all-MiniLM-L6-v2.

Why not transformers: its import and torch's cost seconds and hundreds of megabytes in a process that must be up
at once and stay small, and neither is there when the engine runs elsewhere.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

Array = npt.NDArray[np.float32]

MAX_TOKENS = 256
BATCH_TOKENS = 1024


class BertEncoder:
    """Texts to the mean of their last hidden states, of unit length."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.dimension = int(config["hidden_size"])
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._eps = float(config["layer_norm_eps"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(MAX_TOKENS, int(config["max_position_embeddings"])))
        self._weights = _float_weights(folder / "model.safetensors")

    def encode(self, texts: list[str]) -> Array:
        """Embed texts in batches of like length, so that little time goes into padding."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        result = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch in _batches([len(item) for item in ids]):
            result[batch] = self._encode_batch([ids[index] for index in batch])
        return result

    def _encode_batch(self, ids: list[list[int]]) -> Array:
        width = max(len(item) for item in ids)
        tokens = np.array([item + [0] * (width - len(item)) for item in ids])
        mask = np.array([[1.0] * len(item) + [0.0] * (width - len(item)) for item in ids], dtype=np.float32)
        hidden = self._embeddings(tokens)
        for layer in range(self._layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden, mask)
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: Array = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _embeddings(self, tokens: npt.NDArray[np.int64]) -> Array:
        words = self._weights["embeddings.word_embeddings.weight"][tokens]
        positions = self._weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        kinds = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm("embeddings.", words + positions + kinds)

    def _layer(self, at: str, hidden: Array, mask: Array) -> Array:
        attended = self._linear(at + "attention.output.dense", self._attention(at + "attention.self.", hidden, mask))
        hidden = self._norm(at + "attention.output.", hidden + attended)
        widened = _gelu(self._linear(at + "intermediate.dense", hidden))
        return self._norm(at + "output.", hidden + self._linear(at + "output.dense", widened))

    def _attention(self, at: str, hidden: Array, mask: Array) -> Array:
        query, key, value = (self._split(self._linear(at + part, hidden)) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(query.shape[-1]))
        scores += (mask[:, None, None, :] - 1) * np.float32(1e9)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        joined: Array = (weights @ value).transpose(0, 2, 1, 3).reshape(hidden.shape)
        return joined

    def _split(self, hidden: Array) -> Array:
        """From (text, token, width) to (text, head, token, width of a head)."""
        count, tokens, width = hidden.shape
        return hidden.reshape(count, tokens, self._heads, width // self._heads).transpose(0, 2, 1, 3)

    def _linear(self, at: str, hidden: Array) -> Array:
        # One flat product: a stacked one would call BLAS once per text.
        weight = self._weights[at + ".weight"]
        flat = hidden.reshape(-1, hidden.shape[-1]) @ weight.T
        flat += self._weights[at + ".bias"]
        return flat.reshape(*hidden.shape[:-1], weight.shape[0])

    def _norm(self, at: str, hidden: Array) -> Array:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(self._eps))
        normed: Array = centred / spread * self._weights[at + "LayerNorm.weight"] + self._weights[at + "LayerNorm.bias"]
        return normed


def _float_weights(path: Path) -> dict[str, Array]:
    loaded = load_file(path)
    return {name.removeprefix("bert."): tensor.astype(np.float32, copy=False) for name, tensor in loaded.items()}


def _batches(lengths: list[int]) -> list[list[int]]:
    """Indices in batches of at most BATCH_TOKENS padded tokens, shortest texts first."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[index] <= BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _gelu(value: Array) -> Array:
    result: Array = value * np.float32(0.5) * (1 + _erf(value * np.float32(math.sqrt(0.5))))
    return result


def _erf(value: Array) -> Array:
    """Error function by Abramowitz and Stegun 7.1.26; off by at most 1.5e-7, less than float32 shows."""
    size = np.abs(value)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    result: Array = np.copysign(1 - series * np.exp(-size * size), value)
    return result
