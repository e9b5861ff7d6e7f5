"""deploy/*.yaml follow KubeRay's own schema and the rules that only its operator enforces, and fit together."""

import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CRD = ROOT.parent / "shared" / "schemas" / "kuberay-1.7.0" / "ray.io_rayjobs.yaml"
CLAIM, JOB = list(yaml.safe_load_all((ROOT / "deploy" / "rayjob.yaml").read_text()))
RESULTS = yaml.safe_load((ROOT / "deploy" / "results.yaml").read_text())
SPEC = JOB["spec"]
CLUSTER = SPEC["rayClusterSpec"]
GROUPS = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]
PODS = [group["template"]["spec"] for group in GROUPS]


@cache
def schema() -> dict[str, Any]:
    """KubeRay's schema of a RayJob, changed so that an unknown field is an error."""
    if not CRD.exists():
        pytest.skip(f"KubeRay's schema is missing: put the RayJob CRD of KubeRay 1.7.0 at {CRD}")
    (v1,) = [
        found for found in yaml.load(CRD.read_text(), yaml.CSafeLoader)["spec"]["versions"] if found["name"] == "v1"
    ]
    strict: dict[str, Any] = _strict(v1["schema"]["openAPIV3Schema"])
    return strict


def _strict(node: Any) -> Any:
    """Converts a schema in Kubernetes' dialect to plain JSON Schema that allows no unknown fields."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: _strict(value) for key, value in node.items()}
    if node.get("x-kubernetes-int-or-string") is True:
        return {"type": ["integer", "string"]}
    if isinstance(node.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in node:
        strict.setdefault("additionalProperties", False)
    return strict


def test_rayjob_follows_its_schema() -> None:
    jsonschema.Draft7Validator(schema()).validate(JOB)


@pytest.mark.parametrize(("field", "value"), [("shutdownAfterJobFinish", True), ("ttlSecondsAfterFinished", "soon")])
def test_rayjob_with_a_mistake_does_not(field: str, value: object) -> None:
    mistaken = {**JOB, "spec": {**SPEC, field: value}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema()).validate(mistaken)


def test_name_leaves_room_for_the_operators_suffix() -> None:
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,45}[a-z0-9])?", JOB["metadata"]["name"])


def test_ray_version_for_token_authentication_is_the_one_in_the_image() -> None:
    assert CLUSTER["authOptions"] == {"mode": "token"}
    lock = (ROOT / "deploy" / "requirements.lock").read_text()
    assert f"\nray=={CLUSTER['rayVersion']} " in lock
    assert CLUSTER["rayVersion"] == version("ray")


def test_cluster_is_shut_down_some_time_after_the_job() -> None:
    assert SPEC["ttlSecondsAfterFinished"] > 0
    assert SPEC["shutdownAfterJobFinishes"] is True


def test_pods_are_not_restarted_in_place() -> None:
    assert [pod["restartPolicy"] for pod in [*PODS, RESULTS["spec"]]] == ["Never"] * 3


def test_worker_group_has_replicas_within_its_limits() -> None:
    for group in CLUSTER["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        assert not {"resources", "labels"} & group["rayStartParams"].keys()


def test_entrypoint_asks_for_one_worker_per_cpu() -> None:
    cpus = sum(
        group["replicas"] * int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
        for group in CLUSTER["workerGroupSpecs"]
    )
    assert f"--workers cpu={cpus},gpu=0" in SPEC["entrypoint"]
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_run_directory_is_on_the_claimed_volume_that_only_the_head_mounts() -> None:
    head, worker = PODS
    (mount,) = head["containers"][0]["volumeMounts"]
    assert f"--out {mount['mountPath']}/" in SPEC["entrypoint"]
    assert "volumes" not in worker
    for pod in (head, RESULTS["spec"]):
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]


def test_all_containers_run_one_image_as_its_numeric_user() -> None:
    (user,) = re.findall(r"^USER (\d+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    pods = [*PODS, RESULTS["spec"]]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    assert {pod["securityContext"]["runAsUser"] for pod in pods} == {int(user)}
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)


def test_entrypoint_runs_a_shipped_study() -> None:
    words = SPEC["entrypoint"].split()
    assert words[:4] == ["python", "-m", "jobs", "run"]
    assert (ROOT / "jobs" / "specs" / f"{words[4]}.yaml").exists()
