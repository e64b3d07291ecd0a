#!/usr/bin/env bash
# The fault matrix, with its own set-up. As root alone. Arguments go to it: npm run test:faults -- --only switch-live
set -euo pipefail
cd "$(dirname "$0")/.."
node testbed/packages.mjs nginx sshd git curl flock setsid
exec node test/faults/run.mjs "$@"
