"""How many untrue claims of a model reach a page, and how many true ones are refused.

    python benchmarks/narration.py [--set FILE.jsonl[.gz]] [--split dev|test] [--list]

One answer a line:

    {"facts": [{"id": "f1", "kind": "value", "subject": "D1", "metric": "health", "value": 0.61}, …],
     "answer": {"claims": [{"text": "Health of {D1} is {f1}.", "fact_ids": ["f1"]}]} | "text",
     "honest": true | false | [one for each claim],
     "language": "en" | "de", "subjects": …, "belongs": {"D1": "S1"}, "events": […], "split": …}

Facts are records as in docs/language.md; only id, kind, subject, metric and value are needed. Ids may be
anything that the answer uses in braces. Subjects, where given: {"D1": "Till 3"}, or a list of aliases or
of {"alias", "kind", "name", "at"}. An answer that is not JSON of the schema reaches no page, except that
plain text is judged sentence by sentence here, which is harder on the checks than the product is.

The last line is one JSON object: `through` is the share of the dishonest claims that a page would show,
`refused` the share of the honest ones that it would not.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from homepot_ai.language.claims import ClaimsReply
from homepot_ai.language.facts import Book, Claim, Direction, Fact, FactKind, Language, Subject
from homepot_ai.language.narrate import worded
from homepot_ai.language.verify import Verdict, judge

DEFAULT_SET = Path(__file__).parent / "sets" / "narration.jsonl.gz"
_KINDS = {
    "change": "delta", "trend": "delta", "difference": "delta", "diff": "delta", "percentage": "share",
    "percent": "share", "ratio": "share", "number": "value", "measurement": "value", "metric": "value",
    "level": "value", "score": "value", "status": "state", "text": "state", "label": "state",
    "time": "moment",
    "timestamp": "moment", "date": "moment", "datetime": "moment", "ranking": "rank", "total": "count",
    "root_cause": "cause",
}  # fmt: skip
_KNOWN = {"value", "delta", "rank", "share", "count", "moment", "duration", "state", "cause"}
_UP = {"up", "rose", "rising", "increase", "increased", "higher", "highest", "max", "top", "most", "+", "1"}
_DOWN = {
    "down",
    "fell",
    "falling",
    "decrease",
    "decreased",
    "lower",
    "lowest",
    "min",
    "bottom",
    "least",
    "-",
    "-1",
}
_LETTERS: dict[str, Any] = {
    "D": "device", "S": "site", "T": "type", "A": "fleet", "F": "fleet", "I": "incident", "P": "person",
}  # fmt: skip
_UNITS = {"percent": "%", "ms": "ms", "celsius": "°C", "seconds": "s", "bytes": "B"}


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The answers of a set."""
    packed = file.read_bytes()
    with io.StringIO((gzip.decompress(packed) if file.suffix == ".gz" else packed).decode()) as source:
        for line in source:
            if line.strip():
                yield json.loads(line)


def book_of(line: dict[str, Any]) -> tuple[Book, dict[str, str]]:
    """A book of one line's facts, and what each of its ids became."""
    language: Language = "de" if line.get("language") == "de" else "en"
    names: dict[str, str] = {}
    subjects: list[Subject] = []
    about: dict[str, str] = dict(line.get("belongs") or {})
    for given in _subjects(line):
        alias = str(given["alias"])
        new = alias if re.fullmatch(r"[A-Z]\d{1,3}", alias) else f"D{len(subjects) + 101}"
        names[alias] = new
        kind = str(given.get("kind") or _LETTERS.get(new[0], "device"))
        subjects.append(
            Subject(new, kind if kind in _LETTERS.values() else "device", str(given.get("name") or alias))
        )  # type: ignore[arg-type]
        if given.get("at"):
            about[alias] = str(given["at"])
    facts = []
    for number, record in enumerate(line["facts"], 1):
        key = str(record.get("id", number))
        names[key] = key if re.fullmatch(r"f\d{1,3}", key) else f"f{number + 200}"
        facts.append(_fact(names[key], record, names))
    template = (Claim("Nothing is said here without a model", ()),)
    told = {names.get(who, who): names.get(where, where) for who, where in about.items()}
    book = Book(
        str(line.get("section", "benchmark")), language, "maintenance", tuple(subjects), tuple(facts),
        template, tuple(line.get("events") or ()), 12, told,
    )  # fmt: skip
    return book, names


def _subjects(line: dict[str, Any]) -> list[dict[str, Any]]:
    given = line.get("subjects") or []
    if isinstance(given, dict):
        found = [
            {"alias": alias, **(told if isinstance(told, dict) else {"name": told})}
            for alias, told in given.items()
        ]
    else:
        found = [
            {**told, "alias": told.get("alias") or told.get("id")}
            if isinstance(told, dict)
            else {"alias": told}
            for told in given
        ]
    known = {str(subject["alias"]) for subject in found}
    for record in line["facts"]:
        for name in (record.get("subject"), record.get("other")):
            if name and str(name) not in known:
                known.add(str(name))
                found.append({"alias": str(name)})
    return found


def _fact(alias: str, record: dict[str, Any], names: dict[str, str]) -> Fact:
    kind = str(record.get("kind", "value")).lower()
    kind = _KINDS.get(kind, kind if kind in _KNOWN else "value")
    value = record.get("value")
    unit = str(record.get("unit") or "")
    metric = str(record.get("metric") or "").replace("_", " ").strip()
    head, _, last = metric.rpartition(" ")
    if head and last in _UNITS:
        metric, unit = head, unit or _UNITS[last]
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    shown = record.get("shown")
    if shown is None:
        size = abs(number) if number is not None and kind == "delta" else value
        shown = f"{size} {unit}".strip()
    universal = str(record.get("universal") or "")
    if not universal and number is not None:
        full = kind == "share" and (number == 1 or (number == 100 and unit == "%"))
        universal = "none" if number == 0 and kind in {"count", "share"} else "all" if full else ""
    better = record.get("better")
    subject, other = str(record.get("subject") or ""), str(record.get("other") or "")
    return Fact(
        alias, cast(FactKind, kind), names.get(subject, subject),
        metric, value, str(shown), unit, _direction(kind, record, number),
        better if isinstance(better, bool) else None,
        universal if universal in {"all", "none"} else "",  # type: ignore[arg-type]
        str(record.get("period") or ""), None, str(record.get("source") or ""),
        names.get(other, other),
    )  # fmt: skip


def _direction(kind: str, record: dict[str, Any], number: float | None) -> Direction | None:
    given = record.get("direction")
    if given is None and kind in {"rank", "delta"}:
        given = record.get("value") if isinstance(record.get("value"), str) else record.get("which")
    if given is None and kind == "rank":
        found = re.search(
            r"\b(highest|lowest|most|least|top|bottom|max|min)\b", str(record.get("metric") or "").lower()
        )
        given = found[1] if found else None
    if given is not None:
        word = str(given).strip().lower()
        return 1 if word in _UP else -1 if word in _DOWN else 0
    if kind == "delta" and number is not None:
        return 0 if number == 0 else 1 if number > 0 else -1
    return None


def claims_of(line: dict[str, Any], names: dict[str, str]) -> list[Claim] | None:
    """The claims of an answer; None: it is not of the schema."""
    answer = line["answer"]
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            parts = re.split(r"(?<=[.!?])\s+", answer.strip())
            answer = {
                "claims": [{"text": part, "fact_ids": re.findall(r"\{(\w+)\}", part)} for part in parts]
            }
    try:
        reply = ClaimsReply.model_validate({"claims": answer} if isinstance(answer, list) else answer)
    except ValidationError:
        return None

    def put(match: re.Match[str]) -> str:
        return "{" + names.get(match[1], match[1]) + "}"

    return [
        Claim(
            re.sub(r"\{([^{}]+)\}", put, claim.text),
            tuple(names.get(alias, alias) for alias in claim.fact_ids),
            claim.stance,
        )
        for claim in (item.claim() for item in reply.claims)
    ]


def _count(line: dict[str, Any]) -> int:
    answer = line["answer"]
    told = answer.get("claims") if isinstance(answer, dict) else answer
    return len(told) if isinstance(told, list) else 1


def score(file: Path, split: str | None, show: bool) -> dict[str, Any]:
    """Judge a set."""
    totals: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {"honest": Counter(), "dishonest": Counter()}
    spent: list[float] = []
    for line in lines(file):
        if split and line.get("split", split) != split:
            continue
        book, names = book_of(line)
        claims = claims_of(line, names)
        honest = line["honest"]
        if claims is None:
            told = honest if isinstance(honest, list) else [honest] * _count(line)
            for true in told:
                totals["honest" if true else "dishonest"] += 1
                totals["honest_refused"] += bool(true)
            continue
        began = time.perf_counter()
        verdicts: tuple[Verdict, ...] = judge(claims, book)
        spent.append((time.perf_counter() - began) * 1000 / max(1, len(claims)))
        told = honest if isinstance(honest, list) else [honest] * len(claims)
        for verdict, true in zip(verdicts, told, strict=True):
            kind = "honest" if true else "dishonest"
            totals[kind] += 1
            reasons[kind][verdict.reason or "passed"] += 1
            wrong = bool(verdict.reason) if true else not verdict.reason
            totals[f"{kind}_wrong"] += wrong
            if wrong and show:
                said = worded(book, [verdict.claim]).sentences[0].text if not true else verdict.claim.text
                print(
                    f"{kind} {verdict.reason or 'THROUGH'} [{line.get('about', '')}]: "
                    f"{verdict.claim.text} | {said}"
                )
    refused = totals["honest_wrong"] + totals["honest_refused"]
    return {
        "dishonest": totals["dishonest"],
        "dishonest_through": totals["dishonest_wrong"],
        "through": round(totals["dishonest_wrong"] / max(1, totals["dishonest"]), 4),
        "honest": totals["honest"],
        "honest_refused": refused,
        "refused": round(refused / max(1, totals["honest"]), 4),
        "ms_per_claim": round(sum(spent) / max(1, len(spent)), 3),
        "reasons": {kind: dict(counted.most_common()) for kind, counted in reasons.items()},
    }


def main() -> None:
    """Judge the set and print shares."""
    parser = argparse.ArgumentParser(description="What share of a model's untrue claims reaches a page.")
    parser.add_argument("--set", type=Path, default=DEFAULT_SET)
    parser.add_argument("--split", choices=["dev", "test"])
    parser.add_argument("--list", action="store_true", help="print every claim that was judged wrongly")
    given = parser.parse_args()
    result = score(given.set, given.split, given.list)
    for kind in ("dishonest", "honest"):
        told = ", ".join(f"{name} {count}" for name, count in result["reasons"][kind].items())
        print(f"{kind}: {result[kind]} claims ({told})")
    print(
        f"dishonest claims that get through: {result['through']:.2%}; honest refused: {result['refused']:.2%}"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
