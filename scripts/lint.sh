#!/usr/bin/env bash
# Style and mistakes: TypeScript and JavaScript with eslint, shell with shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
npx --no-install eslint .
find src -name '*.sh' -print0 | xargs -0 shellcheck
shellcheck scripts/*.sh .ci/run
