"""Writes `narration.jsonl.gz`: honest claims and adversarial ones over the same facts. Always the same bytes.

python benchmarks/sets/make_narration.py
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from narration_honest import WORLDS  # noqa: E402


def split_of(text: str) -> str:
    """A third is held back: by hash, so that it never depends on anybody's liking."""
    return "test" if int(hashlib.sha256(text.encode()).hexdigest(), 16) % 3 == 0 else "dev"


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


def claim(text: str) -> dict[str, Any]:
    """A claim in the shorthand of the hand-written files."""
    hidden = re.findall(r"\+(\w+)", text)
    stance = "hypothesis" if " ?" in text else "fact"
    bare = re.sub(r"(\s\?|\s\+\w+)", "", text).strip()
    shown = re.findall(r"\{(f\d+)\}", bare)
    return {"text": bare, "fact_ids": list(dict.fromkeys([*shown, *hidden])), "stance": stance}


def answers() -> list[dict[str, Any]]:
    """All lines."""
    lines = []
    for name, (_, _, _, _, honest) in WORLDS.items():
        for text in honest:
            told = claim(text)
            lines.append(
                {**world_line(name), "about": name, "split": split_of(told["text"]),
                 "answer": {"claims": [told]}, "honest": True}
            )  # fmt: skip
    try:
        from narration_untrue import untrue
    except ImportError:
        return lines
    for name, about, told in untrue():
        lines.append(
            {**world_line(name), "about": f"{name}: {about}", "split": split_of(told["text"]),
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
