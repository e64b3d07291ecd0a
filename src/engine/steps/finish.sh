# shellcheck shell=sh
# drain, stop, standby, prune: what happens to the old slot and the old releases once the traffic is elsewhere.

bg_step_drain() {
  bg_probed_mode
  bg_now
  _begun=$BG_NOW
  BG_LEFT_WHAT=
  bg_drained "$BG_OLD_AT" "$BG_DRAIN_TIMEOUT"
  bg_now
  [ -n "$BG_LEFT_WHAT" ] || bg_note notice "nothing is left of what $(bg_at_text "$BG_OLD_AT") had to answer, after $((BG_NOW - _begun)) ms"
  bg_quiet "$BG_OLD_AT" "$BG_AT" || bg_fail "requests still reach the old $(bg_at_text "$BG_OLD_AT")" \
    'The old slot was left running. Look for what leads there in the nginx configuration.' nginx-upstream
  bg_still_alive
}

# Its slot is needed by now. It may still answer what it had before the switch that made it the standby.
bg_step_stop_standby() {
  bg_slot_load "$BG_SLOT" || return 0
  bg_drained "$BG_SL_AT" "$BG_SL_DRAIN_TIMEOUT"
  # What serves after all is not stopped, but where nothing else could.
  if [ -n "$BG_PREVIOUS_SLOT" ] && (bg_slot_alive "$BG_PREVIOUS_SLOT"); then
    bg_quiet "$BG_SL_AT" "$BG_OLD_AT" || bg_fail "nginx still sends requests to the standby in the $BG_SLOT slot: it was not stopped" \
      "Look for what leads to $(bg_at_text "$BG_SL_AT") in the nginx configuration, and whether nginx has loaded it (nginx -s reload)." nginx-upstream
  fi
  BG_GUARD=$BG_PREVIOUS_SLOT BG_REVIVED=
  bg_slot_stop "$BG_SLOT" || bg_fail "the standby in the $BG_SLOT slot cannot be stopped" 'End what listens there by hand.' 'stop stop-timeout'
  bg_guard
  [ -z "$BG_REVIVED" ] || bg_note warning 'stopping the standby ended the live app too; it was started again: a pid file that both releases share leads the stop command to the wrong server (settings stop, shared)'
  bg_note notice "the standby (release $BG_SL_RELEASE) was stopped"
}

# It goes on running, and the next run knows that it may.
bg_step_standby() {
  bg_still_alive
  bg_slot_load "$BG_OLD_SLOT" && bg_slot_alive "$BG_OLD_SLOT" || { bg_note warning "the $BG_OLD_SLOT slot does not run any more: there is no standby" && return 0; }
  bg_write "$BG_SL_HOME/standby" "$BG_SL_RELEASE$BG_NL" || return 1
  bg_note notice "release $BG_SL_RELEASE goes on running as the standby, on $(bg_at_text "$BG_SL_AT")"
}

bg_step_stop() {
  bg_still_alive
  if ! bg_slot_load "$BG_OLD_SLOT"; then
    bg_listening "$BG_OLD_AT" && bg_note warning "$(bg_at_text "$BG_OLD_AT") is still used by $(bg_listener_text "$BG_OLD_AT"), which bluegreen did not start: stop it; the next deploy needs that port"
    return 0
  fi
  BG_GUARD=$BG_SLOT BG_REVIVED=
  bg_slot_stop "$BG_OLD_SLOT"
  _stopped=$?
  # point stop-done
  [ "$_stopped" != 0 ] || bg_note notice "the $BG_OLD_SLOT slot was stopped"
  # What a stop command told to end may take a moment to do so.
  if [ "$BG_SL_SUPERVISOR" = command ]; then
    for _look in 1 2 3 4 5; do bg_guard && bg_sleep 0.2; done
  fi
  bg_guard
  [ -n "$BG_REVIVED" ] || return "$_stopped"
  _how='it was started again'
  [ "$BG_REVIVED" = yes ] || _how='it was started again, and is not healthy: deploy again, or roll back'
  bg_fail "stopping the old slot ended the new one too; $_how" \
    'A pid file that both releases share leads the stop command to the wrong server: keep it inside the release.' 'stop shared'
}

# The plan names what may go: never what is live, nor what was live before.
bg_step_prune() {
  for _id in $BG_PRUNE; do
    ! bg_remove_release "$_id" || printf 'removed %s\n' "$_id"
    # point prune-removed
  done
  bg_measure
  [ ! -d "$BG_ROOT/repo.git" ] || git --git-dir="$BG_ROOT/repo.git" -c gc.autoDetach=false gc --auto --quiet 2>&1
}

# bg_remove_release ID: one that the plan names, and checked. What makes it complete goes first, so that half of it is unfinished to the next run.
bg_remove_release() {
  # shellcheck disable=SC2115
  if rm -f "$BG_ROOT/releases/$1/.release.json" && rm -rf "$BG_ROOT/releases/$1"; then
    git --git-dir="$BG_ROOT/repo.git" update-ref -d "refs/bluegreen/$1" 2>/dev/null || true
  else
    bg_note warning "$BG_ROOT/releases/$1 cannot be removed by the user $(id -un): files of another user are in it; remove it by hand"
    return 1
  fi
}

# What the live release takes on the disk, in KiB and inodes: the next survey asks whether there is room for one more.
bg_measure() {
  _size=$(du -ka "$BG_ROOT/releases/$BG_RELEASE" 2>/dev/null | awk 'END { print $1, NR }')
  bg_write "$BG_ROOT/release.size" "$_size$BG_NL" || bg_note warning "$BG_ROOT/release.size cannot be written: look at the free disk space"
}
