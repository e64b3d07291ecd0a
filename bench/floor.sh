# shellcheck shell=sh
# The least that a deploy with releases can be, in one exec: fetch, unpack, link, prune.
# Variables that come before it: ROOT, REPO, SHA, ID, KEEP.
set -eu
[ -d "$ROOT/repo.git" ] || git clone -q --bare "$REPO" "$ROOT/repo.git"
git --git-dir="$ROOT/repo.git" fetch -q "$REPO" main
mkdir -p "$ROOT/releases/$ID"
git --git-dir="$ROOT/repo.git" archive "$SHA" | tar -x -C "$ROOT/releases/$ID"
ln -sfn "releases/$ID" "$ROOT/current.new"
mv -fT "$ROOT/current.new" "$ROOT/current"
cd "$ROOT/releases"
for old in $(printf '%s\n' * | sort | head -n "-$KEEP"); do rm -rf "$old"; done
