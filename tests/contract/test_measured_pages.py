"""Pages that are generated from a record say what the record says."""

from __future__ import annotations

from pathlib import Path

from tests.faults import record

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_faults_is_the_record() -> None:
    assert record.PAGE.read_text(encoding="utf-8") == record.page(
        record.ROWS.read_text(encoding="utf-8").splitlines()
    )


def test_no_fault_of_the_record_lost_or_repeated_anything() -> None:
    page = record.PAGE.read_text(encoding="utf-8")
    assert "did not survive" not in page
    assert "rows and mails lost: 0, there twice: 0" in page


def test_the_page_of_soaks_is_written_from_its_records(tmp_path: Path) -> None:
    from benchmarks import soak_report

    (tmp_path / "pictures").mkdir()
    # Without the pictures: drawing needs a library of the benchmarks only.
    text = soak_report.text_of(ROOT / "docs" / "soak", None)[0]
    assert text == (ROOT / "docs" / "soak.md").read_text(encoding="utf-8")
