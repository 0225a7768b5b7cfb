"""What is read of wrk's report."""

import pytest

from bench.load import Load, parse

_REPORT = """Running 2s test @ http://127.0.0.1:8308/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.01ms    1.29ms  21.22ms   84.81%
    Req/Sec    10.71k   628.31    11.72k    75.00%
  Latency Distribution
     50%    5.90ms
     75%    6.24ms
     90%    7.11ms
     99%    1.02s
  21303 requests in 2.00s, 17.63MB read
Requests/sec:  10650.17
Transfer/sec:      8.81MB
"""


def test_a_report_is_read() -> None:
    assert parse(_REPORT) == Load(21303, 10650.17, 5.9, 1020.0, not_2xx=0, unlike=0)


def test_refusals_and_answers_of_another_kind_are_counted() -> None:
    load = parse(_REPORT + "  Non-2xx or 3xx responses: 7\nAnswers of another kind: 3\n")
    assert (load.not_2xx, load.unlike) == (7, 3)


def test_a_load_that_did_not_get_through_is_none() -> None:
    errors = "  Socket errors: connect 0, read 0, write 0, timeout 2\n"
    with pytest.raises(RuntimeError, match="did not get through"):
        parse(_REPORT + errors)
