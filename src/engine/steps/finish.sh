# shellcheck shell=sh
# drain, stop, prune: what happens to the old slot and the old releases once the traffic is elsewhere.

bg_step_drain() {
  bg_now
  _begun=$BG_NOW
  if bg_drain "$BG_DRAIN_TIMEOUT"; then
    bg_now
    bg_note notice "the old nginx workers ended after $((BG_NOW - _begun)) ms"
  else
    bg_note warning "after $BG_DRAIN_TIMEOUT s$BG_LEAVING (nginx workers from before the switch) still had requests; $(bg_established "$BG_OLD_PORT") connections to port $BG_OLD_PORT are cut (setting drain-timeout)"
  fi
  bg_quiet "$BG_OLD_PORT" "$BG_PORT" || bg_fail "requests still reach the old port $BG_OLD_PORT" \
    'The old slot was left running. Look for that port in the nginx configuration.' nginx-upstream
}

bg_step_stop() {
  if ! bg_slot_load "$BG_OLD_SLOT"; then
    bg_listening "$BG_OLD_PORT" && bg_note warning "port $BG_OLD_PORT is still used by $(bg_listener_text "$BG_OLD_PORT"), which bluegreen did not start: stop it; the next deploy needs that port"
    return 0
  fi
  BG_GUARD=$BG_SLOT BG_REVIVED=
  bg_slot_stop "$BG_OLD_SLOT"
  _stopped=$?
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
    # shellcheck disable=SC2115 # the id comes from the plan and was checked there
    if rm -rf "$BG_ROOT/releases/$_id"; then
      git --git-dir="$BG_ROOT/repo.git" update-ref -d "refs/bluegreen/$_id" 2>/dev/null
      printf 'removed %s\n' "$_id"
    else
      bg_note warning "$BG_ROOT/releases/$_id cannot be removed by the user $(id -un): files of another user are in it; remove it by hand"
    fi
  done
  [ ! -d "$BG_ROOT/repo.git" ] || git --git-dir="$BG_ROOT/repo.git" -c gc.autoDetach=false gc --auto --quiet 2>&1
}
