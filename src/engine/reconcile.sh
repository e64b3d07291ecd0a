# shellcheck shell=sh
# Bringing the host to what `live` says, whatever an earlier run left behind: the one mechanism that repairs.
# Runs at the start of each deploy and rollback, and at the end of one that failed or was cancelled.

bg_reconcile() {
  bg_end_dead_run
  bg_live || bg_fail "$BG_ROOT/live is not a link to slots/blue or slots/green" \
    "Look at it with: ls -l $BG_ROOT/live. Only bluegreen writes it; make it a link to the slot that has the traffic." root
  bg_nginx_match "$BG_LIVE" || bg_fail 'nginx cannot be brought in line with the live slot: nothing was stopped' \
    "Look at what nginx says above, mend its configuration, then run the deploy again." nginx-command
  bg_adopt
  bg_prove
  # What is live is no standby, whatever a run that died left.
  [ -z "$BG_LIVE" ] || rm -f "$BG_ROOT/slots/$BG_LIVE/standby"
  bg_stop_idle
  bg_remove_incomplete
  bg_end_dead_ledger
}

# A run that died may have left a step that still writes: it ends before anything is looked at.
bg_end_dead_run() {
  for _step in "$BG_ROOT"/run/step.*; do
    [ -f "$_step" ] && [ "$_step" != "$BG_ROOT/run/step.$$" ] || continue
    if bg_group "$_step"; then
      bg_end_group "$BG_GROUP" 2
      bg_note warning 'a step of an earlier run that died was still running: ended'
    fi
    rm -f "$_step"
  done
}

# If the live slot is dead and the other one is healthy, the other one becomes live.
bg_adopt() {
  [ -n "$BG_LIVE" ] || return 0
  ! bg_slot_alive "$BG_LIVE" || return 0
  _other=$(bg_other "$BG_LIVE")
  bg_slot_alive "$_other" && bg_healthy || return 0
  bg_note warning "the live slot ($BG_LIVE) is dead and $_other is healthy: $_other becomes live"
  bg_make_live "$_other"
}

# bg_make_live SLOT: the traffic to a slot that runs already. The intent comes first, so that a death in between is mended.
bg_make_live() {
  # shellcheck source=/dev/null
  . "$BG_ROOT/nginx.state"
  if [ -n "$BG_NG_FOLLOWS" ]; then
    bg_set_live "$1" && BG_LIVE=$1
    bg_followed "$1" || bg_fail "nginx does not follow $BG_ROOT/live to $1" 'Look at nginx and its error log, then reload it.' nginx-command "$BG_PROBE_SAID"
    return
  fi
  # Before `live` says so, nobody else may be at nginx: what is reported is what serves.
  bg_nginx_lock || bg_fail "the lock on $BG_NG_FOLDER was not free within $BG_LOCK_TIMEOUT s" \
    'Another app on this host switches its traffic; run the deploy again.' lock-timeout
  bg_workers
  BG_IN_TARGET=$1 BG_IN_WORKERS=$BG_SERVING
  eval "BG_IN_BEFORE=\$BG_NG_$(bg_upper "$(bg_other "$1")")"
  bg_save "$BG_ROOT/switch.intent" BG_IN_TARGET BG_IN_BEFORE BG_IN_WORKERS
  bg_set_live "$1" && bg_nginx_match "$1" ||
    bg_fail "nginx cannot be brought in line with the slot $1" 'Mend the nginx configuration, then run the deploy again.' nginx-command
  BG_LIVE=$1
}

# A run that died after the switch, before it was proved that the new slot answers: it is proved now, or the old slot,
# which still runs, gets the traffic back.
bg_prove() {
  _unproved=
  { read -r _unproved <"$BG_ROOT/run/unproved"; } 2>/dev/null
  [ -n "$_unproved" ] && [ "$_unproved" = "$BG_LIVE" ] && [ -f "$BG_ROOT/nginx.state" ] || return 0
  # shellcheck source=/dev/null
  . "$BG_ROOT/nginx.state"
  _other=$(bg_other "$BG_LIVE")
  bg_slot_load "$_other" && BG_OLD_AT=$BG_SL_AT || BG_OLD_AT=0
  bg_slot_load "$BG_LIVE"
  BG_AT=$BG_SL_AT BG_VERIFIED=$BG_LIVE
  if ! bg_verify; then
    if bg_slot_alive "$_other" && bg_healthy; then
      bg_note warning "the live slot ($BG_LIVE) does not answer well through nginx, and was never proved: $_other, which was live before, gets the traffic back"
      bg_make_live "$_other"
    fi
  fi
  rm -f "$BG_ROOT/run/unproved"
}

# What is not live is stopped, but only when nginx brings nothing to it any more.
bg_stop_idle() {
  for _slot in blue green; do
    [ "$_slot" != "$BG_LIVE" ] && ! bg_standby "$_slot" && bg_slot_alive "$_slot" || continue
    # Only a person takes the link away once something was live: which slot serves is not guessed at.
    [ -n "$BG_LIVE" ] || ! grep -q '"liveRelease":"[^"]' "$BG_ROOT/ledger.ndjson" 2>/dev/null ||
      bg_fail "$BG_ROOT/live is missing, and the $_slot slot runs: nothing was stopped" \
        "Make it a link to the slot that has the traffic again, such as: ln -s slots/$_slot $BG_ROOT/live" root
    if [ -n "$BG_LIVE" ] && [ -f "$BG_ROOT/nginx.state" ]; then
      # shellcheck source=/dev/null
      . "$BG_ROOT/nginx.state"
      bg_workers || bg_fail 'nginx is not running: nothing was stopped' 'Start nginx, then run the deploy again.' nginx-command
      bg_drained "$BG_SL_AT" "$BG_SL_DRAIN_TIMEOUT"
      bg_quiet "$BG_SL_AT" 0 || bg_fail "nginx still sends requests to the $_slot slot, which is not live: it was not stopped" \
        "Look for what leads to $(bg_at_text "$BG_SL_AT") in the nginx configuration." nginx-upstream
    fi
    bg_note notice "the $_slot slot ran without being live: stopped"
    # Its stop command must not end the live one.
    BG_GUARD=$BG_LIVE BG_REVIVED=
    bg_slot_stop "$_slot" || bg_fail "the $_slot slot cannot be stopped" 'End what listens on its port by hand.' 'stop stop-timeout'
    bg_guard
    [ -z "$BG_REVIVED" ] || bg_note warning "the stop command ended the live slot too; it was started again: a pid file that both releases share leads it to the wrong server (settings stop, shared)"
    BG_GUARD=
  done
}

bg_remove_incomplete() {
  _keep=$(bg_release_of "$BG_LIVE")
  for _dir in "$BG_ROOT"/releases/*/; do
    _dir=${_dir%/}
    [ -d "$_dir" ] && [ ! -L "$_dir" ] || continue
    # One of another release was brought by the repository: a run that died has not replaced it.
    _about=
    [ ! -f "$_dir/.release.json" ] || { read -r _about <"$_dir/.release.json"; } 2>/dev/null
    # One that is there and cannot be read tells nothing.
    [ -n "$_about" ] || [ ! -s "$_dir/.release.json" ] || continue
    case $_about in *'"id":"'"${_dir##*/}"'"'*) continue ;; *) ;; esac
    # What is live stays, whoever took that file away.
    [ "${_dir##*/}" != "$_keep" ] || continue
    rm -rf "$_dir" && bg_note notice "the unfinished release ${_dir##*/} was removed"
  done
  rm -f "$BG_ROOT"/*.new "$BG_ROOT"/run/*.new "$BG_ROOT"/slots/*/*.new
  # The pipes of agents that were killed.
  for _dir in "$BG_ROOT"/run/pipes.*; do
    kill -0 "${_dir##*.}" 2>/dev/null || rm -rf "$_dir"
  done
}

# The ledger's line of a run that died before it could write one.
bg_end_dead_ledger() {
  [ -s "$BG_ROOT/run/current" ] && [ -n "$BG_AT_START" ] || return 0
  _begun=$(cat "$BG_ROOT/run/current")
  case $_begun in
    *'"run":"'*'","command":'*'"started":"'*'"')
      # One that died between its line and its end has it.
      _key='","command":'
      grep -qF "${_begun%%"$_key"*}$_key" "$BG_ROOT/ledger.ndjson" 2>/dev/null ||
        bg_ledger_end "$_begun" died '' ||
        bg_fail "the ledger $BG_ROOT/ledger.ndjson cannot be written" 'Look at the free disk space, and at who owns the folder.' 'root keep-releases'
      ;;
    *) ;;
  esac
  rm -f "$BG_ROOT/run/current"
  bg_note warning 'an earlier run died before its end; the host is as `live` says again'
}
