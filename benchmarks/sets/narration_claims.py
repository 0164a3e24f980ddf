"""The shorthand of the hand-written claims."""

from __future__ import annotations

import re
from typing import Any


def claim(text: str) -> dict[str, Any]:
    """A claim in the shorthand of the hand-written files."""
    hidden = re.findall(r"\+(\w+)", text)
    stance = "hypothesis" if " ?" in text else "fact"
    bare = re.sub(r"(\s\?|\s\+\w+)", "", text).strip()
    shown = re.findall(r"\{(f\d+)\}", bare)
    return {"text": bare, "fact_ids": list(dict.fromkeys([*shown, *hidden])), "stance": stance}
