# A stand-in for apache/kafka, for a machine that can't pull images: the same jars, the same KAFKA_*
# variables, and the same class (it is in the jars) that makes server.properties of them.
# The build context is a folder of Kafka's jars with kafka-run beside them.
FROM python:3.13-slim
RUN apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-21-jre-headless >/dev/null && \
    rm -rf /var/lib/apt/lists/*
RUN useradd --create-home appuser && \
    mkdir -p /opt/kafka/config /etc/kafka/docker /mnt/shared/config && \
    chown appuser /opt/kafka/config && \
    touch /etc/kafka/docker/server.properties && \
    echo '{Configuration: {Loggers: {Logger: [], Root: {level: WARN}}}}' | tee /etc/kafka/docker/log4j2.yaml >/etc/kafka/docker/tools-log4j2.yaml
COPY *.jar /opt/kafka/libs/
COPY kafka-run /etc/kafka/docker/run
USER appuser
EXPOSE 9092
CMD ["/etc/kafka/docker/run"]
