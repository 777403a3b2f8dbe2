"""GGUF to safetensors, on real files small enough to compare every value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from safetensors import safe_open
from tokenizers import Tokenizer

from sidecar.errors import SidecarError
from sidecar.models import gguf
from tests.unit.sidecar.models.tiny_gguf import TEMPLATE, tiny_weights, write_tiny_gguf

torch = pytest.importorskip("torch", reason="comes with the engine")


def converted(source: Path, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    gguf.convert(source, folder)
    with safe_open(folder / "model.safetensors", "pt") as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a dict)


def as_bf16(values: np.ndarray) -> Any:
    """What the file holds of these values, rounded by torch and not by us."""
    if values.ndim > 1:
        values = dequantize(quantize(values, GGMLQuantizationType.Q8_0), GGMLQuantizationType.Q8_0)
    return torch.from_numpy(values).to(torch.bfloat16)


def test_every_value_survives_under_its_new_name(tiny_gguf: Path, tmp_path: Path) -> None:
    found = converted(tiny_gguf, tmp_path / "out")
    expected = {gguf.tensor_name(name): as_bf16(values) for name, values in tiny_weights().items()}
    assert set(found) == set(expected)
    assert "model.layers.1.self_attn.k_proj.bias" in found and "lm_head.weight" in found
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def test_slices_of_rows_join_without_a_seam(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = converted(tiny_gguf, tmp_path / "whole")
    monkeypatch.setattr(gguf, "SLICE_VALUES", 200)  # three rows at a time
    sliced = converted(tiny_gguf, tmp_path / "sliced")
    assert all(torch.equal(whole[name], sliced[name]) for name in whole)


def test_transformers_loads_and_runs_the_result(tiny_gguf: Path, tmp_path: Path) -> None:
    from transformers import Qwen2ForCausalLM

    converted(tiny_gguf, tmp_path / "out")
    model, report = Qwen2ForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert model(torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 264)


def test_config_says_what_the_file_says(tiny_gguf: Path, tmp_path: Path) -> None:
    converted(tiny_gguf, tmp_path / "out")
    config = json.loads((tmp_path / "out/config.json").read_text())
    expected = {"hidden_size": 64, "num_hidden_layers": 2, "num_key_value_heads": 2, "vocab_size": 264}
    assert config | expected == config
    assert (config["rms_norm_eps"], config["rope_theta"], config["tie_word_embeddings"]) == (1e-6, 10000.0, False)
    generation = json.loads((tmp_path / "out/generation_config.json").read_text())
    assert generation == {"do_sample": False, "eos_token_id": [260, 258], "pad_token_id": 258}


def test_embeddings_are_tied_where_there_is_no_output_matrix(tmp_path: Path) -> None:
    source = write_tiny_gguf(tmp_path / "tied.gguf", tiny_weights(tied=True))
    assert "lm_head.weight" not in converted(source, tmp_path / "out")
    assert json.loads((tmp_path / "out/config.json").read_text())["tie_word_embeddings"] is True


def test_tokenizer_splits_merges_and_keeps_special_tokens_whole(tiny_gguf: Path, tmp_path: Path) -> None:
    converted(tiny_gguf, tmp_path / "out")
    tokenizer = Tokenizer.from_file(str(tmp_path / "out/tokenizer.json"))
    assert tokenizer.encode("select").tokens == ["se", "l", "e", "ct"]
    assert tokenizer.encode("<|im_end|>").ids == [260]
    assert tokenizer.get_vocab_size(with_added_tokens=True) == 262, "padding rows are no tokens"
    text = "naïve 客户 12\r\n"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    special = {t["content"] for t in json.loads(tokenizer.to_str())["added_tokens"] if t["special"]}
    assert special == {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}


def test_tokenizer_config_has_template_and_ends(tiny_gguf: Path, tmp_path: Path) -> None:
    converted(tiny_gguf, tmp_path / "out")
    config = json.loads((tmp_path / "out/tokenizer_config.json").read_text())
    assert (config["chat_template"], config["eos_token"], config["pad_token"]) == (
        TEMPLATE,
        "<|im_end|>",
        "<|endoftext|>",
    )


def test_progress_counts_to_the_end(tiny_gguf: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    gguf.convert(tiny_gguf, tmp_path, lambda done, total: seen.append((done, total)))
    done = [item[0] for item in seen]
    assert done == sorted(done) and done[-1] >= seen[-1][1] > 0


@pytest.mark.parametrize("options", [{"architecture": "llama"}, {"pre": "unknown-tokenizer"}])
def test_another_architecture_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    source = write_tiny_gguf(tmp_path / "other.gguf", **options)
    with pytest.raises(SidecarError) as caught:
        gguf.convert(source, tmp_path)
    assert caught.value.sqlstate == "NL304" and "not" in caught.value.detail and caught.value.hint


def test_an_unknown_tensor_is_refused(tmp_path: Path) -> None:
    weights = tiny_weights() | {"blk.0.attn_sinks.weight": np.zeros(64, dtype=np.float32)}
    with pytest.raises(SidecarError, match="can't be converted") as caught:
        gguf.convert(write_tiny_gguf(tmp_path / "odd.gguf", weights), tmp_path)
    assert "attn_sinks" in caught.value.detail


def test_a_weight_that_is_no_number_is_refused(tmp_path: Path) -> None:
    weights = tiny_weights()
    weights["output_norm.weight"][3] = np.nan
    with pytest.raises(SidecarError) as caught:
        gguf.convert(write_tiny_gguf(tmp_path / "nan.gguf", weights), tmp_path)
    assert caught.value.sqlstate == "NL304" and "finite" in caught.value.detail


@pytest.mark.parametrize("keep", [0, 3, 100, -500])
def test_a_cut_file_is_refused(tiny_gguf: Path, tmp_path: Path, keep: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf.read_bytes()[:keep])
    with pytest.raises(SidecarError) as caught:
        gguf.convert(cut, tmp_path)
    assert caught.value.sqlstate == "NL304"
