"""A failure model as bytes: numbers and names in numpy's .npz, nothing that runs when it is read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.errors import PredictionError
from homepot_ai.prediction.calibration import Band, Stack
from homepot_ai.prediction.encoding import Encoder
from homepot_ai.prediction.features import Feature
from homepot_ai.prediction.hazard import FailureModel, Member, Window
from homepot_ai.prediction.trees import Trees

#: Changes when older payloads cannot be read any more.
FORMAT = 1
PLAIN = ("own", "kinds", "rate", "usual", "scale", "base", "threshold")
SAID = ("kind", "memory", "devices", "steps", "failures")


def dump(model: FailureModel) -> bytes:
    """The model's bytes."""
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(model, name) for name in PLAIN}
    arrays["life_limit"] = np.array(model.life_limit)
    shape: list[dict[str, Any]] = []
    for m, member in enumerate(model.members):
        arrays |= {f"{m}/encoder/{name}": value for name, value in vars(member.encoder).items()}
        arrays[f"{m}/cause_rate"] = member.cause_rate
        for w, window in enumerate(member.windows):
            at = f"{m}/{w}/"
            arrays |= window.trees.arrays(at + "trees/")
            if window.by_cause is not None:
                arrays |= window.by_cause.arrays(at + "by_cause/")
            arrays |= {at + "linear": window.linear, at + "intercept": np.array(window.intercept)}
        if member.life is not None:
            arrays |= member.life.arrays(f"{m}/life/")
        shape.append(
            {"by_cause": [w.by_cause is not None for w in member.windows], "life": member.life is not None}
        )
    for w, stack in enumerate(model.stacks):
        arrays |= {f"stack/{w}/weight": stack.weight, f"stack/{w}/bias": np.array(stack.bias)}
    if model.band is not None:
        arrays |= {f"band/{name}": value for name, value in vars(model.band).items()}
    told = {name: getattr(model, name) for name in SAID} | {
        "format": FORMAT,
        "windows": {name: list(window) for name, window in model.windows.items()},
        "features": [[f.source, f.what, f.steps] for f in model.features],
        "members": shape,
        "stacks": len(model.stacks),
        "band": model.band is not None,
    }
    arrays["told"] = np.frombuffer(orjson.dumps(told), np.uint8)
    file = io.BytesIO()
    named: dict[str, Any] = arrays
    np.savez_compressed(file, **named)
    return file.getvalue()


def load(payload: bytes) -> FailureModel:
    """What `dump` gave.

    Raises:
        PredictionError: these bytes are no failure model, or of another version of this program.
    """
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        told = orjson.loads(arrays["told"].tobytes())
        if told["format"] == FORMAT:
            return _model(arrays, told)
    except Exception as error:  # whatever damaged bytes lead to
        raise PredictionError(
            f"the stored failure model cannot be read ({error}): homepot-ai run learn-hazards fits it again"
        ) from error
    raise PredictionError(
        f"the stored failure model has format {told['format']}, this program reads {FORMAT}: "
        "homepot-ai run learn-hazards fits it again"
    )


def pack(model: FailureModel, twin: FailureModel | None) -> bytes:
    """A model and its twin as one payload."""
    file = io.BytesIO()
    parts = {"model": dump(model)} | ({} if twin is None else {"twin": dump(twin)})
    arrays: dict[str, Any] = {name: np.frombuffer(part, np.uint8) for name, part in parts.items()}
    np.savez(file, **arrays)
    return file.getvalue()


def unpack(stored: bytes) -> tuple[FailureModel, FailureModel | None]:
    """What `pack` gave.

    Raises:
        PredictionError: these bytes are no failure model.
    """
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as file:
            parts = {name: file[name].tobytes() for name in file.files}
        model = parts["model"]
    except Exception as error:  # whatever damaged bytes lead to
        raise PredictionError(
            f"the stored failure model cannot be read ({error}): homepot-ai run learn-hazards fits it again"
        ) from error
    return load(model), load(parts["twin"]) if "twin" in parts else None


def _model(arrays: Mapping[str, npt.NDArray[Any]], told: Mapping[str, Any]) -> FailureModel:
    members = []
    for m, shape in enumerate(told["members"]):
        windows = []
        for w, by_cause in enumerate(shape["by_cause"]):
            at = f"{m}/{w}/"
            causes = Trees.of_arrays(arrays, at + "by_cause/") if by_cause else None
            trees = Trees.of_arrays(arrays, at + "trees/")
            windows.append(Window(trees, causes, arrays[at + "linear"], float(arrays[at + "intercept"])))
        encoder = Encoder(**{name: arrays[f"{m}/encoder/{name}"] for name in Encoder.__dataclass_fields__})
        life = Trees.of_arrays(arrays, f"{m}/life/") if shape["life"] else None
        members.append(Member(encoder, arrays[f"{m}/cause_rate"], tuple(windows), life))
    stacks = [
        Stack(arrays[f"stack/{w}/weight"], float(arrays[f"stack/{w}/bias"])) for w in range(told["stacks"])
    ]
    band = Band(**{name: arrays[f"band/{name}"] for name in ("at", "low", "high")}) if told["band"] else None
    plain: dict[str, Any] = {name: arrays[name] for name in PLAIN} | {name: told[name] for name in SAID}
    return FailureModel(
        **plain,
        life_limit=float(arrays["life_limit"]),
        windows={name: (float(a), float(b)) for name, (a, b) in told["windows"].items()},
        features=tuple(Feature(source, what, steps) for source, what, steps in told["features"]),
        members=tuple(members),
        stacks=tuple(stacks),
        band=band,
    )
