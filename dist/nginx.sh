# shellcheck shell=sh
# nginx on the host: edits only the app's server lines, proves what runs, puts back; or sees nginx follow `live`.
# What the host needs to do so without the action stands in <root>/nginx.state, written before the first edit.

# What a later run needs: all of it comes from the plan, as BG_NG_… variables.
BG_NG_NAMES='BG_NG_COMMAND BG_NG_MODE BG_NG_FOLLOWS BG_NG_PROBES BG_NG_PROBE_BLUE BG_NG_PROBE_GREEN BG_NG_FOLDER BG_NG_FILE BG_NG_BLUE BG_NG_GREEN BG_NG_PID_FILE BG_NG_ERROR_LOG BG_NG_URL BG_NG_CONNECT BG_NG_PROXY_PROTOCOL BG_NG_TIMEOUT BG_NG_VERSION'

# No worker is replaced by a switch then.
bg_instant() { [ -n "$BG_NG_FOLLOWS" ] && [ "$BG_NG_MODE" = instant ]; }

bg_nginx() { (eval "$BG_NG_COMMAND \"\$@\"") 9>&- 8<&- 2>&1; }

# bg_not_tested WHAT THEN SAID: ends the step, since `nginx -t` failed: for the configuration, as WHAT says, or since sudo does not allow it.
bg_not_tested() {
  case $3 in
    *'sudo: '*)
      _program=${BG_NG_COMMAND#sudo } _program=${_program#-n } _user=$(id -un)
      bg_fail "nginx has to be tested and reloaded, and the user $_user may not do that: $2" \
        "As root, on the host: $_program -t && $_program -s reload. Or let that user do so, for each switch by a reload, with this line (visudo -f /etc/sudoers.d/bluegreen):$BG_NL  $_user ALL=(root) NOPASSWD: $_program -T, $_program -t, $_program -s reload${BG_NL}Where nginx is set up for an instant switch (command: setup) and has loaded its files, neither is needed." \
        'nginx-command switch' "$3"
      ;;
    *) ;;
  esac
  bg_fail "nginx refuses $1 (nginx -t): $2" \
    'Mend what nginx says below; it may be another site that is broken since the last reload.' 'nginx-upstream nginx-command' "$(printf '%s\n' "$3" | tail -n 10)"
}

# One switch at a time on this host: several apps share an nginx. On the folder of its main file, held on descriptor 8 until this process ends
# or bg_nginx_unlock is called.
bg_nginx_lock() {
  [ -z "$BG_NG_HELD" ] || return 0
  exec 8<"$BG_NG_FOLDER" || return 1
  bg_now
  _until=$((BG_NOW + BG_LOCK_TIMEOUT * 1000))
  until flock -n 8; do
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || return 1
    bg_sleep 0.05
  done
  BG_NG_HELD=1
}

bg_nginx_unlock() { exec 8<&- && BG_NG_HELD=''; }

# bg_region_swap FILE FROM TO: the file with one region of whole lines replaced, on standard output.
# FROM must be there exactly once, from a line's start to a line's end. TO = FROM only asks.
bg_region_swap() {
  { cat "$1" && printf x; } | LC_ALL=C BG_FROM=$2 BG_TO=$3 awk '
    { text = text (NR > 1 ? "\n" : "") $0 }
    END {
      text = "\n" substr(text, 1, length(text) - 1) "\n"
      from = "\n" ENVIRON["BG_FROM"] "\n"
      at = index(text, from)
      if (!at) exit 3
      # The newline that ends one region may begin the next.
      if (index(substr(text, at + length(from) - 1), from)) exit 4
      before = substr(text, 1, at)
      after = substr(text, at + length(from) - 1)
      printf "%s", substr(before, 2)
      printf "%s", ENVIRON["BG_TO"]
      printf "%s", substr(after, 1, length(after) - 1)
    }'
}

bg_region_there() { bg_region_swap "$1" "$2" "$2" >/dev/null 2>&1; }

# Changes anywhere but in `server …;` lines, which other apps may switch meanwhile, show in this sum.
bg_masked_sum() { sed 's/server[[:space:]][^;{}]*;//g' "$1" | cksum; }

# bg_nginx_write FROM TO: replaces the region in the real file (behind links), atomically, mode kept, owner where we may.
# Fails with 3 where FROM is not there, 4 where it is there twice, 5 where other bytes would change, too.
bg_nginx_write() {
  _real=$(readlink -f "$BG_NG_FILE") || return 1
  _temp=${_real%/*}/.bluegreen.$$
  _status=1
  cp -p "$_real" "$_temp" 2>/dev/null && bg_region_swap "$_real" "$1" "$2" >"$_temp" && bg_swaps_back "$1" "$2" && mv -f "$_temp" "$_real" && return 0 || _status=$?
  rm -f "$_temp"
  return "$_status"
}

# Not every awk keeps a NUL, which nginx takes in a comment.
bg_swaps_back() { [ "$(bg_region_swap "$_temp" "$2" "$1" | cksum)" = "$(cksum <"$_real")" ] || return 5; }

bg_nginx_master() {
  BG_MASTER=
  { read -r BG_MASTER <"$BG_NG_PID_FILE"; } 2>/dev/null
  case $BG_MASTER in '' | *[!0-9]*) return 1 ;; esac
  { read -r _title <"/proc/$BG_MASTER/cmdline"; } 2>/dev/null
  [ -n "$_title" ]
}

bg_children() {
  _kids=
  if { read -r _kids <"/proc/$1/task/$1/children"; } 2>/dev/null || [ -n "$_kids" ]; then
    printf '%s' "$_kids"
  else
    awk -v parent="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($2 == parent) print pid }' /proc/[0-9]*/stat 2>/dev/null
  fi
}

# Worker process ids by what they do: BG_SERVING take new connections, BG_LEAVING finish their last ones.
# nginx writes it into its processes' titles, which every user may read.
bg_workers() {
  BG_SERVING='' BG_LEAVING=''
  bg_nginx_master || return 1
  for _kid in $(bg_children "$BG_MASTER"); do
    _title=
    { read -r _title <"/proc/$_kid/cmdline"; } 2>/dev/null
    case $_title in
      *"worker process is shutting down"*) BG_LEAVING="$BG_LEAVING $_kid" ;;
      *"worker process"*) BG_SERVING="$BG_SERVING $_kid" ;;
    esac
  done
}

# bg_reload OLD: asks for a reload, then sees for itself that new workers of the same master serve and none of the OLD
# ones takes new connections. Exit code 0 of `nginx -s reload` proves nothing. What nginx said goes to BG_SAID, in one line to BG_CAUSE.
bg_reload() {
  _old=" $1 "
  _before=$BG_MASTER
  _looks=0
  bg_error_log_mark
  BG_SAID=$(bg_nginx -s reload) || { bg_reload_not_sent $? && return 1; }
  bg_now
  _until=$((BG_NOW + BG_NG_TIMEOUT * 1000))
  while :; do
    bg_now
    _looks=$((_looks + 1)) _idle=
    # First what the master does, then what it has done.
    { [ "$BG_NOW" -lt "$_until" ] && [ $((_looks % 20)) != 0 ]; } || ! bg_master_idle "$_before" || _idle=1
    if bg_workers && [ "$BG_MASTER" = "$_before" ] && [ -n "$BG_SERVING" ]; then
      _same=
      for _kid in $BG_SERVING; do case $_old in *" $_kid "*) _same=1 ;; esac; done
      [ -n "$_same" ] || return 0
    fi
    # The log tells a refusal long before the time is over. As long as the master is at work nobody knows how it ends.
    if [ -n "$_idle" ]; then
      { [ "$BG_NOW" -lt "$_until" ] && ! bg_reload_refused "$_before"; } || break
    fi
    [ "$BG_NOW" -lt $((_until + 20000)) ] || break
    bg_sleep 0.01
  done
  bg_reload_cause "$_before"
  return 1
}

# Asks through nginx as a visitor would. Status in BG_STATUS.
bg_ask_nginx() { bg_nginx_question bg_ask; }

# bg_nginx_question WHAT: the question to nginx, with WHAT to ask it: bg_ask or bg_answer.
bg_nginx_question() {
  set -- "$1" "$BG_NG_URL" 5
  [ -z "$BG_NG_CONNECT" ] || set -- "$@" --connect-to "::$BG_NG_CONNECT"
  [ -z "$BG_NG_PROXY_PROTOCOL" ] || set -- "$@" --haproxy-protocol
  "$@"
}

# bg_ask_watching AT OTHER: asks, and counts the connections that came meanwhile: BG_REACHED on AT, BG_STRAYED on OTHER.
bg_ask_watching() {
  BG_SEEN=
  _known=$(bg_connections "$1" "$2")
  case $1$2 in
    */*) bg_watch_begin "$1" "$2" && bg_ask_nginx && bg_watch_end ;;
    *) bg_ask_nginx ;;
  esac
  bg_count_new "$_known" "$1" "$2" "$BG_SEEN"
}

# bg_quiet AT OTHER: does nothing come there any more while we ask through nginx? A stranger that looks
# in by chance is not seen in each of three rounds; a wrong route is.
bg_quiet() {
  for _round in 1 2 3; do
    bg_ask_watching "$2" "$1"
    [ "$BG_STRAYED" != 0 ] || return 0
    bg_sleep 0.2
  done
  return 1
}

# Where nginx stands to the configuration before a switch: `switch.intent`, from before the edit until the reload is seen.
# bg_nginx_match SLOT: ends a switch that was interrupted: nginx is made to match the slot that `live` names ('' = none),
# on disk and in what runs.
bg_nginx_match() {
  # Without an intent of ours, what differs was changed by somebody else: that is not guessed at.
  [ -f "$BG_ROOT/nginx.state" ] && [ -f "$BG_ROOT/switch.intent" ] || return 0
  # shellcheck source=/dev/null
  . "$BG_ROOT/nginx.state"
  # shellcheck source=/dev/null
  . "$BG_ROOT/switch.intent"
  # Where nginx follows `live` by itself there is nothing to match, but for a switch with which it was to begin to.
  if [ -n "$BG_NG_FOLLOWS" ]; then
    { [ "$BG_NG_MODE" != instant ] && [ "$1" = "$BG_IN_TARGET" ]; } || { rm -f "$BG_ROOT/switch.intent" && return 0; }
  fi
  bg_nginx_lock || bg_fail "the lock on $BG_NG_FOLDER was not free within $BG_LOCK_TIMEOUT s" \
    'Another app on this host switches its traffic; run the deploy again.' lock-timeout
  if [ -n "$BG_NG_FOLLOWS" ]; then
    bg_workers || { bg_note failure 'nginx is not running' && return 1; }
    bg_reload "$BG_SERVING" || { bg_note failure "nginx did not reload: $BG_CAUSE" && return 1; }
    bg_note warning 'nginx had not loaded the files by which it follows `live` yet: reloaded'
    rm -f "$BG_ROOT/switch.intent"
    bg_nginx_unlock && return
  fi
  eval "_wanted=\$BG_NG_$(bg_upper "${1:-blue}") _unwanted=\$BG_NG_$(bg_upper "$(bg_other "${1:-blue}")")"
  # Before the point of no return the file becomes, byte for byte, what it was.
  if [ "$1" != "$BG_IN_TARGET" ]; then
    eval "_unwanted=\$BG_NG_$(bg_upper "$BG_IN_TARGET")"
    _wanted=$BG_IN_BEFORE
  fi
  if ! bg_region_there "$BG_NG_FILE" "$_wanted" && bg_region_there "$BG_NG_FILE" "$_unwanted"; then
    bg_nginx_write "$_unwanted" "$_wanted" || { bg_note failure "cannot write $BG_NG_FILE" && return 1; }
    bg_note warning "$BG_NG_FILE did not match the live slot (${1:-none}): put right"
    if ! _said=$(bg_nginx -t); then
      bg_nginx_write "$_wanted" "$_unwanted"
      bg_note failure "nginx refuses its configuration: $(printf '%s' "$_said" | tail -n 3 | tr '\n' ' ')"
      return 1
    fi
  fi
  bg_workers || { bg_note failure "nginx is not running" && return 1; }
  if ! bg_reload "$BG_SERVING"; then
    # A reload that is refused leaves the workers from before the switch, with the configuration from before: in line.
    bg_same_workers "$BG_IN_WORKERS" && [ "$1" != "$BG_IN_TARGET" ] || {
      bg_note failure "nginx did not reload: $BG_CAUSE"
      return 1
    }
  fi
  rm -f "$BG_ROOT/switch.intent"
  bg_nginx_unlock
}

# Do exactly these workers still serve?
bg_same_workers() {
  bg_workers && [ -n "$1" ] && [ "$(bg_sorted "$1")" = "$(bg_sorted "$BG_SERVING")" ]
}

# shellcheck disable=SC2086 # words
bg_sorted() { printf '%s\n' $1 | sort | tr '\n' ' '; }

bg_upper() { if [ "$1" = blue ]; then printf BLUE; else printf GREEN; fi; }

# bg_drained AT SECONDS: drains it, and warns of what is cut at the limit.
bg_drained() {
  bg_drain "$@" || bg_note warning "after $2 s there were still requests on $(bg_at_text "$1"); connections of $BG_LEFT_WHAT that are cut: $BG_LEFT (setting drain-timeout)"
}

# bg_drain AT SECONDS: waits until nothing is left of what was sent there before the switch. Fails at the limit: BG_LEFT
# says how many connections are left then, BG_LEFT_WHAT whose they are.
bg_drain() {
  bg_now
  _until=$((BG_NOW + $2 * 1000))
  # After a reload: old workers, which finish what they had. A request may be in one of them without a connection to the app yet.
  if ! bg_instant; then
    while bg_workers && [ -n "$BG_LEAVING" ]; do
      bg_now
      [ "$BG_NOW" -lt "$_until" ] || {
        BG_LEFT=$(bg_established "$1") BG_LEFT_WHAT="nginx's workers from before the switch ($(bg_words "$BG_LEAVING"))"
        return 1
      }
      bg_sleep 0.05
    done
    [ -n "$BG_NG_FOLLOWS" ] || return 0
  fi
  # nginx's pool is empty after a second: what is left then are requests.
  bg_worker_uid
  while BG_LEFT=$(bg_established "$1" "$BG_WORKER_UID") && [ "$BG_LEFT" != 0 ]; do
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || {
      BG_LEFT_WHAT=nginx
      return 1
    }
    bg_sleep 0.05
  done
}

bg_words() { printf '%s' "${1# }" | sed 's/ /, /g'; }

# The user as whom nginx's workers run, by his number.
bg_worker_uid() {
  BG_WORKER_UID=
  bg_workers || return 1
  for _kid in $BG_SERVING; do
    BG_WORKER_UID=$(stat -c %u "/proc/$_kid" 2>/dev/null) && return
  done
}
