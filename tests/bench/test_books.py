"""What the closing check says."""

import msgspec

from bench.books import KEPT, Report

_GOOD = Report(submitted=5, fetched=4, lost=1)


def test_kept_promises_are_said_to_be_kept() -> None:
    assert _GOOD.is_good
    counts, verdict = _GOOD.lines()
    assert counts.startswith(
        "closing check: 5 submits acknowledged, 4 codes fetched, 0 expired, 1 with a lost answer"
    )
    assert counts.endswith("; nothing was left in the end")
    assert verdict == KEPT


def test_a_violation_is_named_and_nothing_is_said_to_be_kept() -> None:
    report = Report(failures=3, violations={"a code was fetched twice": 2})
    assert not report.is_good
    assert report.lines()[1:] == [
        "closing check FAILED: a code was fetched twice (2)",
        "closing check FAILED: a request was not answered as documented (1)",
    ]


def test_an_answer_that_is_not_the_documented_one_is_no_violation_and_fails_all_the_same() -> None:
    report = Report(failures=1)
    assert not report.is_good
    assert report.lines()[1:] == ["closing check FAILED: a request was not answered as documented (1)", KEPT]


def test_a_sample_is_said_to_be_one() -> None:
    assert "100 were left in the end, and a sample of 10 asked for then" in Report(left=100, swept=10).lines()[0]
    assert "100 were left in the end, and all of them asked for then" in Report(left=100, swept=100).lines()[0]


def test_reports_of_several_processes_add_up() -> None:
    bad = Report(submitted=1, failures=1, violations={"a": 1})
    assert _GOOD + bad + bad == Report(submitted=7, fetched=4, lost=1, failures=2, violations={"a": 2})


def test_a_run_that_asked_for_nothing_is_not_good() -> None:
    idle = Report().judged()
    assert not idle.is_good
    assert idle.lines()[1:] == ["closing check FAILED: nothing was asked (1)"]
    assert Report(asked=1).judged().is_good


def test_a_report_survives_the_way_to_the_master() -> None:
    report = Report(submitted=1, violations={"a": 1})
    assert msgspec.convert(msgspec.to_builtins(report), Report) == report
