"""docker-compose.yml against the Compose specification's schema, our own rules and the contract (DESIGN 6).

The file cannot be run on every machine; the same processes are run by hand in another acceptance test.
"""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.servers import POSTGRES_VERSION

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}

#: DESIGN 6, "Environment"; every secret also as NAME_FILE.
CONTRACT = {
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "DISPATCHER_CONFIG",
    "DISPATCHER_PUBLIC_URL",
    "DISPATCHER_SECRET_KEY",
    "DISPATCHER_STATE_DIR",
}
#: Named by senders in dispatcher.yaml as ${…}.
CREDENTIALS = {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|DATABASE_URL")
#: `${NAME:-default}`, as Compose interpolates it; `$$` is a literal dollar.
INTERPOLATION = re.compile(r"(?<!\$)\$\{(\w+)(:-[^}]*)?\}")


def example_env() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment(service: dict[str, Any]) -> dict[str, str]:
    return dict(service.get("environment", {}))


def compose_schema() -> dict[str, Any]:
    """The specification's own schema (Apache-2.0), as the check-jsonschema package ships it."""
    vendor = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    schema: dict[str, Any] = json.loads((vendor / "compose-spec.json").read_text())
    return schema


def schema_errors(document: dict[str, Any]) -> list[str]:
    validator = jsonschema.validators.validator_for(compose_schema())(compose_schema())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_it_follows_the_compose_specification() -> None:
    assert schema_errors(COMPOSE) == []


def test_the_schema_would_find_a_mistake() -> None:
    assert schema_errors({"services": {"web": {"image": "x", "helthcheck": {}}}})


def test_the_services_are_those_of_the_design() -> None:
    assert set(SERVICES) == {"web", "worker", "migrate", "postgres", "redis", "simulator"}
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["simulator"]
    assert SERVICES["simulator"]["profiles"] == ["demo"]


COMMANDS = {
    "web": ["dispatcher", "web"],
    "worker": ["celery", "-A", "dispatcher.worker", "worker", "-Q", "send,tick,default"],
    "migrate": ["dispatcher", "db", "upgrade"],
    "simulator": ["dispatcher", "simulate"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_those_of_the_contract(name: str) -> None:
    command = SERVICES[name]["command"]
    expected = COMMANDS[name]
    assert command[: len(expected)] == expected
    assert set(command[len(expected) :: 2]) <= {"--host", "--port"}


def test_every_service_of_ours_has_a_command() -> None:
    assert set(OURS) == set(COMMANDS)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
    assert SERVICES[name].get("network_mode") != "host"


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_servers_are_reached_from_inside_only(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert SERVICES[name]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_rights_are_few(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    granted = set(service.get("cap_add", []))
    assert granted == ({"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} if name == "postgres" else set())


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres"}))
def test_nothing_runs_as_root(name: str) -> None:
    user = interpolated(SERVICES[name]["user"], {})
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_image_does_not_run_as_root() -> None:
    instructions = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1].isalpha()]
    users = [words[1] for words in instructions if words[0] == "USER"]
    assert users == ["dispatcher"]
    assert ["STOPSIGNAL", "SIGTERM"] in instructions
    assert "--require-hashes -r requirements/run.txt" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_everything_that_stays_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)


def test_the_web_process_is_healthy_when_healthz_answers() -> None:
    (probe,) = [part for part in SERVICES["web"]["healthcheck"]["test"] if "urlopen" in part]
    port = SERVICES["web"]["command"][-1]
    assert f"http://127.0.0.1:{port}/healthz" in probe
    compile(probe, "healthcheck", "exec")


@pytest.mark.parametrize("name", ["web", "worker"])
def test_processes_wait_for_the_migration_and_the_servers(name: str) -> None:
    conditions = {other: need["condition"] for other, need in SERVICES[name]["depends_on"].items()}
    assert conditions == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }
    assert SERVICES[name]["stop_grace_period"] == "15s"  # longer than the 10 s a worker takes to end in order


@pytest.mark.parametrize("name", ["web", "worker", "migrate"])
def test_processes_share_the_state_folder(name: str) -> None:
    """The suppression key lives there (invariant 14), as does the spool."""
    folder = environment(SERVICES[name])["DISPATCHER_STATE_DIR"]
    assert f"state:{folder}" in SERVICES[name]["volumes"]
    assert f"DISPATCHER_STATE_DIR={folder}" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["web", "worker", "migrate", "simulator"])
def test_the_environment_is_the_contract(name: str) -> None:
    known = CONTRACT | CREDENTIALS
    assert {variable.removesuffix("_FILE") for variable in environment(SERVICES[name])} <= known


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files(name: str) -> None:
    mounted = {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}
    named = {value for variable, value in environment(SERVICES[name]).items() if variable.endswith("_FILE")}
    assert named == mounted
    for variable, value in environment(SERVICES[name]).items():
        assert variable.endswith("_FILE") or not SECRET.search(variable)
        assert not re.search(r"://[^/]*:[^/]*@", value), f"{variable} holds a password"


def test_secret_files_are_made_by_make_secrets(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    for name in ("docker/make-secrets.sh", ".env.example"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    def make() -> dict[str, str]:
        subprocess.run(["sh", tmp_path / "docker" / "make-secrets.sh"], check=True, capture_output=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    made = make()
    assert {f"./secrets/{name}" for name in made} == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert made["postgres_password"] in made["database_url"]
    assert len({made["postgres_password"], made["secret_key"], ""}) == 3
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert re.search(r"^DISPATCHER_UID=[1-9]", (tmp_path / ".env").read_text(), re.MULTILINE)
    assert make() == made


def test_the_example_names_each_variable_and_agrees_with_the_defaults() -> None:
    used = {name: (default or "").removeprefix(":-") for name, default in INTERPOLATION.findall(TEXT)}
    assert used == example_env()


def test_the_example_holds_no_secret() -> None:
    assert not [name for name in example_env() if SECRET.search(name)]


def test_what_holds_secrets_is_ignored() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", ".env", "secrets/secret_key"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ignored.stdout.split() == [".env", "secrets/secret_key"]
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_database_is_the_version_that_tests_run_on() -> None:
    assert SERVICES["postgres"]["image"] == f"postgres:{POSTGRES_VERSION}"


def interpolated(text: str, variables: dict[str, str]) -> str:
    return INTERPOLATION.sub(lambda m: variables.get(m[1]) or (m[2] or "").removeprefix(":-"), text)
