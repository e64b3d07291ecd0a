#!/usr/bin/env bash
# Builds dist/ from src/: one bundle, the agent's shell files beside it, and the licenses of what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx --no-install ncc build src/main.ts --out "$fresh" --license licenses.txt --quiet
# The compiler's declarations are of no use to who runs the bundle; the SSH library brings a program for Windows' key agent.
find "$fresh" -name '*.d.ts' -delete
find "$fresh" -type d -empty -delete
rm -f "$fresh/pagent.exe"
cp src/post-entry.js "$fresh/post.js"
# Only now: a build that fails leaves what was there.
rm -rf "$out"
mkdir -p "$(dirname "$out")"
cp -r "$fresh" "$out"
chmod 755 "$out"
