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

# A step that goes on all the same may want to know: bake looks for the file. (`true`: a failed redirection of `:` would end the agent.)
bg_aborted() {
  BG_ABORT=1
  [ -z "$BG_PIPES" ] || true >"$BG_PIPES/aborted"
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

# Output goes through a pump, so that writing never fails and never ends a step when the line is lost.
# The reader passes the plan on, and turns an abort or the end of the input into a signal.
bg_open_pipes() {
  read -r BG_SELF _ </proc/self/stat
  # In the root, where the next run finds them if this one is killed; where there is none (yet), in /tmp. A look leaves the root alone.
  BG_PIPES=$BG_ROOT/run/pipes.$$
  case $BG_COMMAND in
    # The app's folder is left alone.
    look | setup) BG_PIPES=/tmp ;;
    # Nothing is made in a folder of another user's, by root neither.
    *) if [ -e "$BG_ROOT" ] && [ ! -O "$BG_ROOT" ]; then BG_PIPES=/tmp; else mkdir -p "$BG_ROOT/run" 2>/dev/null; fi ;;
  esac
  mkdir -m 700 "$BG_PIPES" 2>/dev/null || BG_PIPES=$(mktemp -d /tmp/bluegreen.XXXXXX) || return 1
  bg_quote "$BG_PIPES"
  BG_PIPES_WORD=$BG_QUOTED
  mkfifo -m 600 "$BG_PIPES/out" "$BG_PIPES/plan" || return 1
  { cat && exit; cat >/dev/null; } <"$BG_PIPES/out" 3<&- 2>/dev/null &
  BG_PUMP=$!
  exec >"$BG_PIPES/out"
  bg_tick 3<&- >/dev/null 2>&1 &
  BG_TICKER=$!
  bg_read_plan <&3 3<&- >/dev/null &
  BG_READER=$!
  exec 3<&-
}

# A signal each second, for the time limits: cheaper than a sleeping process for each step. And who has been silent for longer than
# the lease is given up: a frozen line ends no input for hours.
bg_tick() {
  trap - USR1 INT TERM
  trap '_heard=1' USR2
  _heard=1 _given_up='' _told=0 _telling=
  while sleep 1; do
    bg_agent_lives && kill -USR2 "$BG_SELF" 2>/dev/null || return
    bg_now
    [ -z "$_heard" ] || _last=$BG_NOW
    _heard=
    [ $((BG_NOW - _last)) -lt $((BG_LEASE * 1000)) ] || bg_give_up
    # A process of its own: it waits where the line does. One at a time.
    if [ $((BG_NOW - _told)) -ge 5000 ] && ! { [ -n "$_telling" ] && kill -0 "$_telling"; }; then
      _told=$BG_NOW
      bg_event alive >"$BG_PIPES/out" &
      _telling=$!
    fi
  done
}

# What waits to be sent is thrown away, or the agent and its steps would wait with it; then as with an abort.
bg_give_up() {
  if [ -z "$_given_up" ]; then
    _given_up=1
    for _pid in $(bg_children "$BG_PUMP"); do kill "$_pid"; done
    kill -USR1 "$BG_SELF"
  fi
  # It may be waiting for a plan, now or soon.
  [ ! -p "$BG_PIPES/plan" ] || bg_no_plan
}

bg_read_plan() {
  trap - USR1 USR2 INT TERM
  while IFS=' ' read -r _word _data; do
    case $_word in
      plan) printf '%s' "$_data" >"$BG_PIPES/plan" ;;
      beat) kill -USR2 "$BG_TICKER" ;;
      *) break ;;
    esac
  done
  kill -USR1 "$BG_SELF" 2>/dev/null
  # The agent may be waiting for a plan that will not come, now or soon. One that was killed waits for nothing.
  while [ -p "$BG_PIPES/plan" ] && bg_agent_lives; do bg_no_plan && bg_sleep 0.1; done
}

# Opened for both, a FIFO keeps nobody waiting.
bg_no_plan() { true <>"$BG_PIPES/plan"; }

# Asked by its own children: its number may be somebody else's once it has ended.
bg_agent_lives() {
  read -r _ _ _ _parent _ </proc/self/stat
  [ "$_parent" = "$BG_SELF" ]
}

# The pump ends with its last writer; a background process of a step may be one for ever, so not for long.
bg_close_pipes() {
  exec >/dev/null
  kill "$BG_TICKER" 2>/dev/null
  # shellcheck disable=SC2046 # process ids
  ( trap - TERM; sleep 1; kill "$BG_PUMP" $(bg_children "$BG_PUMP") ) >/dev/null 2>&1 &
  _timer=$!
  while kill -0 "$BG_PUMP" 2>/dev/null; do wait "$BG_PUMP"; done
  kill "$_timer" "$BG_READER" 2>/dev/null
  rm -rf "$BG_PIPES"
}

# deploy and rollback: lock, reconcile, survey, plan.
bg_change() {
  bg_event begin "$$"
  bg_step_begin lock
  bg_prepare_root && bg_lock && bg_narrow_state
  _status=$?
  bg_step_end lock "$_status"
  [ "$_status" = 0 ] || { bg_end_early && return; }
  bg_run_step reconcile $((BG_STEP_TIMEOUT + BG_LOCK_TIMEOUT)) '' 'BG_AT_START=1 && bg_reconcile'
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early && return; }
  bg_run_step survey "$BG_STEP_TIMEOUT" "$BG_SECRET_TOKEN" 'bg_survey'
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early && return; }
  bg_wait_plan || { bg_end aborted && return; }
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
  [ "$BG_STEP_STATUS" = 0 ] || { bg_end_early && return; }
  bg_wait_plan || { bg_end aborted && return; }
  [ "$BG_COUNT" != 0 ] || { bg_end looked && return; }
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
  [ -z "$_line" ] || bg_event ledger "$(bg_encode "$_line")"
  bg_end looked
}

# The line that ends the run in the ledger, in _line.
bg_ledger_line() {
  _line=$(grep -F "\"run\":\"$BG_RUN\"" "$BG_ROOT/ledger.ndjson" 2>/dev/null | tail -n 1)
  [ -n "$_line" ]
}

# Is it that run which has come to its plan and not to its end?
bg_died() { grep -qF "\"run\":\"$BG_RUN\"" "$BG_ROOT/run/current" 2>/dev/null; }

bg_prepare_root() {
  # The root is everybody's to look at and ours to write; what is secret in it has modes of its own.
  mkdir -p "$BG_ROOT" 2>/dev/null
  [ -w "$BG_ROOT" ] && [ -O "$BG_ROOT" ] && chmod go-w "$BG_ROOT" &&
    mkdir -p "$BG_ROOT/releases" "$BG_ROOT/shared" "$BG_ROOT/slots/blue" "$BG_ROOT/slots/green" "$BG_ROOT/run" 2>/dev/null &&
    chmod 700 "$BG_ROOT/run" && : >"$BG_ROOT/slots/blue/blue" && : >"$BG_ROOT/slots/green/green" && return 0
  _user=$(id -un)
  bg_problem "the folder $BG_ROOT cannot be used by the user $_user" \
    "Make it once, as root, on the host:$BG_NL  install -d -o $_user $BG_ROOT" 'root user'
  return 1
}

# What stands there is run or believed by this user, so nobody else may write it: rights that are too wide are taken away, and what belongs
# to somebody else, who may have written it while they were, is refused. What the app makes, in releases and in shared, is its own affair,
# and so is its socket.
bg_narrow_state() {
  bg_uid
  # One look is enough nearly always: each process costs every deploy its time.
  [ -n "$(bg_state_find \( ! -user "$BG_UID" -o ! -type l -perm /022 -o -path './slots/*/env' -perm /177 -o -path './slots/*/app.log*' -perm /117 \) -print 2>/dev/null)" ] || return 0
  chmod go-w "$BG_ROOT/releases" "$BG_ROOT/shared" 2>/dev/null
  chmod 600 "$BG_ROOT"/slots/*/env 2>/dev/null
  chmod a-x,o-rwx "$BG_ROOT"/slots/*/app.log* 2>/dev/null
  bg_state_find ! -type l -perm /022 -exec chmod go-w {} + >/dev/null 2>&1
  _wide=$(bg_state_find \( ! -user "$BG_UID" -o ! -type l -perm /022 \) -print 2>/dev/null | head -n 3)
  [ -n "$_wide" ] || return 0
  _user=$(id -un) _wide=$(printf '%s\n' "$_wide" | tr '\n' ' ')
  bg_problem "others may write, or have written, what is the user $_user's alone, in $BG_ROOT: $_wide" \
    "Look at who wrote what stands there. If it is well, as root, on the host:$BG_NL  cd $BG_ROOT && chown -h $_user $_wide" 'root user'
  return 1
}

# This user's number, in BG_UID.
bg_uid() { while read -r _key BG_UID _; do [ "$_key" != Uid: ] || return 0; done </proc/self/status; }

# bg_state_find TEST…: what is in the root, without what the app makes.
bg_state_find() { (cd "$BG_ROOT" && find . \( -path './releases/*' -o -path './shared/*' \) -prune -o ! -type s "$@"); }

# Held on descriptor 9 by this very process and closed in all that it starts: the kernel frees it with its holder.
bg_lock() {
  command -v flock >/dev/null 2>&1 || {
    bg_problem 'flock is not there' 'Install util-linux on the host.' path && return 1
  }
  exec 9>>"$BG_ROOT/lock" || return 1
  bg_now
  _begun=$BG_NOW _told='' _again=0
  until flock -n 9; do
    [ -z "$BG_ABORT" ] || return 1
    bg_lock_holder
    # Once for each holder, and now and then: whoever waits wants to see that it goes on.
    if [ "$_holder" != "$_told" ] || [ "$BG_NOW" -ge "$_again" ]; then
      bg_note notice "waiting for the lock: held by $_holder$_held_for"
      _told=$_holder _again=$((BG_NOW + 60000))
    fi
    if [ $((BG_NOW - _begun)) -ge $((BG_LOCK_TIMEOUT * 1000)) ]; then
      bg_problem "the lock is still held after $BG_LOCK_TIMEOUT s, by $_holder$_held_for" \
        'Wait until that run has ended, or cancel it; a lock is freed by itself when its run ends.' lock-timeout
      return 1
    fi
    sleep 0.2 9>&- &
    wait $!
  done
  BG_LOCKED=1
  bg_now
  printf '%s, since %s\n%s\n' "$BG_HOLDER" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$BG_NOW" >"$BG_ROOT/lock"
  # point lock
}

# Who holds the lock, in _holder, and for how long, in _held_for: by the time since boot, as a clock may be set.
bg_lock_holder() {
  _holder='' _since='' _held_for=''
  { read -r _holder && read -r _since; } 2>/dev/null <"$BG_ROOT/lock"
  _holder=${_holder:-another run}
  bg_now
  case $_since in
    '' | *[!0-9]*) ;;
    *) [ "$_since" -gt "$BG_NOW" ] || _held_for=", for $(((BG_NOW - _since) / 1000)) s" ;;
  esac
}

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
  [ -z "$BG_LOCKED" ] || [ ! -f "$BG_ROOT/run/step.$BG_STEP_PID" ] || : >"$BG_ROOT/run/step.$BG_STEP_PID"
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
  [ -z "$BG_SKIP" ] || { bg_ledger skipped; bg_end skipped && return; }
  # A run that dies leaves this line; the next run ends it in the ledger.
  bg_write "$BG_ROOT/run/current" "$BG_LEDGER" || {
    bg_problem "$BG_ROOT/run/current cannot be written" 'Look at the free disk space, and at who owns the folder; nothing was changed.' 'root keep-releases'
    bg_end failed && return
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

# The ledger's line: its beginning comes with the plan as JSON, how it ended is known only here.
bg_ledger() {
  bg_live
  bg_ledger_add "$BG_LEDGER,\"ended\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\",\"outcome\":\"$1\",\"live\":\"$BG_LIVE\",\"liveRelease\":\"$(bg_release_of "$BG_LIVE")\",\"steps\":[$BG_STEPS]}"
}

# bg_ledger_add LINE: the ledger with one line more, whole or not at all. A last line that was cut off goes, and what cannot be read is put aside.
bg_ledger_add() {
  _ledger=$BG_ROOT/ledger.ndjson
  if [ -e "$_ledger" ] && ! { [ -f "$_ledger" ] && { [ -r "$_ledger" ] || chmod u+rw "$_ledger"; }; } 2>/dev/null; then
    mv -f "$_ledger" "$_ledger.unreadable.$$" || return 1
    bg_note warning "the ledger could not be read: it is $_ledger.unreadable.$$ now, and a new one was begun"
  fi
  {
    { [ ! -f "$_ledger" ] || awk 'NR > 1 { print last } { last = $0 } END { if (last ~ /}$/) print last }' "$_ledger"; } &&
      printf '%s\n' "$1"
  } >"$_ledger.new" && bg_sync "$_ledger.new" && mv -f "$_ledger.new" "$_ledger"
}

# The release that a slot holds, or nothing.
bg_release_of() {
  [ -z "$1" ] || { _link=$(readlink "$BG_ROOT/slots/$1/release") && printf '%s' "${_link##*/}"; }
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
