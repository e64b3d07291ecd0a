# shellcheck shell=sh
# How the agent hears and is heard: what comes in is read by one process, what goes out is pumped by another, and a third one counts the time.

# A step that goes on all the same may want to know: bake looks for the file. (`true`: a failed redirection of `:` would end the agent.)
bg_aborted() {
  BG_ABORT=1
  [ -z "$BG_PIPES" ] || true >"$BG_PIPES/aborted"
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
  bg_now
  _heard=1 _given_up='' _told=$BG_NOW _telling=
  while sleep 1; do
    bg_agent_lives && kill -USR2 "$BG_SELF" 2>/dev/null || { bg_no_plan; return; }
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
  bg_no_plan
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
  ! bg_agent_lives || kill -USR1 "$BG_SELF" 2>/dev/null
  # The agent may be waiting for a plan that will not come, now or soon. One that was killed waits for nothing.
  while [ -p "$BG_PIPES/plan" ] && bg_agent_lives; do bg_no_plan && bg_sleep 0.1; done
  bg_no_plan
}

# Whoever waits for the plan, the agent or what it left when it was killed, waits no more. Opened for both, a FIFO keeps nobody waiting.
bg_no_plan() { [ ! -p "$BG_PIPES/plan" ] || true <>"$BG_PIPES/plan"; }

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
