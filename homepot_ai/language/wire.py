"""What is sent to a model and what is taken of its answer: budget, fence, nonce, JSON.

A prompt longer than the context is cut by Ollama without a word, its head first: so it is kept far below,
carries a word at its head that must come back, and the tokens that were counted are compared with what was
sent. Instructions stand first and last, since small models forget the middle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from homepot_ai.language.model import Outcome, Prompt, Reply
from homepot_ai.language.talk import Failed, Said

#: Share of the context that a prompt may fill; the rest is for the answer, and for counting wrongly.
PROMPT_SHARE = 0.45
#: A token of a small model holds at least so many bytes of what we send (tables of numbers, German) …
_FEWEST_BYTES = 2.5
#: … and at most so many: a prompt that was counted shorter than this was not read as a whole.
_MOST_BYTES = 9.0
_THOUGHT_ENDS = "</think>"
#: No answer to what we ask is longer; what goes on and on is not searched for JSON.
_LONGEST_ANSWER = 64_000


@dataclass(frozen=True)
class Letter:
    """A prompt as it is sent.

    Attributes:
        nonce: what must come back; size: in bytes; left_out: optional lines and examples that had no room.
    """

    messages: tuple[Mapping[str, str], ...]
    nonce: str
    size: int
    left_out: int = 0

    @property
    def tokens(self) -> int:
        """At most so many tokens."""
        return int(self.size / _FEWEST_BYTES) + 1


def prompt_hash(prompt: Prompt, schema: Mapping[str, Any]) -> str:
    """What is asked, without what is drawn anew each time; of the record and of the cache.

    >>> prompt_hash(Prompt("x", "Say.", "f1"), {})[:12]
    '9e26df6cb549'
    """
    parts = [prompt.instructions, prompt.data, prompt.optional, prompt.examples, schema]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def compose(prompt: Prompt, *, num_ctx: int, nonce: str, tag: str) -> Letter:
    """A prompt as messages, shortened where it may be.

    Args:
        tag: drawn anew for each call: foreign text cannot close a fence that it does not know.

    Raises:
        Failed: what may not be left out is over the budget.

    >>> letter = compose(Prompt("x", "Say.", "f1: 3"), num_ctx=4096, nonce="abc", tag="t1")
    >>> print(letter.messages[1]["content"])
    Word of this page, to be repeated as "nonce": abc
    <data t1>
    f1: 3
    </data t1>
    Say.
    """
    optional, examples = list(prompt.optional), list(prompt.examples)
    budget = int(num_ctx * PROMPT_SHARE)
    while True:
        letter = _letter(prompt, optional, examples, nonce, tag)
        if letter.tokens <= budget:
            return letter
        if optional:
            optional.pop()
        elif examples:
            examples.pop()
        else:
            raise Failed(
                Outcome.TOO_LONG,
                f"about {letter.tokens} tokens, and {budget} of a context of {num_ctx} may be used: "
                "raise ollama.num_ctx",
            )


def _letter(
    prompt: Prompt, optional: list[str], examples: list[tuple[str, str]], nonce: str, tag: str
) -> Letter:
    parts = [f'Word of this page, to be repeated as "nonce": {nonce}']
    for data, answer in examples:
        parts.append(f"Example of data:\n{data}\nExample of an answer:\n{answer}")
    parts += [f"<data {tag}>", "\n".join([prompt.data, *optional]), f"</data {tag}>", prompt.instructions]
    messages = (
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": "\n".join(parts)},
    )
    size = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
    left_out = len(prompt.optional) - len(optional) + len(prompt.examples) - len(examples)
    return Letter(messages, nonce, size, left_out)


def form_of(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema that an answer is held to: small and flat, the nonce first.

    References are put in place and titles left out: grammars of small servers know neither. Not for models
    that contain themselves.

    >>> class Yes(BaseModel):
    ...     yes: bool
    >>> form_of(Yes)["required"]
    ['nonce', 'yes']
    """
    described = schema.model_json_schema()
    named = described.pop("$defs", {})

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return plain(named[node["$ref"].rpartition("/")[2]])
        # A field may itself be called `title`: only the schema's own words go.
        return {
            key: {name: plain(item) for name, item in value.items()} if key == "properties" else plain(value)
            for key, value in node.items()
            if key not in ("title", "description", "default")
        }

    form: dict[str, Any] = plain(described)
    fields = form.get("properties", {})
    form["properties"] = {"nonce": {"type": "string"}} | {k: v for k, v in fields.items() if k != "nonce"}
    form["required"] = ["nonce", *(name for name in form.get("required", []) if name != "nonce")]
    return form


def read(said: Said, letter: Letter, schema: type[Reply]) -> Reply:
    """A model's words as a validated reply.

    Raises:
        Failed: cut off, no JSON, the nonce is not there, or another shape than asked for.
    """
    if said.cut:
        raise Failed(Outcome.TRUNCATED, "the model was stopped before it was done (done_reason length)")
    counted = said.prompt_tokens
    # 0 or nothing: older servers do not count what they have in their cache.
    if counted and counted < letter.size / _MOST_BYTES:
        raise Failed(Outcome.PROMPT_CUT, f"{letter.size} bytes were sent, only {counted} tokens were read")
    answer = _json(said.text)
    given = answer.get("nonce")
    if not isinstance(given, str) or given.strip() != letter.nonce:
        # Other fields are there: it has read its schema, not the head of the page.
        if "nonce" in answer or schema.model_fields.keys() & answer.keys():
            raise Failed(Outcome.PROMPT_CUT, "the word at the head of the prompt did not come back")
        raise Failed(Outcome.WRONG_SCHEMA, f"the answer's fields are {sorted(answer)[:5]}")
    if "nonce" not in schema.model_fields:
        del answer["nonce"]
    try:
        return schema.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Failed(Outcome.WRONG_SCHEMA, f"{where or 'the answer'}: {first['msg']}") from error


def _json(text: str) -> dict[str, Any]:
    """The object in a model's words, whatever it wrote around it.

    >>> _json('<think>{</think>Here it is: {"a": 1} Good luck!')
    {'a': 1}
    """
    # What was thought before is cut by its last mark: a pattern over marks that never close takes for ever.
    body = text[max(0, text.rfind(_THOUGHT_ENDS)) :].removeprefix(_THOUGHT_ENDS)
    if len(body) > _LONGEST_ANSWER:
        raise Failed(Outcome.GARBAGE, f"the answer is {len(body)} characters long")
    begin, end = body.find("{"), body.rfind("}")
    try:
        found = json.loads(body[begin : end + 1]) if begin >= 0 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failed(Outcome.GARBAGE, f"not JSON: {body.strip()[:80]!r}")
    return found
