# shellcheck shell=sh
# switch, verify, switch-back: the traffic to the new slot, proof that it is there, and the way back.

bg_step_switch() {
  bg_probed_mode
  # shellcheck disable=SC2086 # names
  bg_save "$BG_ROOT/nginx.state" $BG_NG_NAMES || bg_unwritten nginx.state
  bg_still_healthy
  # What a visitor gets before the switch: what failed before it too is not the new release's fault.
  bg_ask_watching "$BG_OLD_AT" "$BG_AT"
  BG_BASE_STATUS=$BG_STATUS BG_BASE_REACHED=$BG_REACHED
  BG_BASE_KNOWN=$BG_NOW_KNOWN
  # What an earlier deploy wrote there would mislead.
  bg_save "$BG_ROOT/run/before" BG_BASE_STATUS BG_BASE_REACHED BG_BASE_KNOWN || rm -f "$BG_ROOT/run/before"
  if ! bg_instant; then
    bg_nginx_lock || bg_fail "the lock on $BG_NG_FOLDER was not free within $BG_LOCK_TIMEOUT s" \
      'Another app on this host switches its traffic; run the deploy again.' lock-timeout
  fi
  # Until verify has seen who answers.
  bg_write "$BG_ROOT/run/unproved" "$BG_SLOT$BG_NL" || bg_unwritten run
  # point switch-unproved
  [ -z "$BG_BAKE_LOGS" ] || bg_bake_mark
  bg_switch_to "$BG_SLOT" "$BG_NG_REGION" "$BG_PREVIOUS_SLOT"
  bg_nginx_unlock
  if [ -n "$BG_NG_FOLLOWS" ]; then
    bg_note notice "live -> slots/$BG_SLOT${BG_SWITCH_TIME:+ in $((BG_SWITCH_TIME / 1000)).$(bg_three $((BG_SWITCH_TIME % 1000))) ms}${BG_NG_PROBES:+; nginx follows}"
  else
    bg_note notice "$BG_NG_FILE: port $BG_PORT serves; new nginx workers:$BG_SERVING"
  fi
}

bg_three() { printf '%03d' "$1"; }

# A slot gets the traffic only after its app was healthy, and a moment ago is not now: before-switch may have run since, or a standby waited for days.
bg_still_healthy() {
  bg_slot_load "$BG_SLOT"
  # One slow answer says nothing.
  for _look in 1 2 3; do
    BG_STATUS=000
    bg_there_still && bg_healthy && return
    [ "$_look" = 3 ] || bg_sleep 0.3
  done
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 40)")"
  _next='Read the log of the app below.'
  [ -z "$BG_STANDBY_READY" ] || _next='Run the rollback again: it starts the release anew.'
  bg_fail "the app in the $BG_SLOT slot is not healthy any more: status $BG_STATUS from $(bg_health_url). Nothing was switched" "$_next" 'start health-path'
}

# Does the new slot's app run? That of a `command` may be restarting itself: its port tells only after some looks.
bg_there_still() {
  for _try in 1 2 3 4 5 6 7 8 9 10; do
    ! bg_slot_alive "$BG_SLOT" || return 0
    [ "$BG_SL_SUPERVISOR" = command ] || return 1
    bg_sleep 0.3
  done
  return 1
}

# bg_still_alive: the old slot is needed as long as nobody else answers. 75 is the status by which the agent switches back, whatever the step.
bg_still_alive() {
  ! (bg_there_still) || return 0
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 40)")"
  bg_problem "the app in the $BG_SLOT slot ended after the switch: the old one was not stopped" 'Read the log of the app below.' start
  exit 75
}

# bg_switch_to SLOT REGION BEFORE: REGION is what stands in the file now, BEFORE the slot that is live now.
bg_switch_to() {
  [ -z "$BG_NG_FOLLOWS" ] || { bg_follow_to "$1" "$3" && return; }
  eval "_new=\$BG_NG_$(bg_upper "$1")"
  _file_says="nginx's file $BG_NG_FILE"
  [ -z "$BG_NG_SUM" ] || [ "$BG_NG_SUM" = "$(bg_masked_sum "$BG_NG_FILE")" ] || bg_file_changed
  bg_workers || bg_fail 'nginx is not running' 'Start it; the deploy changed nothing.' nginx-command
  BG_IN_TARGET=$1 BG_IN_BEFORE=$2 BG_IN_WORKERS=$BG_SERVING
  bg_save "$BG_ROOT/switch.intent" BG_IN_TARGET BG_IN_BEFORE BG_IN_WORKERS || bg_unwritten switch.intent
  # point switch-intent
  bg_nginx_write "$2" "$_new" || {
    _status=$?
    rm -f "$BG_ROOT/switch.intent"
    # 3 and 4: the lines of the survey are not there, or not once.
    case $_status in
      3 | 4) bg_file_changed ;;
      5) bg_fail "$_file_says holds bytes that the awk of this host does not keep: it was not changed" 'Remove the NUL bytes from its comments.' nginx-upstream ;;
      *) ;;
    esac
    bg_fail "$_file_says cannot be written" "The user needs to write that file and its folder." 'nginx-upstream user'
  }
  # point switch-file
  if ! _said=$(bg_nginx -t); then
    bg_nginx_write "$_new" "$2" && rm -f "$BG_ROOT/switch.intent"
    bg_not_tested 'the configuration with the new port' 'it was put back' "$_said"
  fi
  # point switch-tested
  bg_set_live "$1" || {
    bg_nginx_write "$_new" "$2" && rm -f "$BG_ROOT/switch.intent"
    bg_fail "the link $BG_ROOT/live cannot be replaced: nginx's file was put back, nothing was switched" \
      'Look at the free disk space, and at who owns the folder.' root
  }
  # point switch-live
  if ! bg_reload "$BG_IN_WORKERS"; then
    _cause=$BG_CAUSE _why=$BG_SAID
    bg_set_live "$3" || bg_live_stuck
    bg_nginx_write "$_new" "$2"
    # What it refused it may yet have taken in: only workers from before prove that the old configuration runs.
    BG_NG_TIMEOUT=3 bg_reload "$BG_IN_WORKERS" || bg_same_workers "$BG_IN_WORKERS" ||
      bg_fail "nginx did not reload, and it is not certain which configuration runs: $_cause" 'Look at nginx and its error log.' nginx-command "$_why"
    rm -f "$BG_ROOT/switch.intent"
    bg_fail "nginx did not take the new configuration: $_cause. It was put back" \
      'Nothing has changed for visitors. Mend what nginx says below, then deploy again.' 'switch-timeout nginx-command' "$_why"
  fi
  # point switch-reloaded
  rm -f "$BG_ROOT/switch.intent"
  # point switch-done
}

bg_unwritten() {
  bg_fail "$BG_ROOT/$1 cannot be written: nothing was switched" 'Look at the free disk space, and at who owns the folder.' root
}

# The intent stays: the next run makes nginx match what `live` says.
bg_live_stuck() {
  bg_fail "the link $BG_ROOT/live cannot be put back" 'Look at the free disk space, and at who owns the folder; the next run goes on from there.' root
}

bg_file_changed() {
  bg_fail "$_file_says was changed between survey and switch: it was not overwritten" \
    'Somebody or something else edits it. Look at the change, then run the deploy again.' nginx-upstream
}

# Proved is: connections come to the new slot while we ask, none to the old one. A 200 alone says nothing.
bg_step_verify() {
  BG_VERIFIED=$BG_SLOT
  bg_verify || bg_not_verified
  # What is live is no standby any more.
  rm -f "$BG_ROOT/run/unproved" "$BG_ROOT/slots/$BG_SLOT/standby"
}

bg_at_text() {
  case $1 in /*) printf 'socket %s' "$1" ;; *) printf 'port %s' "$1" ;; esac
}

# bg_verify: asks about the slot BG_VERIFIED until it is proved that BG_AT answers and BG_OLD_AT does not, up to switch-timeout.
bg_verify() {
  BG_BASE_STATUS=000 BG_BASE_REACHED=0 BG_BASE_KNOWN=
  # shellcheck source=/dev/null
  [ ! -f "$BG_ROOT/run/before" ] || . "$BG_ROOT/run/before"
  bg_now
  _until=$((BG_NOW + BG_NG_TIMEOUT * 1000)) BG_EVER_STRAYED=0
  while :; do
    bg_ask_watching "$BG_AT" "$BG_OLD_AT"
    [ "$BG_STRAYED" = 0 ] || BG_EVER_STRAYED=$BG_STRAYED
    if [ "$BG_REACHED" = 0 ]; then
      # A connection that nginx keeps to the app since the switch proves as much as a new one.
      _strayed=$BG_STRAYED
      bg_count_new "$BG_BASE_KNOWN" "$BG_AT" "$BG_OLD_AT" "$BG_SEEN"
      BG_STRAYED=$_strayed
    fi
    if [ "$BG_STRAYED" = 0 ]; then
      if bg_wanted "$BG_STATUS" "$BG_SL_HEALTH_STATUS"; then
        [ "$BG_REACHED" = 0 ] || { bg_note notice "$BG_STATUS from $BG_NG_URL, answered by $(bg_at_text "$BG_AT")" && return 0; }
      elif [ "$BG_BASE_STATUS" = "$BG_STATUS" ] && [ "$BG_STATUS" != 000 ] && [ "$BG_STATUS" -lt 500 ]; then
        # It failed in the same way before: a redirect, a password. If the app was reached then, it has to be now.
        if [ "$BG_REACHED" != 0 ]; then
          bg_note warning "$BG_STATUS from $BG_NG_URL, as before the switch, answered by $(bg_at_text "$BG_AT")" && return 0
        elif [ "$BG_BASE_REACHED" = 0 ]; then
          bg_note warning "$BG_STATUS from $BG_NG_URL, as before the switch, and it does not reach the app: give a URL that does (setting verify-url)" && return 0
        fi
      fi
    fi
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || return 1
    # The process of one that we keep ourselves does not come back.
    [ "$BG_SL_SUPERVISOR" = command ] || (bg_slot_alive "$BG_VERIFIED") || return 1
    bg_sleep 0.1
  done
}

bg_not_verified() {
  # The last look alone may have missed what all the others saw.
  [ "$BG_REACHED" != 0 ] || BG_STRAYED=$BG_EVER_STRAYED
  # A socket's files cannot be asked whether they are in force.
  _loaded=
  [ -z "$BG_NG_FOLLOWS" ] || [ -n "$BG_NG_PROBES" ] || _loaded=' If its files were changed by hand, nginx may not have loaded them: as root, nginx -t && nginx -s reload.'
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 40)")"
  if [ "$BG_STRAYED" != 0 ] && ! bg_slot_alive "$BG_SLOT"; then
    bg_fail "the app ended after the switch; its requests reach the old slot ($(bg_at_text "$BG_OLD_AT"))" \
      'Read the log of the app below.' start
  elif [ "$BG_STRAYED" != 0 ]; then
    bg_fail "after the switch, requests still reach the old $(bg_at_text "$BG_OLD_AT")" \
      "The old slot goes on serving. Something besides the upstream leads there: look for it in the nginx configuration.$_loaded" 'nginx-upstream verify-url'
  elif ! bg_slot_alive "$BG_SLOT"; then
    bg_fail 'the app ended after the switch' 'Read the log of the app below.' start
  elif [ "$BG_REACHED" = 0 ]; then
    bg_fail "$BG_NG_URL did not lead to $(bg_at_text "$BG_AT"): status $BG_STATUS, and no connection there" \
      "Is it the URL of this app? Set verify-url to one that reaches it.$_loaded" 'verify-url nginx-upstream' "Last answer: $(bg_nginx_question bg_answer)"
  fi
  bg_fail "$BG_NG_URL answers $BG_STATUS (before the switch: $BG_BASE_STATUS); wanted: $BG_HEALTH_WANTED" \
    'Read the answer and the log of the app below; set verify-url if another URL tells better.' 'verify-url health-status' \
    "Last answer: $(bg_nginx_question bg_answer)"
}

bg_switch_back() {
  # A dead app is nothing to go back to: what answers badly is more than what does not answer.
  [ -z "$BG_PREVIOUS_SLOT" ] || bg_slot_alive "$BG_PREVIOUS_SLOT" || bg_fail "the $BG_PREVIOUS_SLOT slot has ended meanwhile: not switched back" \
    'The new release stays live. Mend it and deploy again, or roll back.' ''
  bg_probed_mode
  BG_NG_SUM=
  if [ -n "$BG_NG_FOLLOWS" ]; then
    bg_follow_back
  else
    bg_nginx_lock || bg_fail "the lock on $BG_NG_FOLDER was not free" 'Run the deploy again.' lock-timeout
    bg_region_back
  fi
  rm -f "$BG_ROOT/run/unproved"
  bg_note warning "switched back: ${BG_PREVIOUS_SLOT:-no slot} has the traffic again"
}

# The running nginx has its files by now: only the link goes back.
bg_follow_back() {
  BG_NG_MODE=instant
  bg_set_live "$BG_PREVIOUS_SLOT" || bg_live_stuck
  bg_followed "${BG_PREVIOUS_SLOT:-blue}" ||
    bg_fail "nginx does not follow $BG_ROOT/live back to ${BG_PREVIOUS_SLOT:-nothing}" 'Look at nginx and its error log, then reload it.' switch "$BG_PROBE_SAID"
}

bg_region_back() {
  eval "_now=\$BG_NG_$(bg_upper "$BG_SLOT")"
  if [ -n "$BG_PREVIOUS_SLOT" ]; then
    bg_switch_to "$BG_PREVIOUS_SLOT" "$_now" "$BG_SLOT"
  else
    # There was no live slot before: the file gets back what it had.
    eval "BG_NG_$(bg_upper "$(bg_other "$BG_SLOT")")=\$BG_NG_REGION"
    bg_switch_to "$(bg_other "$BG_SLOT")" "$_now" "$BG_SLOT"
    bg_set_live ''
  fi
}
