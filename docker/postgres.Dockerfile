# PostgreSQL with the extension: docker build -f docker/postgres.Dockerfile .
ARG PG_MAJOR=17

# Debian 13, as the tests have it with this major.
FROM postgres:${PG_MAJOR}-trixie AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-plpython3-$PG_MAJOR postgresql-$PG_MAJOR-pgvector \
    && rm -rf /var/lib/apt/lists/* \
    # the sidecar's user in its own image, so that the server knows it by name
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin nl2sql

FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends make gcc python3 postgresql-server-dev-$PG_MAJOR
COPY . /src
RUN make -C /src install PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config DESTDIR=/stage

FROM base
COPY --from=build /stage/ /
COPY docker/initdb/ /docker-entrypoint-initdb.d/
