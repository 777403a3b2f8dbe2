"""The tokenizer files that vLLM and transformers read, made from the vocabulary inside a GGUF file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Kinds of token in a GGUF vocabulary (gguf.TokenType); the enum is not imported so that this file stays light.
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5

# Split patterns by `tokenizer.ggml.pre`. A GGUF file only names them; the pattern itself belongs to the model family.
SPLIT_PATTERNS = {
    "qwen2": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


def write_files(metadata: Mapping[str, Any], folder: Path, context_length: int) -> None:
    """Write tokenizer.json, vocab.json, merges.txt and tokenizer_config.json (with the chat template)."""
    vocabulary, added = _split_vocabulary(metadata)
    merges: list[str] = metadata["tokenizer.ggml.merges"]
    _dump(folder / "tokenizer.json", _fast_tokenizer(vocabulary, merges, added, _pattern(metadata)))
    _dump(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    _dump(folder / "tokenizer_config.json", _config(metadata, added, context_length))


def special_token(metadata: Mapping[str, Any], name: str) -> str | None:
    """The text of `eos`, `bos` or `padding`, where the file names one."""
    number = metadata.get(f"tokenizer.ggml.{name}_token_id")
    return None if number is None else str(metadata["tokenizer.ggml.tokens"][int(number)])


def _pattern(metadata: Mapping[str, Any]) -> str:
    model, pre = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre")
    if model != "gpt2" or pre not in SPLIT_PATTERNS:
        raise ValueError(f"tokenizer {model}/{pre} is not known")
    return SPLIT_PATTERNS[pre]


def _split_vocabulary(metadata: Mapping[str, Any]) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Ordinary tokens, and the added ones; rows that only pad the embedding matrix are neither."""
    vocabulary: dict[str, int] = {}
    added: list[dict[str, Any]] = []
    kinds = metadata["tokenizer.ggml.token_type"]
    for number, (token, kind) in enumerate(zip(metadata["tokenizer.ggml.tokens"], kinds, strict=True)):
        if kind in (CONTROL, USER_DEFINED):
            added.append(_added_token(number, token, special=kind == CONTROL))
        elif kind != UNUSED:
            vocabulary[token] = number
    return vocabulary, added


def _added_token(number: int, content: str, *, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, **flags, "special": special}


def _fast_tokenizer(
    vocabulary: dict[str, int], merges: list[str], added: list[dict[str, Any]], pattern: str
) -> dict[str, Any]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": _bpe(vocabulary, merges),
    }


def _bpe(vocabulary: dict[str, int], merges: list[str]) -> dict[str, Any]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": vocabulary,
        "merges": merges,
    }


def _config(metadata: Mapping[str, Any], added: list[dict[str, Any]], context_length: int) -> dict[str, Any]:
    decoder = {str(token["id"]): {k: v for k, v in token.items() if k != "id"} for token in added}
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": decoder,
        "add_prefix_space": False,
        "add_bos_token": bool(metadata.get("tokenizer.ggml.add_bos_token", False)),
        "bos_token": None,
        "eos_token": special_token(metadata, "eos"),
        "pad_token": special_token(metadata, "padding"),
        "unk_token": None,
        "errors": "replace",
        "model_max_length": context_length,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": False,
    }
    if template := metadata.get("tokenizer.chat_template"):
        config["chat_template"] = template
    return config


def _dump(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
