"""Turn a GGUF file into the folder that vLLM loads: bfloat16 safetensors, config and tokenizer files.

Only Qwen2 is mapped: a catalog entry of another architecture needs a map of its own here. The GGUF file is read through
a memory map and written in slices of rows, so peak memory does not grow with the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.errors import SidecarError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sidecar.models.safetensors import TensorPlan

ARCHITECTURE = "qwen2"
WEIGHTS = "model.safetensors"
SLICE_VALUES = 8_000_000  # 32 MB of float32 at a time

GLOBAL_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
BLOCK_PATTERN = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")


def convert(source: Path, folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write everything vLLM needs into `folder`; `progress` gets bytes written and bytes in all."""
    try:
        _convert(source, folder, progress)
    except (ValueError, KeyError, IndexError, TypeError, NotImplementedError) as exc:
        raise SidecarError(
            "NL304",
            f"GGUF file {source.name} can't be converted",
            detail=f"{type(exc).__name__}: {exc}.",
            hint="Remove the file and pull the model again; if it fails again, the file is of another architecture.",
        ) from exc


def _convert(source: Path, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    from gguf import GGUFReader

    from sidecar.models import safetensors, tokenizer

    reader = GGUFReader(source)
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    config = model_config(metadata, {t.name: tuple(int(n) for n in reversed(t.shape)) for t in reader.tensors})
    plans = tensor_plans(reader.tensors)
    total = sum(plan.bytes for plan in plans)
    report = (lambda done: progress(done, total)) if progress else None
    safetensors.write(folder / WEIGHTS, plans, report)
    tokenizer.write_files(metadata, folder, config["max_position_embeddings"])
    _dump(folder / "config.json", config)
    _dump(folder / "generation_config.json", generation_config(metadata))


def tensor_name(name: str) -> str:
    """The name of a GGUF tensor in transformers and vLLM."""
    if name in GLOBAL_NAMES:
        return GLOBAL_NAMES[name]
    match = BLOCK_PATTERN.fullmatch(name)
    if not match or match[2] not in BLOCK_NAMES:
        raise ValueError(f"tensor {name} has no place in a {ARCHITECTURE} model")
    return f"model.layers.{match[1]}.{BLOCK_NAMES[match[2]]}.{match[3]}"


def tensor_plans(tensors: list[Any]) -> list[TensorPlan]:
    """What to write, one entry for each tensor; nothing is dequantized yet."""
    from sidecar.models.safetensors import TensorPlan

    plans = []
    for tensor in tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        plans.append(TensorPlan(tensor_name(tensor.name), shape, partial(_pieces, tensor, shape)))
    return plans


def _pieces(tensor: Any, shape: tuple[int, ...]) -> Iterator[npt.NDArray[np.float32]]:
    """The tensor's values, a slice of rows at a time; a quantized block never crosses a row."""
    from gguf.quants import dequantize

    if len(shape) == 1:
        yield dequantize(tensor.data, tensor.tensor_type)
        return
    step = max(1, SLICE_VALUES // shape[-1])
    for start in range(0, shape[0], step):
        yield dequantize(tensor.data[start : start + step], tensor.tensor_type)


def model_config(metadata: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """config.json of transformers' Qwen2ForCausalLM."""
    if (found := metadata.get("general.architecture")) != ARCHITECTURE:
        raise ValueError(f"architecture {found} is not {ARCHITECTURE}")
    vocabulary, hidden = shapes["token_embd.weight"]
    context = int(metadata["qwen2.context_length"])
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": ARCHITECTURE,
        "torch_dtype": "bfloat16",
        # The release whose layout this is; without it newer ones take the tokenizer for a faulty one and warn.
        "transformers_version": "4.44.0",
        "hidden_act": "silu",
        "hidden_size": hidden,
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "max_window_layers": int(metadata["qwen2.block_count"]),
        "num_hidden_layers": int(metadata["qwen2.block_count"]),
        "intermediate_size": int(metadata["qwen2.feed_forward_length"]),
        "num_attention_heads": int(metadata["qwen2.attention.head_count"]),
        "num_key_value_heads": int(metadata["qwen2.attention.head_count_kv"]),
        "rms_norm_eps": float(f"{metadata['qwen2.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_theta": float(metadata["qwen2.rope.freq_base"]),
        "use_sliding_window": False,
        "attention_dropout": 0.0,
        "use_cache": True,
        # Qwen's small GGUF files have the output matrix in a finer quantization than the embedding: both are kept.
        "tie_word_embeddings": "output.weight" not in shapes,
        "eos_token_id": int(metadata["tokenizer.ggml.eos_token_id"]),
    }


def generation_config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Where generation stops. No sampling defaults: the sidecar states them with every request."""
    stops = {int(metadata["tokenizer.ggml.eos_token_id"])}
    padding = metadata.get("tokenizer.ggml.padding_token_id")
    if padding is not None:
        stops.add(int(padding))
    return {"do_sample": False, "eos_token_id": sorted(stops, reverse=True), "pad_token_id": padding}


def _dump(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
