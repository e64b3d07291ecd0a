#!/usr/bin/env bash
# All tests, with their own set-up: packages of the distribution, npm packages, then lint, types, what is generated,
# dist, and jest. Arguments go to jest, so that one file can be run alone.
set -euo pipefail
cd "$(dirname "$0")/.."

node testbed/packages.mjs nginx sshd git curl wget flock setsid shellcheck busybox bash dash sudo openssl fish csh
# A stamp tells whether the installed packages are those of the lock file.
if ! cmp -s package-lock.json node_modules/.bluegreen-lock; then
  npm ci
  cp package-lock.json node_modules/.bluegreen-lock
fi

echo '== lint'
bash scripts/lint.sh
echo '== types'
npx --no-install tsc --noEmit -p tsconfig.json
npx --no-install tsc --noEmit -p test/tsconfig.json
echo '== generated files'
node scripts/generate.mjs --check
echo '== dist'
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
bash scripts/build.sh "$fresh/dist"
diff -rq "$fresh/dist" dist || {
  echo 'dist/ is not what src/ builds. Run: npm run build, and commit dist/.' >&2
  exit 1
}
echo '== tests'
node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js "$@"
