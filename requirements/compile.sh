#!/bin/sh
# Resolve pyproject.toml into run.txt and dev.txt: every package pinned and hashed, for each Python and platform we
# support, and no word on where the packages came from (docs/decisions/0001). Arguments go to `uv pip compile`.
set -eu
cd "$(dirname "$0")/.."
if ! command -v uv >/dev/null; then
    echo "uv is needed to resolve requirements: python3 -m pip install uv" >&2
    exit 1
fi

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links pyproject.toml requirements/build.in "$@"
}

compile --output-file requirements/run.txt "$@"
compile --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt "$@"
