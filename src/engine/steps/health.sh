# shellcheck shell=sh
# health: asks the idle slot's port on the host itself until it was healthy several times in a row.

bg_step_health() {
  bg_slot_load "$BG_SLOT"
  bg_now
  _begun=$BG_NOW _passes=0 BG_STATUS=000 BG_ANSWER='no answer yet'
  while :; do
    # First who is there, then what it says: an answer of a stranger is none.
    bg_slot_alive "$BG_SLOT" || [ "$BG_SL_SUPERVISOR" = command ] || bg_unhealthy 'the app ended'
    if bg_healthy; then
      _passes=$((_passes + 1))
      [ "$_passes" -lt "$BG_HEALTH_PASSES" ] || break
    else
      _passes=0
    fi
    bg_now
    [ $((BG_NOW - _begun)) -lt $((BG_HEALTH_TIMEOUT * 1000)) ] || bg_unhealthy "not healthy within $BG_HEALTH_TIMEOUT s"
    bg_sleep 0.1
  done
  bg_slot_alive "$BG_SLOT" || bg_unhealthy 'the app ended'
  bg_now
  bg_note notice "$BG_STATUS from port $BG_SL_PORT$BG_SL_HEALTH_PATH, $_passes in a row, after $((BG_NOW - _begun)) ms"
}

bg_unhealthy() {
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 60)")"
  _last="status $BG_STATUS, $(printf '%s' "$BG_ANSWER" | tail -c 500)"
  [ "$BG_STATUS" != 000 ] || _last=$(printf '%s' "$BG_ANSWER" | tail -n 1)
  _next='Read the log of the app below.'
  bg_listening "$BG_SL_PORT" || _next="Nothing listens on port $BG_SL_PORT: the app has to listen on the port that stands in the variable PORT (or in a port file). $_next"
  bg_fail "$1: http://$BG_SL_ADDRESS:$BG_SL_PORT$BG_SL_HEALTH_PATH wants $BG_HEALTH_WANTED ($BG_HEALTH_PASSES in a row)" \
    "$_next" 'health-path health-status health-host health-timeout health-passes' "Last answer: $_last"
}
