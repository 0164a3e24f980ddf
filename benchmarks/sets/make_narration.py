"""Writes `narration.jsonl.gz`: honest claims and adversarial ones over the same facts. Always the same bytes.

python benchmarks/sets/make_narration.py
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import narration_eighth  # noqa: E402
import narration_fifth  # noqa: E402
import narration_fourth  # noqa: E402
import narration_ninth  # noqa: E402
import narration_second  # noqa: E402
import narration_seventh  # noqa: E402
import narration_sixth  # noqa: E402
import narration_third  # noqa: E402
from narration_claims import claim  # noqa: E402
from narration_honest import WORLDS  # noqa: E402
from narration_untrue import BY_HAND, untrue  # noqa: E402

for more in (
    narration_second,
    narration_third,
    narration_fourth,
    narration_fifth,
    narration_sixth,
    narration_seventh,
    narration_eighth,
    narration_ninth,
):
    WORLDS.update(more.WORLDS)
    BY_HAND.update(more.BY_HAND)


def split_of(world: str) -> str:
    """What was looked at while the rules were made, and what was measured once before it was."""
    return "test" if world.startswith("eighth_") else "dev"


def world_line(name: str) -> dict[str, Any]:
    """Everything of a line but answer and honesty."""
    language, subjects, belongs, facts, _ = WORLDS[name]
    return {
        "language": language,
        "subjects": subjects,
        "belongs": belongs,
        "facts": [
            {"id": f[0], "kind": f[1], "subject": f[2], "metric": f[3], "value": f[4], "shown": f[5], **f[6]}
            for f in facts
        ],
    }


def answers() -> list[dict[str, Any]]:
    """All lines."""
    lines = []
    for name, (_, _, _, _, honest) in WORLDS.items():
        for text in honest:
            told = claim(text)
            lines.append(
                {**world_line(name), "about": name, "split": split_of(name),
                 "answer": {"claims": [told]}, "honest": True}
            )  # fmt: skip
    for name, about, told in untrue():
        lines.append(
            {**world_line(name), "about": f"{name}: {about}", "split": split_of(name),
             "answer": {"claims": [told]}, "honest": False}
        )  # fmt: skip
    return lines


def main() -> None:
    """Write the set."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in answers())
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed:
        packed.write(text.encode())
    (HERE / "narration.jsonl.gz").write_bytes(buffer.getvalue())
    print(f"{text.count(chr(10))} answers")


if __name__ == "__main__":
    main()
