#!/bin/sh
# A Chromium for the tests in a browser: the one that is installed, else Debian's.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Chromium is needed for the tests in a browser; on Debian and Ubuntu: sudo apt install chromium" >&2
    exit 1
fi
echo "Installing Chromium" >&2
apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
