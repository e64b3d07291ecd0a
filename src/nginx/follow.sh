# shellcheck shell=sh
# nginx that follows the link `live` by itself: what it does is asked, at a place that tells nothing else.

# bg_probe: asks each server block that leads to the app, and sets BG_PROBED: the slot that all of them use; `other` when
# they run other files than those on disk, or not the same; '' when one does not answer so. BG_PROBE_ANSWERS holds the answers, a line each,
# and BG_PROBE_SAID, for people, one of them that was not as it should be.
bg_probe() {
  BG_PROBED=none BG_PROBE_SAID='' BG_PROBE_ANSWERS=''
  _ifs=$IFS IFS=$BG_NL
  set -f
  # shellcheck disable=SC2086 # one a line
  set -- $BG_NG_PROBES
  set +f
  IFS=$_ifs
  for _line; do
    bg_probe_one "$_line"
    BG_PROBE_ANSWERS="$BG_PROBE_ANSWERS$BG_PROBE_ANSWER$BG_NL"
    case $BG_PROBE_ANSWER in
      "$BG_NG_PROBE_BLUE") _slot=blue ;;
      "$BG_NG_PROBE_GREEN") _slot=green ;;
      "${BG_NG_PROBE_BLUE%% *} "*) _slot=other ;;
      *) _slot= ;;
    esac
    case $BG_PROBED in
      none) BG_PROBED=$_slot ;;
      '' | "$_slot") continue ;;
      *) BG_PROBED=${_slot:+other} ;;
    esac
    BG_PROBE_SAID="$_url answers \"$(printf '%s' "$BG_PROBE_ANSWER" | head -c 80 | tr '\n' ' ')\""
  done
}

# bg_probe_one LINE: url, where to connect, whether with the PROXY protocol; with tabs between them.
bg_probe_one() {
  _tab=$(printf '\t')
  _probe_url=${1%%"$_tab"*} _rest=${1#*"$_tab"} BG_PROBE_ANSWER='' _url=$_probe_url
  case $_probe_url in http://* | https://*) ;; *) return 0 ;; esac
  set -- "$_probe_url" 2 --connect-to "::${_rest%"$_tab"*}" "${_rest#*"$_tab"}"
  if [ -n "$5" ]; then set -- "$1" "$2" "$3" "$4" --haproxy-protocol; else set -- "$1" "$2" "$3" "$4"; fi
  BG_PROBE_ANSWER=$(bg_body "$@")
  _url=$_probe_url
}

# Before anything is done: does the running nginx follow `live`? What is on disk may not have been loaded yet.
bg_step_probe() {
  bg_workers || bg_fail 'nginx is not running' 'Start it; the deploy changed nothing.' nginx-command
  bg_live
  bg_refuse_unsearchable
  _mode=$BG_NG_MODE
  if [ -z "$BG_NG_PROBES" ]; then
    bg_note notice "switch: $_mode; nginx finds the socket by the link live at each connection"
  elif bg_probe_well; [ "$BG_PROBED" = "${BG_LIVE:-blue}" ]; then
    bg_note notice "switch: $_mode; nginx follows $BG_ROOT/live, which leads to ${BG_LIVE:-nothing yet}"
  elif [ "$BG_PROBED" = blue ] || [ "$BG_PROBED" = green ]; then
    bg_fail "nginx does not follow $BG_ROOT/live: that leads to ${BG_LIVE:-nothing}, and nginx uses $BG_PROBED" \
      'Something keeps nginx from seeing the link: an open_file_cache or disable_symlinks beside the include, or a folder that its user may not search. See docs/host-setup.md.' 'root switch' "$BG_PROBE_SAID"
  elif [ -n "$BG_MUST_FOLLOW" ]; then
    bg_fail 'the running nginx does not do what its files say: they were changed after it last loaded them' \
      'Reload nginx (nginx -t && nginx -s reload), or leave out the setting switch: then this deploy reloads it.' switch "$BG_PROBE_SAID"
  else
    _said=$(bg_nginx -t) || bg_not_tested 'its configuration' 'nothing was changed' "$_said"
    _mode=reload
    bg_note notice 'switch: reload; the running nginx has not loaded its files yet, and does with this switch. From then on it is instant'
  fi
  printf '%s\n' "$_mode" >"$BG_ROOT/run/mode"
}

# A busy host may miss an answer. One that is not ours is believed when it comes again.
bg_probe_well() {
  for _round in 1 2 3; do
    bg_probe
    [ -z "$BG_PROBED" ] || return 0
    [ "$_round" = 3 ] || bg_sleep 0.2
  done
}

# What the probe found, for the steps after it: each is a process of its own.
bg_probed_mode() { [ -z "$BG_NG_FOLLOWS" ] || { read -r BG_NG_MODE <"$BG_ROOT/run/mode"; } 2>/dev/null; }

# bg_follow_to SLOT BEFORE: THE switch where nginx follows `live`: one rename. If nginx does not follow within a second, it goes back.
bg_follow_to() {
  bg_workers || bg_fail 'nginx is not running' 'Start it; the deploy changed nothing.' nginx-command
  _reload=
  [ "$BG_NG_MODE" = instant ] || _reload=1
  if [ -n "$_reload" ]; then
    _said=$(bg_nginx -t) || bg_not_tested 'its configuration' 'nothing was switched' "$_said"
    # nginx is to load its files with this switch: a run that dies in between leaves that to the next one.
    BG_IN_TARGET=$1 BG_IN_BEFORE='' BG_IN_WORKERS=$BG_SERVING
    bg_save "$BG_ROOT/switch.intent" BG_IN_TARGET BG_IN_BEFORE BG_IN_WORKERS || bg_unwritten switch.intent
  fi
  BG_SWITCH_TIME=
  bg_set_live_timed "$1" || bg_fail "the link $BG_ROOT/live cannot be replaced: nothing was switched" \
    'Look at the free disk space, and at who owns the folder.' root
  # point switch-live
  if [ -n "$_reload" ] && ! bg_reload "$BG_IN_WORKERS"; then
    _cause=$BG_CAUSE _why=$BG_SAID
    bg_set_live "$2" || bg_live_stuck
    bg_same_workers "$BG_IN_WORKERS" && rm -f "$BG_ROOT/switch.intent"
    bg_fail "nginx did not reload: $_cause. live was put back" "See nginx's error log, $BG_NG_ERROR_LOG." 'switch-timeout nginx-command' "$_why"
  fi
  rm -f "$BG_ROOT/switch.intent"
  bg_followed "$1" || {
    _why=$BG_PROBE_SAID
    bg_set_live "$2" || bg_live_stuck
    bg_refuse_unsearchable
    bg_fail "nginx did not follow $BG_ROOT/live within a second: it was put back" \
      'Something keeps nginx from seeing the link: an open_file_cache or disable_symlinks beside the include, or another configuration that was loaded since. See docs/host-setup.md.' 'root switch' "$_why"
  }
}

bg_followed() {
  [ -n "$BG_NG_PROBES" ] || return 0
  bg_now
  _until=$((BG_NOW + 1000))
  while bg_probe; [ "$BG_PROBED" != "$1" ]; do
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || return 1
    bg_sleep 0.02
  done
}

# The rename alone, and how long it took in microseconds, where the system's date tells that.
bg_set_live_timed() {
  ln -sfn "slots/$1" "$BG_ROOT/live.new" || return 1
  # point switch-link
  _from=$(date +%s%N)
  mv -fT "$BG_ROOT/live.new" "$BG_ROOT/live" || return 1
  _to=$(date +%s%N)
  case $_from$_to in *[!0-9]*) ;; *) BG_SWITCH_TIME=$(((_to - _from) / 1000)) ;; esac
}

# Ends the step when nginx's workers cannot see what is in the slots. Only the usual rights are read here; the probe sees the rest.
bg_refuse_unsearchable() {
  bg_unsearchable "$BG_ROOT/slots/blue" "${BG_SERVING##* }" || return 0
  bg_fail "nginx's user $(stat -c %U "/proc/${BG_SERVING##* }") may not search $BG_BLOCKED, so that nginx cannot follow $BG_ROOT/live" \
    "As root, on the host: chmod o+x $BG_BLOCKED (or choose a root that everybody may look into, such as /srv/$BG_APP)." root
}
