"""The manifests: Kubernetes' own schemas, and that they fit each other, the image and the daemon."""

import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_model
from tests.deploy.promised import check_limits, given

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
CUSTOM = {"kustomization.yaml", "prometheusrule.yaml", "servicemonitor.yaml"}
"""Kinds that are none of Kubernetes' own: the validator has no schema of them."""
OWN = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name not in CUSTOM)
VERSIONS = ("1.29", "1.31", "1.37")


def manifest(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


POD = manifest("deployment")["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_schemas_know_every_key(kubernetes_validate, version):
    command = [kubernetes_validate, "--strict", "-k", version, *OWN]
    checked = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    told = checked.stdout + checked.stderr
    assert checked.returncode == 0, told
    assert len(re.findall(r"INFO \S+ passed", told)) == len(OWN)


def test_the_validator_would_tell_an_unknown_key(kubernetes_validate, tmp_path):
    path = tmp_path / "deployment.yaml"
    path.write_text((FOLDER / path.name).read_text().replace("livenessProbe", "livenessProbes"))
    command = [kubernetes_validate, "--strict", "-k", VERSIONS[-1], path]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode != 0
    assert "livenessProbes" in checked.stdout + checked.stderr


def of_the_operator(python, *paths):
    """Exit code and words of the check of the operator's objects."""
    command = [python, Path(__file__).with_name("operator_objects.py"), *paths]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return checked.returncode, checked.stdout + checked.stderr


def test_the_objects_of_the_operator_are_as_it_wants_them(operator_python):
    paths = [FOLDER / f"{name}.yaml" for name in ("servicemonitor", "prometheusrule")]
    assert of_the_operator(operator_python, *paths) == (0, "")


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("servicemonitor", "interval: 30s", "intervall: 30s", "endpoints[0].intervall: unknown key"),
        ("servicemonitor", "interval: 30s", "interval: often", "String should match pattern"),
        ("prometheusrule", "expr:", "exprs:", "Field required"),
    ],
)
def test_a_fault_in_an_object_of_the_operator_would_be_told(
    operator_python, tmp_path, name, before, after, told
):
    path = tmp_path / f"{name}.yaml"
    path.write_text((FOLDER / path.name).read_text().replace(before, after, 1))
    code, words = of_the_operator(operator_python, path)
    assert code == 1
    assert told in words


def test_kustomize_takes_every_file():
    listed = manifest("kustomization")["resources"]
    assert sorted(listed) == sorted({path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"})


def test_one_daemon_at_a_time_has_the_state():
    spec = manifest("deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    claims = [each.get("persistentVolumeClaim", {}).get("claimName") for each in POD["spec"]["volumes"]]
    assert [each for each in claims if each] == [manifest("persistentvolumeclaim")["metadata"]["name"]]


def test_the_pod_meets_the_restricted_standard_on_a_read_only_disk():
    enforced = manifest("namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    pod, container = POD["spec"]["securityContext"], CONTAINER["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_the_pod_runs_as_the_user_of_the_image():
    user, group = re.search(
        r"^USER (\d+):(\d+)$", (ROOT / "deploy" / "docker" / "Dockerfile").read_text(), re.MULTILINE
    ).groups()
    context = POD["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (
        int(user),
        int(group),
        int(group),
    )


def test_runs_have_the_time_and_the_memory_that_the_daemon_promises_them():
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", CONTAINER["resources"]["limits"]["memory"]).groups()
    memory = int(number) * {"Mi": 2**20, "Gi": 2**30}[unit]
    check_limits(given(CONTAINER["args"]), POD["spec"]["terminationGracePeriodSeconds"], memory)


def test_probes_and_scrapes_ask_for_what_the_daemon_serves_where_it_listens(serve):
    (port,) = CONTAINER["ports"]
    assert given(CONTAINER["args"]).listen == f"0.0.0.0:{port['containerPort']}"
    probes = [CONTAINER[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    (endpoint,) = manifest("servicemonitor")["spec"]["endpoints"]
    (served,) = manifest("service")["spec"]["ports"]
    for path in {each["path"] for each in probes} | {endpoint["path"]}:
        with urlopen(serve().url + path, timeout=10) as answer:
            assert answer.status == 200
    assert {each["port"] for each in probes} | {served["targetPort"]} == {port["name"]}
    assert endpoint["port"] == served["name"]


def test_the_service_finds_the_pod_and_the_monitor_the_service():
    service = manifest("service")
    assert service["spec"]["selector"].items() <= POD["metadata"]["labels"].items()
    selector = manifest("servicemonitor")["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    assert service["metadata"]["name"] == "driftd"  # what the rules call the job


def test_the_example_model_is_one_and_is_where_the_daemon_looks(tmp_path):
    models = manifest("models")
    (folder,) = given(CONTAINER["args"]).paths
    mounted = {each["mountPath"]: each["name"] for each in CONTAINER["volumeMounts"]}
    volumes = {each["name"]: each for each in POD["spec"]["volumes"]}
    assert volumes[mounted[str(folder)]]["configMap"]["name"] == models["metadata"]["name"]
    for name, text in models["data"].items():
        path = tmp_path / name
        path.write_text(text)
        config = load_model(path, sources=source_parameters(), detectors=detector_parameters())
        assert name == f"{config.model}.yaml"
