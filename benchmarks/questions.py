#!/usr/bin/env python3
"""How well questions are understood, without a language model.

    benchmarks/questions.py [--set FILE.jsonl] [--cold] [--show]

`{"question", "intent", "slots"}` per line (default: the phrasings of the tests, of which the split `test`
was written before the rules and not looked at since). Intent and slots must both be right; slots are compared
as words, times by what they mean. Names are found by their form: no database is there to look them up.
`--cold`: without the memory's embedding models, as in a terminal; `--show`: prints what was taken wrongly.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from homepot_ai.errors import ModelMissing
from homepot_ai.memory import embedder
from homepot_ai.questions import nearest, phrasings
from homepot_ai.settings import MemorySettings

DEFAULT = Path(__file__).resolve().parents[1] / "tests" / "data" / "questions.jsonl"


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--set", type=Path, default=DEFAULT)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    listed = phrasings.read(args.set)
    near = None
    if not args.cold:
        try:
            near = nearest.by_meaning(embedder.load(MemorySettings()))
        except ModelMissing as error:
            print(f"compared by letters: {error}")
    phrasings.score(listed[:1], near)  # words, rules and examples are read before the clock starts
    scored = phrasings.score(listed, near)
    parts = {"all": scored}
    for split in sorted({one.phrasing.split for one in scored} - {""}):
        parts[split] = [one for one in scored if one.phrasing.split == split]
    for name, part in parts.items():
        total = phrasings.summary(part)
        print(f"{name:>6}: {total.n} phrasings, intent {total.intent:.1%}, intent and slots {total.both:.1%}")
        if total.refused is not None:
            print(f"        refused of what must be: {total.refused:.1%}")
        if total.refused_wrongly is not None:
            print(f"        refused of what can be answered: {total.refused_wrongly:.1%}")
        print(f"        {total.p50_ms:.1f} ms in the middle, {total.p95_ms:.1f} ms at the 95th percentile")
    if args.show:
        for one in (one for one in scored if not one.right):
            got, wanted = one.understood, one.phrasing
            print(f"{wanted.question!r}: {wanted.intent} {dict(wanted.slots)}")
            print(f"    taken for {got.intent} {dict(got.slots)} by {got.how}")
    result = {name: asdict(phrasings.summary(part)) for name, part in parts.items()}
    print(json.dumps({"set": args.set.name, "near": "meaning" if near else "letters", **result}))


if __name__ == "__main__":
    main()
