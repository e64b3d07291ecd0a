# shellcheck shell=sh
# The recipe that teams copy by hand: start the new release on the free port, wait until it listens, put its port into nginx's file,
# reload, stop the old release. Variables that come before it: ROOT, REPO, SHA, ID, CONF, BLUE, GREEN, NODE, NGINX. Without SHA the release is there already.
set -eu
if grep -q "127.0.0.1:$BLUE;" "$CONF"; then old=blue old_port=$BLUE new=green new_port=$GREEN; else old=green old_port=$GREEN new=blue new_port=$BLUE; fi
mkdir -p "$ROOT/slots/blue" "$ROOT/slots/green" "$ROOT/releases/$ID"
if [ -n "$SHA" ]; then
  [ -d "$ROOT/repo.git" ] || git clone -q --bare "$REPO" "$ROOT/repo.git"
  git --git-dir="$ROOT/repo.git" fetch -q "$REPO" main
  git --git-dir="$ROOT/repo.git" archive "$SHA" | tar -x -C "$ROOT/releases/$ID"
fi
cd "$ROOT/releases/$ID"
PORT=$new_port setsid "$NODE" server.mjs >app.log 2>&1 </dev/null &
pid=$!
# With its start time, so that the testbed can end exactly this process.
printf '%s %s\n' "$pid" "$(cut -d ' ' -f 22 "/proc/$pid/stat")" >"$ROOT/slots/$new/pid"
until curl -s -o /dev/null "http://127.0.0.1:$new_port/healthz"; do sleep 0.1; done
sed -i "s/127\.0\.0\.1:$old_port;/127.0.0.1:$new_port;/" "$CONF"
$NGINX -s reload
[ ! -f "$ROOT/slots/$old/pid" ] || kill "$(cut -d ' ' -f 1 "$ROOT/slots/$old/pid")"
