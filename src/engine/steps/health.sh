# shellcheck shell=sh
# health: asks the idle slot's port on the host itself until it was healthy several times in a row.

bg_step_health() {
  bg_slot_load "$BG_SLOT"
  bg_now
  _begun=$BG_NOW _passes=0 BG_STATUS=000
  while :; do
    # First who is there, then what it says: an answer of a stranger is none.
    [ "$BG_SL_SUPERVISOR" = command ] || bg_group "$BG_SL_HOME/pid" || bg_unhealthy 'the app ended'
    # Whether anybody listens is the cheaper question.
    if bg_listening "$BG_SL_AT" && bg_healthy; then
      _passes=$((_passes + 1))
      [ "$_passes" -lt "$BG_HEALTH_PASSES" ] || break
    else
      _passes=0
    fi
    bg_now
    [ $((BG_NOW - _begun)) -lt $((BG_HEALTH_TIMEOUT * 1000)) ] || bg_unhealthy "not healthy within $BG_HEALTH_TIMEOUT s"
    # Often while it starts, less often when it takes its time.
    if [ $((BG_NOW - _begun)) -lt 2000 ]; then bg_sleep 0.02; else bg_sleep 0.2; fi
  done
  bg_slot_alive "$BG_SLOT" || bg_unhealthy 'the app ended'
  bg_open_socket
  rm -f "$BG_SL_HOME/starting"
  bg_now
  bg_note notice "$BG_STATUS from $BG_SL_LISTEN $BG_SL_AT$BG_SL_HEALTH_PATH, $_passes in a row, after $((BG_NOW - _begun)) ms"
}

bg_unhealthy() {
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 60)")"
  _next='Read the log of the app below.'
  [ "$1" = 'the app ended' ] || bg_listening "$BG_SL_AT" || _next="$(bg_nobody_listens) $_next"
  case $(bg_slot_log "$BG_SLOT" 5) in
    *': not found'* | *': command not found'*)
      bg_command_text "$BG_SLOT" "$BG_SL_PORT" "$BG_SL_RELEASE" "$BG_SL_SHA" "$BG_SL_PATH" "$(cat "$BG_SL_HOME/env")" "$BG_SL_LISTEN"
      _next="$_next A command was not found. $(bg_path_text "$BG_SL_SHELL")"
      ;;
  esac
  bg_fail "$1: $(bg_health_url) wants $BG_HEALTH_WANTED ($BG_HEALTH_PASSES in a row)" \
    "$_next" 'health-path health-status health-host health-timeout health-passes' "Last answer: $(bg_health_question bg_answer)"
}

bg_nobody_listens() {
  if [ "$BG_SL_LISTEN" = socket ]; then
    printf 'Nothing listens on the socket %s: the app has to listen on the path that stands in the variable SOCKET.' "$BG_SL_AT"
  else
    printf 'Nothing listens on port %s: the app has to listen on the port that stands in the variable PORT (or in a port file).' "$BG_SL_PORT"
  fi
}
