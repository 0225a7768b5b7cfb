"""Kinds of values that administrators type, whichever surface they use."""

from typing import Annotated

from msgspec import Meta

from engine.policies import MAX_EXPIRES_S, MAX_LENGTH, MIN_EXPIRES_S, MIN_LENGTH

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[ .'\-]*[^\W_](?:[^\W_]|[ .'\-])*\Z")]
Email = Annotated[str, Meta(min_length=1, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z")]
NewPassword = Annotated[str, Meta(min_length=8, max_length=128)]
TenantName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+\Z")]
ExpiresS = Annotated[int, Meta(ge=MIN_EXPIRES_S, le=MAX_EXPIRES_S, description="Seconds that a passcode lives.")]
PhraseLength = Annotated[
    int,
    Meta(
        ge=MIN_LENGTH, le=MAX_LENGTH, description="Its length in system mode, its longest length in manual mode."
    ),
]
# At sign-in nothing is said of what a good one looks like.
GivenEmail = Annotated[str, Meta(min_length=1, max_length=254)]
GivenPassword = Annotated[str, Meta(min_length=1, max_length=1024)]
