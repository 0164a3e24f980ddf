"""What the scripted Ollama says: honest claims from the facts of a prompt, or what its behaviour wants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_NONCE = re.compile(r'repeated as "nonce": (\S+)')
_DATA = re.compile(r"<data (\w+)>\n(.*?)\n</data \1>", re.DOTALL)


def answer_for(text: str, form: Mapping[str, Any] | None, how: str) -> str:
    """The content of an answer, as a model would write it.

    Args:
        text: all that was asked; form: the JSON schema of the answer, if one was given.
        how: a name of `ollama_server.BEHAVIOURS`.

    >>> answer_for('repeated as "nonce": abc', {"properties": {"sure": {"type": "boolean"}}}, "well")
    '{"nonce": "abc", "sure": true}'
    """
    if how == "prose":
        return "I am sorry, I cannot answer in that form. The fleet looks fine to me!"
    if how == "empty":
        return ""
    if how == "wrong_schema":
        return json.dumps({"response": "fine", "confidence": "high"})
    nonce = _NONCE.search(text)
    data = _DATA.search(text)
    facts = data[2] if data else ""
    told: dict[str, Any] = {"nonce": nonce[1] if nonce else "none"}
    fields = dict((form or {}).get("properties", {})) or {"colour": {}, "sure": {"type": "boolean"}}
    for name, field in fields.items():
        if name == "claims":
            told[name] = _claims(facts, how)
        elif name != "nonce":
            told[name] = _filled(field, facts)
    return json.dumps(told)


def _filled(field: Mapping[str, Any], facts: str) -> Any:
    """A value of a field's kind; of several allowed words the one that the data holds."""
    if "anyOf" in field:
        return _filled(field["anyOf"][0], facts)
    if "enum" in field:
        return next((word for word in field["enum"] if str(word) in facts), field["enum"][-1])
    kinds: dict[str, Any] = {"boolean": True, "integer": 0, "number": 0.5, "array": [], "object": {}}
    return kinds.get(str(field.get("type")), "green" if "green" in facts else "")


def _claims(facts: str, how: str) -> list[dict[str, Any]]:
    return []
