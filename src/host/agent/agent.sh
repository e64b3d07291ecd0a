# shellcheck shell=sh
# The agent's session: reads requests, holds the lock, runs steps one by one, decides alone when the line is lost.
#
# Requests are lines on standard input: `request <base64>` (settings as shell assignments), `token <base64>` and
# `env <base64>` (secrets, apart), `go`; then `plan <base64>`; `beat` again and again, and `abort` at any time. The end of the
# input means abort, and so does a line that says nothing for as long as the lease.
# Answers are lines that begin with the session's mark; everything else on standard output is a step's output.

bg_main() {
  umask 022
  BG_ABORT='' BG_PIPES='' BG_RAN_OUT='' BG_STEP_PID='' BG_LOCKED='' BG_ON_FAILURE='' BG_SECRET_TOKEN='' BG_SECRET_ENV=''
  # A handler, not "ignore": that would be inherited by everything that is started.
  trap ':' PIPE HUP
  trap 'bg_aborted' USR1 INT TERM
  trap ':' USR2
  exec 3<&0 </dev/null
  bg_read_request || exit 2
  bg_open_pipes || { printf 'bluegreen: cannot make a folder in /tmp\n' >&2 && exit 2; }
  case $BG_COMMAND in
    deploy | rollback) bg_change ;;
    setup) bg_setup ;;
    outcome) bg_outcome ;;
    *) bg_look ;;
  esac
  bg_close_pipes
}

bg_read_request() {
  while IFS=' ' read -r _word _data <&3; do
    case $_word in
      request) BG_REQUEST=$(printf '%s' "$_data" | base64 -d) && eval "$BG_REQUEST" ;;
      token) BG_SECRET_TOKEN=$(printf '%s' "$_data" | base64 -d) ;;
      env) BG_SECRET_ENV=$(printf '%s' "$_data" | base64 -d) ;;
      go) return 0 ;;
      *) return 1 ;;
    esac || return 1
  done
  return 1
}

# deploy and rollback: lock, reconcile, survey, plan.
bg_change() {
  bg_event begin "$$"
  bg_step_begin lock
  bg_prepare_root && bg_lock && bg_narrow_state
  _status=$?
  bg_step_end lock "$_status"
  [ "$_status" = 0 ] || { bg_end_early; return; }
  bg_run_step reconcile $((BG_STEP_TIMEOUT + BG_LOCK_TIMEOUT)) '' 'BG_AT_START=1 && bg_reconcile'
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early; return; }
  bg_run_step survey "$BG_STEP_TIMEOUT" "$BG_SECRET_TOKEN" 'bg_survey'
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early; return; }
  bg_wait_plan || { bg_end aborted; return; }
  bg_run_plan
}

# status and plan neither lock nor reconcile: they change nothing.
bg_look() {
  bg_event begin "$$"
  bg_run_step survey "$BG_STEP_TIMEOUT" "$BG_SECRET_TOKEN" 'bg_survey'
  bg_end looked
}

# setup prepares nginx, not the app: its folder need not be there, its lock is not taken, its ledger gets no line.
bg_setup() {
  bg_event begin "$$"
  bg_run_step survey "$BG_STEP_TIMEOUT" '' 'bg_survey'
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early; return; }
  bg_wait_plan || { bg_end aborted; return; }
  [ "$BG_COUNT" != 0 ] || { bg_end looked; return; }
  BG_ON_FAILURE=back
  # Through a pipe, as if it had a secret: its script may be longer than an environment can hold. To its end: it puts back what does not work.
  bg_run_step "$BG_NAME_1" "$BG_LIMIT_1" : "$BG_SCRIPT_1" final
  if [ "$BG_STEP_STATUS" = 0 ]; then bg_end success; else bg_end failed; fi
}

# What became of an earlier run: waits for its line in the ledger as long as somebody holds the lock. If it died, what it left is mended
# at once, not only by the next deploy.
bg_outcome() {
  bg_event begin "$$"
  bg_now
  _until=$((BG_NOW + BG_OUTCOME_WAIT * 1000))
  while [ -z "$BG_ABORT" ]; do
    _free=
    [ -f "$BG_ROOT/lock" ] && ! flock -n "$BG_ROOT/lock" true || _free=1
    bg_ledger_line && break
    # Looked at before the line: who has let the lock go has written it.
    [ -z "$_free" ] || break
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || { bg_event held && break; }
    sleep 0.5 &
    wait $!
  done
  if [ -z "$_line" ] && [ -n "$_free" ] && bg_died && bg_prepare_root && bg_lock && bg_died; then
    bg_run_step reconcile $((BG_STEP_TIMEOUT + BG_LOCK_TIMEOUT)) '' 'BG_AT_START=1 && bg_reconcile'
    bg_ledger_line
  fi
  # Whoever had the lock meanwhile may have written it. As long as the run is not ended in the ledger, nobody can say that it changed nothing.
  [ -n "$_line" ] || bg_ledger_line || ! bg_died || bg_event held
  [ -z "$_line" ] || bg_event ledger "$(bg_encode "$_line")"
  bg_end looked
}

bg_wait_plan() {
  BG_PLAN=$(cat "$BG_PIPES/plan")
  rm -f "$BG_PIPES/plan"
  [ -n "$BG_PLAN" ] && [ -z "$BG_ABORT" ] || return 1
  BG_PLAN=$(printf '%s' "$BG_PLAN" | base64 -d) || return 1
  BG_COUNT=0 BG_PLAN_TEXT='' BG_SKIP=''
  eval "$BG_PLAN"
}

# bg_plan_step NAME LIMIT NEEDS ON_FAILURE SCRIPT: one step of the plan. NEEDS: token, env or nothing. ON_FAILURE: stop (before the switch),
# back (switch back), stay (the run fails, there is nothing to switch back to), warn (the traffic is where it belongs: go on).
bg_plan_step() {
  BG_COUNT=$((BG_COUNT + 1))
  eval "BG_NAME_$BG_COUNT=\$1 BG_LIMIT_$BG_COUNT=\$2 BG_NEEDS_$BG_COUNT=\$3 BG_FAIL_$BG_COUNT=\$4 BG_SCRIPT_$BG_COUNT=\$5"
}

bg_run_plan() {
  eval "$BG_PLAN_TEXT"
  [ -z "$BG_SKIP" ] || { bg_ledger skipped; bg_end skipped; return; }
  # A run that dies leaves this line; the next run ends it in the ledger.
  bg_write "$BG_ROOT/run/current" "$BG_LEDGER" || {
    bg_problem "$BG_ROOT/run/current cannot be written" 'Look at the free disk space, and at who owns the folder; nothing was changed.' 'root keep-releases'
    bg_end failed
    return
  }
  # point plan
  _n=0 BG_RESULT=success
  while [ "$_n" -lt "$BG_COUNT" ]; do
    _n=$((_n + 1))
    eval "_name=\$BG_NAME_$_n _limit=\$BG_LIMIT_$_n _needs=\$BG_NEEDS_$_n BG_ON_FAILURE=\$BG_FAIL_$_n _script=\$BG_SCRIPT_$_n"
    if [ "$BG_ON_FAILURE" = stop ] || [ "$_name" = switch ]; then
      [ -z "$BG_ABORT" ] || { BG_RESULT=aborted && break; }
    fi
    case $_needs in token) _secret=$BG_SECRET_TOKEN ;; env) _secret=$BG_SECRET_ENV ;; *) _secret='' ;; esac
    _final=1
    [ "$BG_ON_FAILURE" != stop ] || _final=
    bg_run_step "$_name" "$_limit" "$_secret" "$_script" $_final
    [ "$BG_STEP_STATUS" != 0 ] || continue
    case $BG_ON_FAILURE in
      warn) ;;
      *)
        BG_RESULT=failed
        [ -z "$BG_ABORT" ] || [ -n "$_final" ] || BG_RESULT=aborted
        break
        ;;
    esac
  done
  if [ "$BG_RESULT" != success ]; then
    bg_live
    _failed=$BG_ON_FAILURE BG_ON_FAILURE=back
    [ "$_failed" != back ] || [ "$BG_LIVE" != "$BG_SLOT" ] || bg_run_step switch-back "$BG_STEP_TIMEOUT" '' 'bg_switch_back' final
    bg_run_step reconcile "$BG_STEP_TIMEOUT" '' 'bg_reconcile' final
  fi
  # point ledger
  # Without its line the run is ended in the ledger by the next one.
  if bg_ledger "$BG_RESULT"; then
    # point ledger-written
    rm -f "$BG_ROOT/run/current"
  else
    bg_note warning "the ledger $BG_ROOT/ledger.ndjson cannot be written: the next run tries it again. Look at the free disk space."
  fi
  bg_end "$BG_RESULT"
}

bg_end_early() { if [ -n "$BG_ABORT" ]; then bg_end aborted; else bg_end failed; fi; }

# bg_end success|failed|aborted|skipped|looked: the last event, with what is live now.
bg_end() {
  bg_live
  # Only the holder of the lock knows that no other run's step is among them.
  [ -z "$BG_LOCKED" ] || rm -f "$BG_ROOT"/run/step.*
  exec 9>&-
  bg_event end "$1" "${BG_LIVE:-none}" "$(bg_release_of "$BG_LIVE")"
}
