# shellcheck shell=sh
# Running a step: a process in a session of its own, written down, up to its limit.

bg_step_begin() {
  BG_STEP=$1
  bg_now
  BG_STEP_BEGUN=$BG_NOW
  bg_event step-start "$1"
}

# bg_step_end NAME STATUS: tells how it ended, and keeps it for the ledger.
bg_step_end() {
  bg_now
  BG_STEP_STATUS=$2
  _how=ok
  # From the switch on an abort ends nothing: what fails then has failed by itself.
  if [ "$2" != 0 ]; then
    case $BG_ON_FAILURE in warn) _how=warned ;; back | stay) _how=failed ;; *) if [ -n "$BG_ABORT" ]; then _how=aborted; else _how=failed; fi ;; esac
  fi
  bg_event step-end "$1" "$_how" "$2" $((BG_NOW - BG_STEP_BEGUN))
  BG_STEPS="${BG_STEPS:+$BG_STEPS,}{\"name\":\"$1\",\"status\":\"$_how\",\"ms\":$((BG_NOW - BG_STEP_BEGUN))}"
}

# bg_run_step NAME LIMIT SECRET SCRIPT [final]: runs a script in a session of its own, up to LIMIT seconds.
# An abort ends it, unless it is final (from the switch on): then it goes on to its end.
bg_run_step() {
  bg_step_begin "$1"
  _text="BG_PIPES=$BG_PIPES_WORD$BG_NL$BG_REQUEST$BG_NL$BG_PLAN_TEXT"
  # So does what one variable of the environment might not hold.
  if [ -n "$3" ] || [ $((${#_text} + ${#4})) -gt 30000 ]; then
    printf '%s\n' "$_text" "$3" "bg_step_process $1" "$4" | BG_AGENT=$BG_AGENT setsid sh -c "$BG_BOOTSTRAP" bluegreen-step 9>&- 2>&1 &
  else
    # Without a secret there is no need of a pipe and who writes into it.
    BG_AGENT=$BG_AGENT BG_OPEN="$_text${BG_NL}bg_step_process $1$BG_NL$4" setsid sh -c "$BG_BOOTSTRAP" bluegreen-step 9>&- 2>&1 &
  fi
  BG_STEP_PID=$!
  BG_RAN_OUT=
  while :; do
    wait "$BG_STEP_PID"
    _status=$?
    bg_now
    [ $((BG_NOW - BG_STEP_BEGUN)) -lt $(($2 * 1000)) ] || BG_RAN_OUT=1
    # An ended one may be there still, as a zombie; waiting once more tells its status.
    kill -0 "$BG_STEP_PID" 2>/dev/null || { bg_told_status && break; }
    if [ -n "$BG_RAN_OUT" ] || { [ -n "$BG_ABORT" ] && [ -z "$5" ]; }; then
      # In its very first moment it has no group of its own yet.
      kill -TERM "$BG_STEP_PID" 2>/dev/null
      bg_end_group "$BG_STEP_PID" 2
      wait "$BG_STEP_PID" 2>/dev/null
      _status=143
      break
    fi
  done
  # What a step that failed had started ends with it.
  [ "$_status" = 0 ] || bg_end_group "$BG_STEP_PID" 2
  # Not removed: that would be a process for each step. An empty record names nobody.
  [ -z "$BG_LOCKED" ] || [ ! -f "$BG_ROOT/run/step.$BG_STEP_PID" ] || true >"$BG_ROOT/run/step.$BG_STEP_PID"
  [ -z "$BG_RAN_OUT" ] || [ "$_status" = 0 ] || bg_problem "the time limit of $2 s ran out" \
    'Look at its output for what it was waiting for; give it more time if it needs that.' step-timeout
  # Whatever the step: the new slot has ended, and the old one is there to go back to.
  [ "$_status" != 75 ] || [ "$BG_ON_FAILURE" != warn ] || BG_ON_FAILURE=back
  bg_step_end "$1" "$_status"
}

# The step is gone. A signal that came in the same moment has taken the place of its status; waiting again tells it, once (127: no more).
bg_told_status() {
  [ "$_status" -gt 128 ] || return 0
  _tries=0 _again=$_status
  while [ "$_again" -gt 128 ] && [ "$_tries" -lt 1000 ]; do
    _tries=$((_tries + 1))
    wait "$BG_STEP_PID" 2>/dev/null
    _again=$?
  done
  [ "$_again" -gt 126 ] || _status=$_again
}

# How a process of its own begins: the agent's functions come by the environment (and BG_OPEN, where nothing in it is
# secret), but are not passed on to what it starts. What is secret comes through a pipe, which no other process can look into.
BG_BOOTSTRAP='_agent=$BG_AGENT _open=$BG_OPEN; unset BG_AGENT BG_OPEN; BG_AGENT=$_agent; eval "$BG_AGENT"
if [ -n "$_open" ]; then eval "$_open"; else eval "$(cat)"; fi'

# The first thing in a step's own process: write down who it is, so that a later run can end what a dead one left.
bg_step_process() {
  trap ':' PIPE
  exec </dev/null
  BG_STEP=$1
  case $BG_COMMAND in look | setup) ;; *) [ ! -d "$BG_ROOT/run" ] || bg_record "$BG_ROOT/run/step.$$" || bg_unrecorded "$1" ;; esac
  # point $1
}

# On a full disk nothing is begun; what was begun goes on, as nothing else can end it.
bg_unrecorded() {
  case $1 in
    reconcile | survey | switch-back | verify | bake | after-switch | drain | stop | standby | prune) ;;
    *) bg_fail "$BG_ROOT/run cannot be written" 'Look at the free disk space, and at who owns the folder.' 'root keep-releases' ;;
  esac
}
