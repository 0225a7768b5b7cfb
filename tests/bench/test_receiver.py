"""The receiver of the measurement of callbacks: at once or never, and by the first time that it is told."""

import http.client
from urllib.parse import urlsplit

import pytest

from bench.receiver import Receiver, receiving

_BODY = '{"challenge_id": "one", "status": "VERIFIED"}'


def _tell(receiver: Receiver, connection: http.client.HTTPConnection, body: str) -> int:
    connection.request("POST", urlsplit(receiver.url).path, body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_it_answers_over_one_connection_and_notes_the_first_time() -> None:
    with receiving() as receiver:
        connection = http.client.HTTPConnection(urlsplit(receiver.url).netloc)
        assert _tell(receiver, connection, _BODY) == 204
        first = receiver.told["one"]
        assert _tell(receiver, connection, _BODY) == 204
        assert _tell(receiver, connection, _BODY.replace("one", "two")) == 204
        receiver.wait_until_told({"one", "two"}, within=1)
        connection.close()
    assert receiver.told["one"] == first < receiver.told["two"]


def test_what_is_not_told_in_time_is_counted() -> None:
    with receiving() as receiver, pytest.raises(TimeoutError, match=r"^1 callbacks did not come$"):
        receiver.wait_until_told({"nobody"}, within=0)


def test_it_hangs_where_it_is_to_hang() -> None:
    with receiving() as receiver:
        connection = http.client.HTTPConnection(urlsplit(receiver.hanging_url).netloc, timeout=0.1)
        connection.request("POST", urlsplit(receiver.hanging_url).path, _BODY)
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
        assert receiver.told == {}
