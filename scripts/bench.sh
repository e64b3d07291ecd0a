#!/usr/bin/env bash
# Sets up what the bench needs, then runs it. Arguments go to the bench: npm run bench -- --rounds 10
set -euo pipefail
cd "$(dirname "$0")/.."

# A program, and the package of Debian and Ubuntu that has it.
needed=(/usr/sbin/nginx nginx /usr/sbin/sshd openssh-server ssh openssh-client git git curl curl cap capistrano)
missing=()
for ((at = 0; at < ${#needed[@]}; at += 2)); do
  command -v "${needed[at]}" >/dev/null || missing+=("${needed[at + 1]}")
done
# Without these two, Capistrano's SSH library reads no Ed25519 keys.
command -v ruby >/dev/null && ruby -e 'require "ed25519"; require "bcrypt_pbkdf"' 2>/dev/null || missing+=(ruby-ed25519 ruby-bcrypt-pbkdf)

if ((${#missing[@]})); then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # The bench starts its own nginx and sshd: the packages must not start theirs.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "The bench needs some packages. Install them, then run it again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    exit 1
  fi
fi

[ -d node_modules/esbuild ] || npm ci --no-audit --no-fund
[ -f dist/index.js ] || bash scripts/build.sh
# Not exec: the trap above has to run.
node bench/bench.mjs "$@"
