# The sidecar with vLLM: docker build -f docker/sidecar.Dockerfile [--build-arg ENGINE=gpu] .
FROM python:3.13-slim-trixie
ARG ENGINE=cpu

RUN apt-get update \
    && apt-get install -y --no-install-recommends bash build-essential libnuma1 \
    && rm -rf /var/lib/apt/lists/*

# 999 is the postgres user and group of the official PostgreSQL image; its backends come in through the socket's group.
RUN groupadd --gid 999 postgres \
    && useradd --uid 10001 --create-home --groups postgres nl2sql \
    && install -d -m 0750 -o nl2sql -g postgres /run/nl2sql \
    && install -d -m 0750 -o nl2sql -g nl2sql /var/lib/nl2sql /var/lib/nl2sql-journal

# The same steps as in a checkout, in the same order.
COPY . /opt/nl2sql
WORKDIR /opt/nl2sql
RUN NL2SQL_ENGINE=$ENGINE tools/bootstrap.sh runtime && rm -rf /root/.cache
ENV PATH=/opt/nl2sql/.nl2sql/venv/bin:$PATH \
    NL2SQL_CACHE_DIR=/var/lib/nl2sql \
    NL2SQL_STATE_DIR=/var/lib/nl2sql-journal \
    NL2SQL_SOCKET=/run/nl2sql/sidecar.sock \
    NL2SQL_SOCKET_GROUP=postgres \
    NL2SQL_ALLOWED_USERS='["999"]'

USER nl2sql
VOLUME ["/run/nl2sql", "/var/lib/nl2sql", "/var/lib/nl2sql-journal"]
HEALTHCHECK --interval=10s --start-period=10m CMD ["python", "-m", "tools.probe"]
CMD ["nl2sql-sidecar"]
