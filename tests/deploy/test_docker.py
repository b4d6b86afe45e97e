"""The image and the compose file: what can be known of them without an engine."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import bcrypt
import pytest
import yaml

from tests.deploy.promised import check_limits, given
from tests.deploy.unit import seconds, size

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PIN = re.compile(r"^([a-z0-9-]+)==(.*?) \\\n((?:    --hash=.*\n?)+)", re.MULTILINE)


def pins(path):
    """Name, version with its condition, and hashes of each package of a lock file."""
    return {tuple(part.strip() for part in pin) for pin in PIN.findall(path.read_text())}


def test_the_linter_has_nothing_to_say(hadolint):
    checked = subprocess.run(
        [hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_all_that_is_copied_is_there_and_is_sent_to_the_engine():
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied)


def test_the_image_runs_as_a_number_that_is_not_root_and_serves_where_it_says():
    user = re.search(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user[1]) > 0
    arguments = given(yaml.safe_load(re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1]))
    port = re.search(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)[1]
    assert arguments.listen == f"0.0.0.0:{port}"


def test_the_lock_of_the_image_is_the_part_of_the_projects_lock_that_the_daemon_needs():
    locked = pins(ROOT / "deploy" / "requirements.lock")
    assert locked < pins(ROOT / "requirements.lock")
    names = {name for name, _, _ in locked}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["s3"]]
    assert {re.match(r"[a-z0-9-]+", each)[0] for each in needed} - names == set()
    assert names.isdisjoint({"pytest", "mypy", "ruff"})


def test_the_daemon_in_compose_has_the_time_and_the_memory_that_it_promises():
    daemon = SERVICES["driftd"]
    memory = size(daemon["deploy"]["resources"]["limits"]["memory"])
    check_limits(given(daemon["command"]), seconds(daemon["stop_grace_period"]), memory)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_read_only_without_rights_and_reached_from_this_machine_alone(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [port for port in service["ports"] if not port.startswith("127.0.0.1:")] == []
    assert re.fullmatch(r"driftd|[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])


def mounts():
    """Service, source and target of what is mounted from the repository."""
    for name, service in SERVICES.items():
        for volume in service["volumes"]:
            source, target = volume.split(":", 1)
            if source.startswith("."):
                yield name, (DOCKER / source).resolve(), target.removesuffix(":ro")


def test_what_compose_mounts_is_in_the_repository():
    assert [str(source) for _, source, _ in mounts() if not source.exists()] == []


def test_named_volumes_are_declared():
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service["volumes"]
        if volume[0].isalpha()
    }
    assert named == set(COMPOSE["volumes"])


def test_prometheus_understands_its_files_as_they_are_mounted(promtool, tmp_path):
    for name, source, target in mounts():
        if name == "prometheus":
            shutil.copy(source, tmp_path / Path(target).name)
    command = [promtool, "check", "config", tmp_path / "prometheus.yml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert "1 rule files found" in checked.stdout


def test_the_hosts_that_prometheus_names_are_services_at_their_ports():
    text = (DOCKER / "prometheus.yml").read_text()
    addresses = re.findall(r'targets: \["([a-z]+):(\d+)"\]', text)
    assert len(addresses) == 2
    for host, port in addresses:
        assert [each.rsplit(":", 1)[1] for each in SERVICES[host]["ports"]] == [port]


def healthcheck(url):
    environment = {"DRIFTD_HEALTHCHECK_URL": url, "http_proxy": "http://127.0.0.1:9", "HOME": "/nonexistent"}
    command = [sys.executable, "-I", DOCKER / "healthcheck.py"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_daemon_that_answers_is_healthy_and_no_proxy_is_asked(serve):
    assert healthcheck(f"{serve().url}/-/healthy").returncode == 0


def test_a_daemon_with_tls_and_passwords_is_healthy(serve, tmp_path, pair):
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    path = tmp_path / "web.yml"
    path.write_text(
        f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n"
        f"basic_auth_users: {{prometheus: {hashed}}}\n"
    )
    url = serve(path).url
    assert url.startswith("https:")
    assert healthcheck(f"{url}/-/healthy").returncode == 0


def test_a_daemon_that_does_not_answer_or_not_so_is_not(serve):
    server = serve()
    missing = healthcheck(f"{server.url}/nothing")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "HTTP Error 404" in missing.stderr
    server.stop()
    assert "Connection refused" in healthcheck(f"{server.url}/-/healthy").stderr
