"""Whatever a decoder is given: a value or a refusal that it has declared, in bounded time, and nothing else.

More of that, for rules of their own, is beside the units: tests/authenticator/test_rsql.py and test_patches.py,
tests/engine/test_tokens.py, test_sealing.py and test_pass_keys.py, tests/courier/test_target.py.
"""

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.census import places
from tests.attacks.decoders import DECODERS
from tests.attacks.inputs import WORST
from watchword.settings import settings_table

CPU_SECONDS = 0.5
SLOW_OR_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
ELSEWHERE = {
    "edge.oauth.operations:_read": "fields of a form that was read: text, into fields of text",
    "edge.courier.transport:resolve": "what the resolver of this machine has answered",
    "edge.courier.transport:_Network._addresses": "the host of a Target; tests/courier/test_sender_guarded.py",
    "edge.examples.__init__:_example": "files of this program",
    "edge.examples.__init__:_form": "files of this program",
    "edge.examples.__init__:_value": "files of this program",
    "edge.pages.languages:read_words": "files of this program",
    "watchword.commands.values:network": "an option of a command; tests/commands/test_keys_and_admins.py",
    "watchword.commands.tenants:_changes": "options that click has read",
}
every_decoder = pytest.mark.parametrize("name", DECODERS)


def try_out(name: str, given: object) -> None:
    decoder = DECODERS[name]
    began = time.process_time()
    with suppress(*decoder.refusals):
        decoder.reads(given)
    assert time.process_time() - began < CPU_SECONDS


def fuzz(name: str, *, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=SLOW_OR_LARGE)
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        try_out(name, data.draw(DECODERS[name].inputs))

    tried()


@every_decoder
def test_a_decoder_gives_a_value_or_a_declared_refusal(name: str) -> None:
    fuzz(name, examples=40)


@pytest.mark.thorough
@every_decoder
def test_a_decoder_gives_a_value_or_a_declared_refusal_many_times(name: str) -> None:
    fuzz(name, examples=1000)


@every_decoder
def test_a_decoder_takes_no_longer_for_the_worst_that_a_body_can_hold(name: str) -> None:
    for content in WORST:
        text = content.decode("latin-1")
        forms = {bytes: [content], str: [text], tuple: [(setting, text) for setting in settings_table()]}
        for given_form in forms[DECODERS[name].of]:
            try_out(name, given_form)


def test_every_call_that_decodes_is_tried_or_said_to_decode_nothing_of_others() -> None:
    tried = {place for decoder in DECODERS.values() for place in decoder.places}
    assert places() - ELSEWHERE.keys() == tried
