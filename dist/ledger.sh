# shellcheck shell=sh
# The ledger: a line for each run that came to a plan, whole or not at all.

# The line that ends the run in the ledger, in _line.
bg_ledger_line() {
  _line=$(grep -F "\"run\":\"$BG_RUN\"" "$BG_ROOT/ledger.ndjson" 2>/dev/null | tail -n 1)
  [ -n "$_line" ]
}

# Is it that run which has come to its plan and not to its end?
bg_died() { grep -qF "\"run\":\"$BG_RUN\"" "$BG_ROOT/run/current" 2>/dev/null; }

# The ledger's line of this run.
bg_ledger() {
  bg_live
  bg_ledger_end "$BG_LEDGER" "$1" "$BG_STEPS"
}

# bg_ledger_end BEGINNING OUTCOME STEPS: a run's line. Its beginning came with the plan as JSON, how it ended is known only here.
bg_ledger_end() {
  bg_ledger_add "$1,\"ended\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\",\"outcome\":\"$2\",\"live\":\"$BG_LIVE\",\"liveRelease\":\"$(bg_release_of "$BG_LIVE")\",\"steps\":[$3]}"
}

# bg_ledger_add LINE: the ledger with one line more, whole or not at all. A last line that was cut off goes, and what cannot be read is put aside.
bg_ledger_add() {
  _ledger=$BG_ROOT/ledger.ndjson
  if [ -e "$_ledger" ] && ! { [ -f "$_ledger" ] && { [ -r "$_ledger" ] || chmod u+rw "$_ledger"; }; } 2>/dev/null; then
    mv -f "$_ledger" "$_ledger.unreadable.$$" || return 1
    bg_note warning "the ledger could not be read: it is $_ledger.unreadable.$$ now, and a new one was begun"
  fi
  {
    { [ ! -f "$_ledger" ] || awk 'NR > 1 { print last } { last = $0 } END { if (last ~ /}$/) print last }' "$_ledger"; } &&
      printf '%s\n' "$1"
  } >"$_ledger.new" && bg_sync "$_ledger.new" && mv -f "$_ledger.new" "$_ledger" && return
  rm -f "$_ledger.new"
  return 1
}

# The release that a slot holds, or nothing.
bg_release_of() {
  [ -z "$1" ] || { _link=$(readlink "$BG_ROOT/slots/$1/release") && printf '%s' "${_link##*/}"; }
}
