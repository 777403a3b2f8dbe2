"""What we make of Qwen's GGUF file is what transformers, which has a reader of its own, reads from the same file."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine.base import Message
from sidecar.models import catalog
from sidecar.models.pull import fetch_source
from sidecar.models.store import Store
from sidecar.places import default_cache
from tests.support.engine import SMALL_MODEL, EngineHost

SYSTEM = "Write one PostgreSQL SELECT that answers the question, and nothing else."
SCHEMA = "create table customers (customer_id int, name text, city text);"
QUESTIONS = [
    "How many customers are there?",
    "List the names of customers in Paris.",
    "Which city has the most customers?",
    "有多少个客户？",
    "Names of customers, in alphabetical order.",
]
TEXTS = [
    "select  count(*)\n\tfrom t;",
    "it's 12345 naïve ﬁancés",
    "上海的客户",
    "<|im_start|>user\n👩‍💻 مرحبا<|im_end|>",
    " \r\n",
]
TOKENS = 20


@pytest.fixture(scope="module")
def gguf_file() -> Path:
    """The file the catalog's model is made from; fetched where the cache does not keep it."""
    return fetch_source(catalog.load().get(SMALL_MODEL), Store(default_cache()))


@pytest.fixture(scope="module")
def folder(gguf_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted here and now, so that the test holds for this code and not for what an older one left in the cache."""
    from sidecar.models import gguf

    folder = tmp_path_factory.mktemp("converted")
    gguf.convert(gguf_file, folder)
    return folder


@dataclass(frozen=True)
class Theirs:
    """What transformers makes of the file."""

    config: dict[str, Any]
    model: Any
    tokenizer: Any


@pytest.fixture(scope="module")
def theirs(gguf_file: Path, folder: Path) -> Theirs:
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    model = Qwen2ForCausalLM(Qwen2Config.from_pretrained(folder)).to(torch.bfloat16)
    found = load_gguf_checkpoint(str(gguf_file), return_tensors=True, model_to_load=model, torch_dtype=torch.bfloat16)
    model.load_state_dict(found["tensors"], assign=True)
    tokenizer = AutoTokenizer.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name)
    return Theirs(found["config"], model.eval(), tokenizer)


def test_every_weight_is_the_same_bit_for_bit(theirs: Theirs, folder: Path) -> None:
    import torch
    from safetensors import safe_open

    expected = theirs.model.state_dict()
    with safe_open(folder / "model.safetensors", "pt") as ours:
        assert set(ours.keys()) == set(expected)
        assert [name for name in expected if not torch.equal(expected[name], ours.get_tensor(name))] == []


def test_the_config_is_the_same(theirs: Theirs, folder: Path) -> None:
    ours = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shared = {key: value for key, value in theirs.config.items() if key in ours and key not in {"architectures"}}
    assert len(shared) >= 10
    assert {key: ours[key] for key in shared} == pytest.approx(shared)


def test_the_tokenizer_splits_alike(theirs: Theirs, folder: Path) -> None:
    from tokenizers import Tokenizer

    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in TEXTS:
        assert ours.encode(text).ids == theirs.tokenizer.encode(text), text
        assert ours.decode(ours.encode(text).ids, skip_special_tokens=False) == unicodedata.normalize("NFC", text)


def test_vllm_gives_the_greedy_answers_of_transformers(theirs: Theirs, folder: Path, host: EngineHost) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for question in QUESTIONS:
        messages = [Message("system", f"{SYSTEM} Schema: {SCHEMA}"), Message("user", question)]
        (sample,) = host.ask(messages, max_tokens=TOKENS, stop=[]).samples
        assert sample.text == _greedy(theirs.model, tokenizer, messages), question
        assert "select" in sample.text.lower(), question


def _greedy(model: Any, tokenizer: Any, messages: list[Message]) -> str:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    output = model.generate(**prompt, max_new_tokens=TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    text: str = tokenizer.decode(output[0][prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return text
