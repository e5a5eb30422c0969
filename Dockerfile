# syntax=docker/dockerfile:1
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /src
RUN python -m venv /opt/dispatcher
COPY requirements/run.txt requirements/
RUN --mount=type=cache,target=/cache /opt/dispatcher/bin/pip install --cache-dir /cache \
    --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY dispatcher dispatcher
COPY channels channels
RUN /opt/dispatcher/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:${PYTHON_VERSION}-slim
ARG DISPATCHER_UID=1000
ARG DISPATCHER_GID=1000
RUN groupadd --gid ${DISPATCHER_GID} dispatcher \
    && useradd --uid ${DISPATCHER_UID} --gid dispatcher --no-create-home --home-dir /var/lib/dispatcher dispatcher \
    && install --directory --owner dispatcher --group dispatcher --mode 0700 /var/lib/dispatcher
COPY --from=build /opt/dispatcher /opt/dispatcher
ENV PATH=/opt/dispatcher/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DISPATCHER_STATE_DIR=/var/lib/dispatcher
USER dispatcher
WORKDIR /srv
STOPSIGNAL SIGTERM
CMD ["dispatcher", "up"]
