#!/usr/bin/env bash
# Builds dist/ from src/: one bundle, the agent's shell files beside it, and the licenses of what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
rm -rf "$out"
npx --no-install ncc build src/main.ts --out "$out" --license licenses.txt --quiet
# The compiler's declarations are of no use to who runs the bundle.
find "$out" -name '*.d.ts' -delete
# The SSH library brings a program for Windows' key agent.
rm -f "$out/pagent.exe"
find "$out" -type d -empty -delete
