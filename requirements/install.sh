#!/bin/sh
# Install requirements/NAME.txt and this project, editable, into .venv; create .venv first if need be.
# Usage: requirements/install.sh run|dev     (PYTHON=… chooses the interpreter for a new .venv)
set -eu
cd "$(dirname "$0")/.."
name=$1
venv_python=.venv/bin/python

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11 or newer was found (tried: ${PYTHON:-python3, python3.14 to python3.11, python})." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2
    return 1
}

create_venv() {
    python=$(find_python)
    rm -rf .venv
    if ! "$python" -m venv .venv >.venv-creation.log 2>&1; then
        cat .venv-creation.log >&2
        rm -rf .venv .venv-creation.log
        echo "$python cannot create a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2
        return 1
    fi
    rm -f .venv-creation.log
}

# uv is many times faster, but it does not read pip's configuration (a mirror, for one): where it fails, pip decides.
with_uv() {
    command -v uv >/dev/null || return 1
    VIRTUAL_ENV=$PWD/.venv uv pip install --quiet --require-hashes --no-deps -r "requirements/$name.txt" &&
        VIRTUAL_ENV=$PWD/.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
}

with_pip() {
    "$venv_python" -m pip --version >/dev/null 2>&1 || "$venv_python" -m ensurepip >/dev/null
    pip="$venv_python -m pip --disable-pip-version-check --quiet install --no-deps --no-compile"
    $pip --require-hashes -r "requirements/$name.txt"
    $pip --no-build-isolation --editable .
}

if ! usable "$venv_python"; then
    create_venv
fi
echo "Installing requirements/$name.txt into .venv" >&2
with_uv || with_pip
