#!/usr/bin/env bash
# Make `docker compose` ready for docker-compose.yml; running it again changes nothing.
#
# Exit 0: ready. 69: this machine has no Docker that can be used; the last line says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

unavailable() { echo "$1" >&2; exit 69; }

engine=../shared/docker/engine.sh
if [ -x "$engine" ] && [ "$(id -u)" = 0 ]; then
  "$engine" >&2 || unavailable "the Docker engine does not start"
fi
docker compose version >/dev/null 2>&1 || unavailable "\`docker compose\` is not installed"
docker info >/dev/null 2>&1 || unavailable "no Docker engine answers: is it started, and may this user reach it?"

kafka=$(sed -n 's/^ *image: \(apache\/kafka:.*\)/\1/p' docker-compose.yml)
docker image inspect "$kafka" >/dev/null 2>&1 && exit 0
docker pull --quiet "$kafka" >/dev/null 2>&1 && exit 0

echo "$kafka can't be pulled: building a stand-in from Kafka's jars" >&2
make --no-print-directory setup >&2
jars=$(.venv/bin/python -c 'from demo import apache_kafka; print(apache_kafka.jars())')
tar -c -C "$jars" . -C "$PWD/tests/compose" kafka.Dockerfile kafka-run |
  DOCKER_BUILDKIT=0 docker build --quiet --tag "$kafka" --file kafka.Dockerfile - >&2
