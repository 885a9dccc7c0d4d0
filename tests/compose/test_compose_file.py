"""What docker-compose.yml promises, read from the file itself: no Docker needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.webhook import KEY, PATH, URL
from schemas.errors import UserError
from schemas.settings import KafkaSettings, load

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (ROOT / "infra" / "docker" / "Dockerfile").read_text()
ONE_SHOT = {"setup", "report"}


def stage(name: str) -> str:
    return re.split(r"^FROM ", DOCKERFILE.partition(f" AS {name}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_the_loopback_address(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_cannot_gain_rights(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"kafka"}))
def test_every_service_of_ours_runs_on_a_read_only_file_system(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


def test_every_service_that_keeps_running_has_a_health_check() -> None:
    assert "CMD" in SERVICES["kafka"]["healthcheck"]["test"]
    for name in ("eventbus", "webhook", "score"):
        assert "urlopen('http://127.0.0.1:" in SERVICES[name]["healthcheck"]["test"][-1]
    for name in SERVICES.keys() - {"kafka", "eventbus", "webhook", "score"} - ONE_SHOT:
        image = SERVICES[name]["image"].removeprefix("cardwatch-")
        assert "HEALTHCHECK --interval" in stage(image), name


def test_the_analyzer_can_be_scaled() -> None:
    assert "container_name" not in SERVICES["analyzer"]
    assert SERVICES["analyzer"]["ports"] == ["127.0.0.1::8080"]


def test_one_service_builds_each_image() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" in service]
    assert sorted(images) == ["cardwatch-aws", "cardwatch-local", "cardwatch-service"]


def test_nothing_starts_before_topics_and_schemas_are_there() -> None:
    for name in ("producer", "analyzer", "notifier", "score"):
        assert SERVICES[name]["depends_on"]["setup"] == {"condition": "service_completed_successfully"}


def test_the_notifier_puts_on_a_bus_that_answers_and_has_the_webhook_to_send_to() -> None:
    for name in ("eventbus", "webhook"):
        assert SERVICES["notifier"]["depends_on"][name] == {"condition": "service_healthy"}


def test_every_aws_client_of_eventbridge_is_led_to_the_bus_and_others_to_the_local_aws() -> None:
    for name in ("producer", "analyzer", "notifier", "setup", "report"):
        environment = SERVICES[name]["environment"]
        assert environment["AWS_ENDPOINT_URL_EVENTBRIDGE"] == "http://eventbus:4010"
        assert environment["AWS_ENDPOINT_URL"] == "http://aws:5000"
    assert SERVICES["eventbus"]["environment"]["AWS_ENDPOINT_URL"] == "http://aws:5000"


def test_bus_and_report_know_the_webhook_and_its_key() -> None:
    for name in ("eventbus", "report"):
        assert SERVICES[name]["environment"][URL] == f"http://webhook:4020{PATH}"
        assert SERVICES[name]["environment"][KEY] == SERVICES["webhook"]["environment"][KEY]


def test_what_the_bus_has_accepted_is_on_a_volume_of_its_own() -> None:
    assert SERVICES["eventbus"]["volumes"] == ["/data"]
    assert "--owner cardwatch --mode 700 /data" in stage("local")


def test_an_image_installs_from_a_lock_file_with_hashes_and_wheels_alone() -> None:
    assert DOCKERFILE.count("pip --python") == DOCKERFILE.count("--require-hashes --only-binary :all: -r requirements")
    assert "USER cardwatch" in stage("base")


def test_the_image_of_the_services_holds_what_they_run_and_nothing_else() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", stage("service"), re.MULTILINE)
    assert sorted(copied) == ["analyzer", "notifier", "producer", "schemas"]


def test_what_the_images_copy_is_let_into_the_build() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (\w[\w.-]*)", DOCKERFILE, re.MULTILINE))
    assert "eventbus" in copied
    assert copied <= let_in | {"infra"}


def test_the_address_of_the_broker_is_one_that_the_services_take(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("producer", "analyzer", "notifier", "setup", "report"):
        address = SERVICES[name]["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", address)
        assert load(KafkaSettings).bootstrap_servers == address
        assert f"INSIDE://{address}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka")
    with pytest.raises(UserError, match="KAFKA_BOOTSTRAP_SERVERS"):
        load(KafkaSettings)


def test_kafka_is_the_version_whose_jars_are_fetched() -> None:
    pom = (ROOT / "infra" / "kafka" / "pom.xml").read_text()
    version = re.search(r"<kafka.version>([^<]+)<", pom)
    assert version
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"
