"""The manifests fit together: selectors find what they mean, and pods may do no more than they need."""

import re
from typing import Any

import pytest

from tests.deploy.manifests import (
    EXAMPLE,
    KUBERNETES,
    Manifest,
    Workload,
    edge,
    example,
    match_labels,
    of_kind,
    selected,
    workloads,
)
from tests.metrics.test_rules import RULES

each_workload = pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload.name)


def only(manifests: list[Manifest], name: str) -> Manifest:
    (found,) = [manifest for manifest in manifests if manifest["metadata"]["name"] == name]
    return found


@each_workload
def test_a_deployment_finds_its_pods_and_no_other_does(workload: Workload) -> None:
    assert selected(workload.manifest["spec"]["selector"]["matchLabels"]) == [workload]
    for spread in workload.pod["topologySpreadConstraints"]:
        assert selected(spread["labelSelector"]["matchLabels"]) == [workload]


@pytest.mark.parametrize("service", of_kind("Service"), ids=lambda service: service["metadata"]["name"])
def test_a_service_leads_to_ports_that_are_there(service: Manifest) -> None:
    (workload,) = selected(service["spec"]["selector"])
    for port in service["spec"]["ports"]:
        assert port["targetPort"] in workload.ports


def test_callers_are_not_shown_metrics() -> None:
    """The Service that is published has one port."""
    (service,) = [one for one in of_kind("Service") if "clusterIP" not in one["spec"]]
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_every_workload_has_a_budget_for_disruptions_and_a_policy_for_its_network() -> None:
    for labels in (
        match_labels(of_kind("PodDisruptionBudget"), "selector", "matchLabels"),
        match_labels(of_kind("NetworkPolicy"), "podSelector", "matchLabels"),
    ):
        assert [workload.name for one in labels for workload in selected(one)] == [
            "watchword",
            "watchword-courier",
        ]


def test_an_edge_that_is_not_ready_does_not_keep_a_node_from_being_drained() -> None:
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        assert budget["spec"]["maxUnavailable"] == 1


def test_the_autoscaler_has_the_edges_in_hand_and_nobody_else_has() -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": edge().name}
    assert "replicas" not in edge().manifest["spec"]
    (metric,) = scaler["spec"]["metrics"]
    assert metric["containerResource"]["container"] == edge().container["name"]
    assert scaler["spec"]["minReplicas"] >= 2


@pytest.mark.parametrize("monitor", of_kind("ServiceMonitor"), ids=lambda monitor: monitor["metadata"]["name"])
def test_prometheus_finds_each_service_of_metrics_under_the_job_that_alerts_expect(monitor: Manifest) -> None:
    wanted: dict[str, str] = monitor["spec"]["selector"]["matchLabels"]
    services = [one for one in of_kind("Service") if wanted.items() <= one["metadata"]["labels"].items()]
    (service,) = services
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    (relabeling,) = endpoint["relabelings"]
    assert relabeling["targetLabel"] == "job"
    assert f'job="{relabeling["replacement"]}"' in RULES.read_text("utf-8")


def test_prometheus_may_ask_who_has_metrics() -> None:
    for policy in of_kind("NetworkPolicy"):
        ports = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"] if "from" in rule]
        assert ports == ["metrics"]


def test_edges_reach_redis_and_the_resolver_and_nothing_else() -> None:
    policy = only(of_kind("NetworkPolicy"), edge().name)
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    egress = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert egress == [53, 53, 6379]


@each_workload
def test_pods_are_of_the_restricted_standard(workload: Workload) -> None:
    """Pod Security Standards, "restricted", and besides a root that cannot be written to."""
    pod, container = workload.pod, workload.container
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)
    assert all("hostPort" not in port for port in container["ports"])
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} == {"secret", "emptyDir"}


@each_workload
def test_pods_get_no_token_of_kubernetes(workload: Workload) -> None:
    (account,) = of_kind("ServiceAccount")
    assert workload.pod["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is workload.pod["automountServiceAccountToken"] is False


@each_workload
def test_only_what_the_program_writes_to_can_be_written_to(workload: Workload) -> None:
    mounts: list[dict[str, Any]] = workload.container["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts if not mount.get("readOnly")] == ["/tmp"]  # noqa: S108
    assert all(mount["mountPath"] == "/etc/watchword/secrets" for mount in mounts if mount.get("readOnly"))


def test_a_changed_setting_is_a_new_name_and_so_a_rolling_deploy() -> None:
    (settings,) = of_kind("ConfigMap")
    assert re.fullmatch(r"watchword-[a-z0-9]{10}", settings["metadata"]["name"])
    for workload in workloads():
        assert workload.container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]


def test_a_rolling_deploy_takes_no_edge_away_before_another_is_ready() -> None:
    assert edge().manifest["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_example_says_what_is_yours_and_takes_all_that_there_is() -> None:
    assert {manifest["metadata"]["namespace"] for manifest in example()} == {"watchword"}
    images = {workload.container["image"] for workload in workloads()}
    assert len(images) == 1
    assert re.fullmatch(r"registry\.example/watchword:\d+\.\d+\.\d+", *images)
    assert {path.name for path in KUBERNETES.iterdir()} == {"base", "monitoring", EXAMPLE.name}
