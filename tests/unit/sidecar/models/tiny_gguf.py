"""A Qwen2 model of a few thousand weights in a real GGUF file, written with the gguf package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

HIDDEN, FEED, HEADS, KV_HEADS, VOCABULARY = 64, 96, 4, 2, 264
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def tiny_weights(*, tied: bool = False, blocks: int = 2) -> dict[str, np.ndarray]:
    """Values by GGUF name; always the same."""
    random = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (VOCABULARY, HIDDEN), "output_norm.weight": (HIDDEN,)}
    if not tied:
        shapes["output.weight"] = (VOCABULARY, HIDDEN)
    for number in range(blocks):
        shapes |= {f"blk.{number}.{name}": shape for name, shape in _block_shapes().items()}
    return {name: random.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def write_tiny_gguf(
    path: Path, weights: dict[str, np.ndarray] | None = None, architecture: str = "qwen2", pre: str = "qwen2"
) -> Path:
    """Matrices in Q8_0, vectors in F32, as llama.cpp writes them."""
    weights = weights or tiny_weights()
    writer = GGUFWriter(path, architecture)
    _add_metadata(writer, pre)
    for name, values in weights.items():
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            packed = quantize(values, GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _block_shapes() -> dict[str, tuple[int, ...]]:
    kv = HIDDEN // HEADS * KV_HEADS
    return {
        "attn_norm.weight": (HIDDEN,),
        "attn_q.weight": (HIDDEN, HIDDEN),
        "attn_q.bias": (HIDDEN,),
        "attn_k.weight": (kv, HIDDEN),
        "attn_k.bias": (kv,),
        "attn_v.weight": (kv, HIDDEN),
        "attn_v.bias": (kv,),
        "attn_output.weight": (HIDDEN, HIDDEN),
        "ffn_norm.weight": (HIDDEN,),
        "ffn_gate.weight": (FEED, HIDDEN),
        "ffn_up.weight": (FEED, HIDDEN),
        "ffn_down.weight": (HIDDEN, FEED),
    }


def _add_metadata(writer: GGUFWriter, pre: str) -> None:
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(2)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    _add_tokenizer(writer, pre)


def byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes that byte-level BPE uses, in its order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [number for number in range(256) if number not in plain]
    return [chr(number) for number in plain] + [chr(256 + index) for index in range(len(rest))]


def _add_tokenizer(writer: GGUFWriter, pre: str) -> None:
    tokens = [*byte_alphabet(), "se", "ct", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>", "[PAD0]", "[PAD1]"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 258 + [3, 3, 3, 4, 5, 5])
    writer.add_token_merges(["s e", "c t"])
    writer.add_eos_token_id(260)
    writer.add_pad_token_id(258)
    writer.add_chat_template(TEMPLATE)
