"""The manifests as `kubectl apply -k` would send them, and what the tests ask of them."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
EXAMPLE = KUBERNETES / "example"

_KUBECTL = Path(sys.prefix, "bin", "kubectl")

Manifest = Mapping[str, Any]


class Port(NamedTuple):
    name: str
    number: int


class Workload(NamedTuple):
    """A Deployment of one container."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return self.manifest["metadata"]["name"]

    @property
    def labels(self) -> Mapping[str, str]:
        """Of its pods."""
        return self.manifest["spec"]["template"]["metadata"]["labels"]

    @property
    def pod(self) -> Manifest:
        return self.manifest["spec"]["template"]["spec"]

    @property
    def container(self) -> Manifest:
        (container,) = self.pod["containers"]
        return container

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    @property
    def probes(self) -> dict[str, Manifest]:
        return {name: self.container[name] for name in self.container if name.endswith("Probe")}

    @property
    def environment(self) -> dict[str, str]:
        """What the program finds in its environment, but for what the image sets."""
        kept = {source["configMapRef"]["name"] for source in self.container["envFrom"]}
        maps = [manifest["data"] for manifest in of_kind("ConfigMap") if manifest["metadata"]["name"] in kept]
        assert len(maps) == len(kept)
        named = {variable["name"]: variable["value"] for variable in self.container["env"]}
        return {name: value for data in maps for name, value in data.items()} | named


def render(folder: Path) -> list[Manifest]:
    """What kubectl makes of a folder, without a cluster. Where it is missing a newcomer's tests are skipped."""
    if not _KUBECTL.exists():
        missing = "there is no kubectl to be had for this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing, allow_module_level=True)
    command = [_KUBECTL, "kustomize", folder]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [*yaml.safe_load_all(text)]


@cache
def example() -> list[Manifest]:
    """All that the example consists of: the base, and what is for Prometheus."""
    return render(EXAMPLE)


def of_kind(kind: str) -> list[Manifest]:
    return [manifest for manifest in example() if manifest["kind"] == kind]


def workloads() -> list[Workload]:
    return [*map(Workload, of_kind("Deployment"))]


def edge() -> Workload:
    return next(workload for workload in workloads() if workload.container["args"] == ["serve"])


def selected(labels: Mapping[str, str]) -> list[Workload]:
    """The workloads whose pods a selector finds."""
    return [workload for workload in workloads() if labels.items() <= workload.labels.items()]


def match_labels(manifests: Iterable[Manifest], *path: str) -> list[Mapping[str, str]]:
    """The labels of each manifest's selector, which is at a path within its spec."""
    found: list[Mapping[str, str]] = []
    for manifest in manifests:
        selector = manifest["spec"]
        for name in path:
            selector = selector[name]
        found.append(selector)
    return found
