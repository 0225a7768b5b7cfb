"""The manifests are what Kubernetes and the Prometheus operator take: by their schemas, without a cluster."""

import copy
import importlib
import re
from collections.abc import Mapping
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest

from tests.deploy.manifests import KUBERNETES, example, render
from tests.metrics.test_rules import RULES

OLDEST, NEWEST = "1.30", "1.37"
OPERATOR = "monitoring.coreos.com/v1"


def check(manifest: Mapping[str, Any], version: str) -> None:
    """Fail on a field that is unknown, missing or of a wrong type."""
    if manifest["apiVersion"] == OPERATOR:
        check_of_the_operator(manifest)
    else:
        assert kubernetes_validate.validate(dict(manifest), version, strict=True) == version


def check_of_the_operator(manifest: Mapping[str, Any]) -> None:
    """Its models leave out what they do not know: what they keep must be all there is."""
    models = importlib.import_module("cloudcoil.models.prometheus_operator.v1")
    read = getattr(models, manifest["kind"]).model_validate(manifest)
    assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_and_the_prometheus_operator_take_every_manifest(version: str) -> None:
    for manifest in example():
        check(manifest, version)


def test_the_base_is_complete_by_itself() -> None:
    rendered = render(KUBERNETES / "base")
    assert {manifest["apiVersion"] for manifest in rendered}.isdisjoint({OPERATOR})
    for manifest in rendered:
        check(manifest, NEWEST)


def test_a_field_that_nobody_knows_is_found() -> None:
    """Or else the other tests here would say nothing."""
    for manifest in {manifest["kind"]: manifest for manifest in example()}.values():
        wrong = copy.deepcopy(dict(manifest))
        wrong.get("spec", wrong)["misspelt"] = "yes"
        with pytest.raises((kubernetes_validate.ValidationError, AssertionError)):
            check(wrong, NEWEST)


def test_the_rules_are_those_that_are_tested() -> None:
    """How to make them again is said at their head."""
    _, _, groups = RULES.read_text("utf-8").partition("\ngroups:")
    _, _, copied = (KUBERNETES / "monitoring" / "rules.yaml").read_text("utf-8").partition("\n  groups:")
    assert copied == re.sub(r"\n(?=.)", "\n  ", groups)
