#!/usr/bin/env python3
"""Make the labelled incident pairs of the tests out of incidents written down by cause.

    scripts/make_incident_pairs.py [--out tests/data/incident_pairs.jsonl] [--count 400]

Input: tests/data/incident_texts_check.tsv and incident_texts_english.tsv, a line each: cause, device type,
category, language, text. Half of the pairs are of one cause; the others are all hard: of two causes, but of
the same device type or the same category. Every fourth pair also tells what is known exactly. The choice is
by hash: the same bytes whenever it is made again.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
SOURCES = ("incident_texts_check.tsv", "incident_texts_english.tsv")
Row = tuple[str, str, str, str, str]


def order(pair: tuple[Row, Row]) -> str:
    return hashlib.sha256(f"{pair[0][4]}\n{pair[1][4]}".encode()).hexdigest()


def side(row: Row, exact: bool) -> object:
    return {"text": row[4], "device_type": row[1], "category": row[2]} if exact else row[4]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the labelled incident pairs of the tests.")
    parser.add_argument("--out", type=Path, default=DATA / "incident_pairs.jsonl")
    parser.add_argument("--count", type=int, default=400)
    given = parser.parse_args()
    same: list[tuple[Row, Row]] = []
    other: list[tuple[Row, Row]] = []
    for source in SOURCES:
        lines = (DATA / source).read_text(encoding="utf-8").splitlines()
        rows: list[Row] = [tuple(line.split("\t")) for line in lines]  # type: ignore[misc]
        for a, b in itertools.combinations(rows, 2):
            if a[0] == b[0]:
                same.append((a, b))
            elif a[1] == b[1] or a[2] == b[2]:
                other.append((a, b))
    half = given.count // 2
    chosen = [(pair, True) for pair in sorted(same, key=order)[:half]]
    chosen += [(pair, False) for pair in sorted(other, key=order)[:half]]
    chosen.sort(key=lambda item: order(item[0])[::-1])
    with given.out.open("w", encoding="utf-8") as out:
        for number, ((a, b), truth) in enumerate(chosen):
            exact = number % 4 == 0
            pair = {"a": side(a, exact), "b": side(b, exact), "same": truth}
            out.write(json.dumps(pair, ensure_ascii=False) + "\n")
    print(f"{given.out}: {len(chosen)} pairs, {sum(truth for _, truth in chosen)} of one cause")


if __name__ == "__main__":
    main()
