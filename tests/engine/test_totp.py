"""TOTP, against the vectors of its RFC, an independent tool, and what authenticator apps read."""

import os
import shutil
import subprocess
import sys
from base64 import b32encode, b64decode
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

import pyotp
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Problem
from engine.totp import Digest, TotpPolicy, code_at, matching_step, new_secret, otpauth_uri, qr_data_uri

if TYPE_CHECKING:
    from pyotp.totp import TOTP

SEEDS = {Digest.SHA1: 20, Digest.SHA256: 32, Digest.SHA512: 64}
VECTORS = [  # RFC 6238, appendix B
    (59, Digest.SHA1, "94287082"),
    (59, Digest.SHA256, "46119246"),
    (59, Digest.SHA512, "90693936"),
    (1111111109, Digest.SHA1, "07081804"),
    (1111111109, Digest.SHA256, "68084774"),
    (1111111109, Digest.SHA512, "25091201"),
    (1111111111, Digest.SHA1, "14050471"),
    (1111111111, Digest.SHA256, "67062674"),
    (1111111111, Digest.SHA512, "99943326"),
    (1234567890, Digest.SHA1, "89005924"),
    (1234567890, Digest.SHA256, "91819424"),
    (1234567890, Digest.SHA512, "93441116"),
    (2000000000, Digest.SHA1, "69279037"),
    (2000000000, Digest.SHA256, "90698825"),
    (2000000000, Digest.SHA512, "38618901"),
    (20000000000, Digest.SHA1, "65353130"),
    (20000000000, Digest.SHA256, "77737706"),
    (20000000000, Digest.SHA512, "47863826"),
]
NOW_S = 1_800_000_000
POLICY = TotpPolicy()

policies = st.builds(
    TotpPolicy,
    digest=st.sampled_from(Digest),
    digits=st.integers(6, 8),
    step_s=st.integers(15, 120),
    window=st.integers(0, 10),
)
secrets = st.binary(min_size=16, max_size=64)


def seed(digest: Digest) -> bytes:
    return (b"1234567890" * 7)[: SEEDS[digest]]


@pytest.mark.parametrize(("now_s", "digest", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(now_s: int, digest: Digest, code: str) -> None:
    policy = TotpPolicy(digest=digest, digits=8, window=0)

    assert code_at(policy, seed(digest), now_s=now_s) == code
    assert matching_step(policy, seed(digest), code, now_s=now_s) == now_s // 30


@pytest.mark.parametrize("digest", Digest)
@pytest.mark.parametrize("digits", [6, 7, 8])
def test_codes_are_those_of_oathtool(digest: Digest, digits: int) -> None:
    secret, policy = new_secret(), TotpPolicy(digest=digest, digits=digits, step_s=60)
    words = [f"--totp={digest.lower()}", f"--digits={digits}", "--time-step-size=60s"]
    shown = oathtool(*words, "--now=2027-01-15 08:00:00 UTC", secret.hex())

    assert code_at(policy, secret, now_s=NOW_S) == shown


def oathtool(*words: str) -> str:
    """What the tool says: installed, or unpacked by `make test`."""
    unpacked = Path(sys.prefix) / "oathtool/usr"
    program = shutil.which("oathtool") or unpacked / "bin/oathtool"
    if not Path(program).exists():
        assert "CI" not in os.environ, "there is no oathtool"
        pytest.skip("there is no oathtool")
    libraries = ":".join(str(directory) for directory in unpacked.glob("lib/*"))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    return subprocess.run(
        [program, *words], capture_output=True, text=True, check=True, env=environment
    ).stdout.strip()


@given(policies, secrets, st.integers(0, 2**32))
def test_a_code_is_accepted_within_the_window_and_not_beyond_it(
    policy: TotpPolicy, secret: bytes, now_s: int
) -> None:
    step = now_s // policy.step_s
    for off in range(-policy.window - 2, policy.window + 3):
        if step + off < 0:
            continue
        code = code_at(policy, secret, now_s=(step + off) * policy.step_s)
        window = range(max(step - policy.window, 0), step + policy.window + 1)
        same = [other for other in window if code_at(policy, secret, now_s=other * policy.step_s) == code]
        assert matching_step(policy, secret, code, now_s=now_s) == (same[-1] if same else None)


@pytest.mark.parametrize("bent", ["{code}0", "0{code}", " {code}", "{code}\n", "+{code}", "{code:.5}", ""])
def test_what_is_not_exactly_a_code_matches_nothing(bent: str) -> None:
    code = bent.format(code=code_at(POLICY, b"s" * 20, now_s=NOW_S))

    assert matching_step(POLICY, b"s" * 20, code, now_s=NOW_S) is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    code = code_at(POLICY, b"s" * 20, now_s=NOW_S)
    arabic = code.translate({ord("0") + digit: ord("٠") + digit for digit in range(10)})  # noqa: RUF001

    assert matching_step(POLICY, b"s" * 20, arabic, now_s=NOW_S) is None


def test_secrets_have_160_bits_and_differ() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert {len(secret) for secret in made} == {20}


names = st.text(min_size=1, max_size=50)  # in UTF-8 at most 200 bytes


@given(policies, secrets, names, names)
def test_an_app_reads_from_the_uri_what_was_meant(
    policy: TotpPolicy, secret: bytes, account: str, issuer: str
) -> None:
    uri = otpauth_uri(policy, secret, account=account, issuer=issuer)
    read = cast("TOTP", pyotp.parse_uri(uri))

    assert read.secret == b32encode(secret).decode().rstrip("=")
    assert (read.digits, read.interval, read.issuer) == (policy.digits, policy.step_s, issuer)
    assert read.at(NOW_S) == code_at(policy, secret, now_s=NOW_S)


def test_the_picture_is_a_png_of_the_uri() -> None:
    uri = otpauth_uri(POLICY, b"s" * 20, account="alice", issuer="ACME & Co")
    kind, _, encoded = qr_data_uri(uri).partition(",")
    modules = segno.make_qr(uri, error="m").symbol_size(border=4)[0]

    png = b64decode(encoded)

    assert kind == "data:image/png;base64"
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20], "big") == modules * 5


@pytest.mark.parametrize("character", ["\N{PILE OF POO}", "\u6f22", "\u00fc", "%", "x"])
def test_names_of_any_length_fit_into_a_picture(character: str) -> None:
    """Shortened by whole characters, if they must be."""
    policy = TotpPolicy(Digest.SHA512, digits=8, step_s=120)
    for shift in range(4):
        name = "x" * shift + character * 255
        uri = otpauth_uri(policy, b"s" * 20, account=name, issuer=name)
        issuer, _, account = unquote(urlsplit(uri).path).lstrip("/").partition(":")

        assert name.startswith(issuer)
        assert name.startswith(account)
        assert 200 - 4 < len(issuer.encode()) <= 200
        assert 255 - 4 < len(account.encode()) <= 255
        assert qr_data_uri(uri).startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (TotpPolicy(digits=5), Problem("digits", "min", 6)),
        (TotpPolicy(digits=9), Problem("digits", "max", 8)),
        (TotpPolicy(step_s=14), Problem("step_s", "min", 15)),
        (TotpPolicy(step_s=121), Problem("step_s", "max", 120)),
        (TotpPolicy(window=-1), Problem("window", "min", 0)),
        (TotpPolicy(window=11), Problem("window", "max", 10)),
    ],
)
def test_a_policy_says_what_is_out_of_bounds(policy: TotpPolicy, problem: Problem) -> None:
    assert policy.problems() == (problem,)
    assert TotpPolicy().problems() == ()
