#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# All tests, in virtual machines: scripts/test.sh -h
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh test || { echo '0 passed, 1 failed'; exit 1; }
exec python3 -B scripts/run_tests.py "$@"
