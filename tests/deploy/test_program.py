"""The manifests and the program agree: settings, commands, ports, paths, times."""

import base64
import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest

from edge.courier.guard import AddressRefused, Guard
from edge.health import SURFACE
from tests.deploy.manifests import ROOT, Workload, edge, of_kind, selected, workloads
from tests.engine.servers import free_port
from watchword.cli import main
from watchword.courier import require_consistent
from watchword.metrics_port import metrics_port
from watchword.options import engine_options
from watchword.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

each_workload = pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload.name)

KEYS = f"k1:{base64.b64encode(bytes(range(32))).decode()}"
SECRETS = {"keys": KEYS, "redis-password": "secret"}
# What a courier beside the workers may take to end, and what an orchestrator needs besides.
COURIER_SECONDS = 5
SPARE_SECONDS = 5
# How long a start waits for Redis before it says that there is none.
REDIS_SECONDS = 10
# How long proxies and load balancers may take to hear that an edge is not ready any more.
NEWS_SECONDS = 10


def settings_of(workload: Workload, directory: Path) -> Settings:
    """What the program reads in a pod of this kind, its secrets mounted in a directory."""
    mounts = {mount["name"]: mount["mountPath"] for mount in workload.container["volumeMounts"]}
    for name, text in SECRETS.items():
        (directory / name).write_text(text)
    environment = workload.environment
    return read_settings(
        {name: text.replace(mounts["secrets"], str(directory)) for name, text in environment.items()}
    )


@each_workload
def test_the_program_knows_every_setting_and_finds_its_secrets(workload: Workload, tmp_path: Path) -> None:
    settings = settings_of(workload, tmp_path)
    assert settings.keys == KEYS
    assert settings.redis_password == SECRETS["redis-password"]
    engine_options(settings)
    require_consistent(settings)


def test_secrets_are_in_files_and_nowhere_else() -> None:
    for workload in workloads():
        assert not {name for name in workload.environment if re.search("KEYS$|PASSWORD$", name)}
        files = {Path(text).name for name, text in workload.environment.items() if name.endswith("_FILE")}
        assert files == SECRETS.keys()
    assert of_kind("Secret") == []


def test_whoever_makes_the_secret_is_told_the_names_of_its_files() -> None:
    for path in ("deploy/kubernetes/example/kustomization.yaml", "docs/kubernetes.md"):
        told = re.findall(r"--from-file=([\w-]+)", (ROOT / path).read_text("utf-8"))
        assert set(told) == SECRETS.keys(), path


@each_workload
def test_the_program_understands_its_command_line(workload: Workload) -> None:
    context = click.Context(main)
    name, command, rest = main.resolve_command(context, list(workload.container["args"]))
    assert command is not None
    command.make_context(name, rest, parent=context)


@each_workload
def test_no_service_puts_variables_of_its_own_among_the_settings(workload: Workload) -> None:
    """A Service called watchword would: WATCHWORD_PORT=tcp://... among them, which ends every start."""
    assert workload.pod["enableServiceLinks"] is False


@each_workload
def test_ports_are_those_that_the_program_listens_on(workload: Workload, tmp_path: Path) -> None:
    settings = settings_of(workload, tmp_path)
    listens = {"http": settings.port, "metrics": settings.metrics_port}
    if workload != edge():
        listens.pop("http")
    assert workload.ports == listens


@each_workload
def test_probes_ask_for_what_is_answered_there(workload: Workload) -> None:
    paths = {"http": {route.path for route in SURFACE.routes}, "metrics": {"/livez"}}
    for probe in workload.probes.values():
        assert probe["httpGet"]["port"] in workload.ports
        assert probe["httpGet"]["path"] in paths[probe["httpGet"]["port"]]


def test_the_port_of_metrics_answers_a_probe_and_a_scrape(tmp_path: Path) -> None:
    port = free_port()
    (monitored,) = {
        endpoint["path"] for monitor in of_kind("ServiceMonitor") for endpoint in monitor["spec"]["endpoints"]
    }
    with metrics_port("127.0.0.1", port, tmp_path):
        for path in ("/livez", monitored):
            assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200


def test_only_readiness_depends_on_redis() -> None:
    probes = edge().probes
    assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert {probes[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe")} == {"/livez"}


def test_an_edge_that_leaves_has_the_time_that_it_takes(tmp_path: Path) -> None:
    settings = settings_of(edge(), tmp_path)
    pause = (
        edge()
        .container.get("lifecycle", dict[str, Any]())
        .get("preStop", dict[str, Any]())
        .get("sleep", {"seconds": 0})
    )
    leaving = pause["seconds"] + settings.drain_seconds + settings.shutdown_seconds
    assert edge().pod["terminationGracePeriodSeconds"] >= leaving + COURIER_SECONDS + SPARE_SECONDS


def test_an_edge_serves_on_until_everybody_has_heard_that_it_leaves(tmp_path: Path) -> None:
    ready = edge().probes["readinessProbe"]
    heard = ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"] + NEWS_SECONDS
    assert settings_of(edge(), tmp_path).drain_seconds >= heard


def test_a_start_has_longer_than_the_program_waits_for_redis() -> None:
    """Or it would be killed before it has said what is wrong."""
    for workload in workloads():
        probe = workload.probes["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] > 2 * REDIS_SECONDS


def test_each_worker_has_a_core(tmp_path: Path) -> None:
    """The autoscaler's per cent are of what is asked for."""
    resources: Mapping[str, Any] = edge().container["resources"]
    assert resources["requests"]["cpu"] == str(settings_of(edge(), tmp_path).workers)
    assert "cpu" not in resources["limits"]


def test_couriers_and_edges_share_the_work(tmp_path: Path) -> None:
    """Edges leave it to couriers, of whom there are some."""
    assert settings_of(edge(), tmp_path).courier == "off"
    assert [workload.container["args"] for workload in selected({"app.kubernetes.io/component": "courier"})] == [
        ["courier"]
    ]


def test_the_network_refuses_couriers_what_they_refuse_themselves() -> None:
    """And nothing that they would call."""
    (policy,) = [one for one in of_kind("NetworkPolicy") if one["metadata"]["name"] == "watchword-courier"]
    blocks = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule.get("to", list[Any]())]
    assert {block["cidr"] for block in blocks} == {"0.0.0.0/0", "2000::/3"}
    guard = Guard(())
    for block in blocks:
        for text in block.get("except", list[str]()):
            network = ip_network(text)
            for address in (network.network_address, network.broadcast_address):
                with pytest.raises(AddressRefused):
                    guard.check([address])


def test_the_image_runs_as_the_user_that_pods_run_as() -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    (user,) = re.findall(r"^USER (\d+):(\d+)$", image, re.MULTILINE)
    for workload in workloads():
        context = workload.pod["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user
        assert str(context["fsGroup"]) == user[1]
    assert re.findall(r"^EXPOSE (\d+)$", image, re.MULTILINE) == [str(edge().ports["http"])]
    assert 'ENTRYPOINT ["watchword"]' in image


def test_the_image_is_built_from_what_the_wheel_needs_and_no_more() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    wheel = re.search(
        r"tool\.hatch\.build\.targets\.wheel\]\npackages = \[(.*)\]", (ROOT / "pyproject.toml").read_text()
    )
    assert wheel is not None
    packages = re.findall(r'"(\w+)"', wheel[1])
    beside = {"requirements", "pyproject.toml", "README.md", "LICENSE"}
    assert {name.removeprefix("!") for name in ignored if name.startswith("!")} == {*packages, *beside}
    assert all((ROOT / name).exists() for name in (*packages, *beside))
