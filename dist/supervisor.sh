# shellcheck shell=sh
# Starting, stopping and looking at a slot. A slot is always handled by what its own slot.conf says, written when
# it was started, never by today's settings.

BG_SL_NAMES='BG_SL_SUPERVISOR BG_SL_RELEASE BG_SL_SHA BG_SL_PORT BG_SL_LISTEN BG_SL_START BG_SL_STOP BG_SL_SHELL BG_SL_PATH BG_SL_PORTS BG_SL_PORT_FILES BG_SL_STOP_TIMEOUT BG_SL_DRAIN_TIMEOUT BG_SL_ADDRESS BG_SL_HEALTH_PATH BG_SL_HEALTH_STATUS BG_SL_HEALTH_HOST'

# bg_slot_load SLOT: reads what is known of a slot; fails when nothing was ever started there.
bg_slot_load() {
  BG_SL_SLOT=$1 BG_SL_HOME=$BG_ROOT/slots/$1
  for _name in $BG_SL_NAMES; do eval "$_name="; done
  # shellcheck disable=SC2086 # names
  bg_load "$BG_SL_HOME/slot.conf" $BG_SL_NAMES || return 1
  BG_SL_DIR=$BG_ROOT/releases/$BG_SL_RELEASE
  # Where it listens: a port, or the path of its socket.
  BG_SL_LISTEN=${BG_SL_LISTEN:-port} BG_SL_AT=$BG_SL_PORT
  [ "$BG_SL_LISTEN" != socket ] || BG_SL_AT=$BG_SL_HOME/app.sock
}

# bg_standby SLOT: is what it holds the release that was left running there for a rollback?
bg_standby() {
  bg_slot_load "$1" || return 1
  _marked=
  { read -r _marked <"$BG_SL_HOME/standby"; } 2>/dev/null
  [ -n "$_marked" ] && [ "$_marked" = "$BG_SL_RELEASE" ] && [ "$1" != "$BG_LIVE" ]
}

# What each command gets in its environment, as text for a shell: bg_command_text SLOT PORT RELEASE SHA PATH ENV LISTEN
bg_command_text() {
  BG_TEXT=
  bg_export SLOT "$1"
  bg_export PORT "$2"
  bg_export RELEASE "$3"
  bg_export SHA "$4"
  [ "$7" != socket ] || bg_export SOCKET "$BG_ROOT/slots/$1/app.sock"
  # Last, so that neither a profile nor the values above win over the setting.
  bg_quote "$5"
  [ -z "$5" ] || BG_TEXT="${BG_TEXT}PATH=$BG_QUOTED:\$PATH; export PATH$BG_NL"
  BG_TEXT="$BG_TEXT$6"
}

bg_export() {
  bg_quote "$2"
  BG_TEXT="${BG_TEXT}export $1=$BG_QUOTED$BG_NL"
}

# bg_exec_command SHELL COMMAND: becomes the user's login shell that runs the command, with BG_TEXT as its environment.
# The login shell finds npm, php and composer where the user has them. Shells that do not speak sh only lend theirs.
bg_exec_command() {
  _shell=${1:-${SHELL:-/bin/sh}}
  unset SSH_CLIENT SSH_CONNECTION SSH_TTY
  case ${_shell##*/} in
    bash | dash | sh | ash | zsh | ksh | ksh93 | mksh)
      BLUEGREEN_ENV=$BG_TEXT
      export BLUEGREEN_ENV
      exec "$_shell" -lc "eval \"\$BLUEGREEN_ENV\"; unset BLUEGREEN_ENV$BG_NL$2"
      ;;
    *)
      # In base64: fish recodes what is not ASCII, csh breaks at newlines. Single quotes are the same in all of them.
      BLUEGREEN_COMMAND=$(printf 'unset BLUEGREEN_COMMAND\n%s\n%s' "$BG_TEXT" "$2" | base64 | tr -d '\n')
      export BLUEGREEN_COMMAND
      _inner="exec sh -c 'eval \"\$(printf %s \"\$BLUEGREEN_COMMAND\" | base64 -d)\"'"
      case ${_shell##*/} in
        csh | tcsh) exec "$_shell" -c "$_inner" ;;
        *) exec "$_shell" -lc "$_inner" ;;
      esac
      ;;
  esac
}

# bg_command_failed STATUS WHAT SETTING SHELL: ends the step, with a reason that helps.
bg_command_failed() {
  _signal=
  [ "$1" -le 128 ] || _signal=" (signal $(($1 - 128)))"
  if [ "$1" = 127 ]; then
    command -v "${4:-${SHELL:-/bin/sh}}" >/dev/null 2>&1 ||
      bg_fail "there is no shell ${4:-$SHELL} on the host: $2 did not run" 'Give the name or the full path of one that is there.' shell
    bg_fail "$2 ended with status 127: a command was not found" "$(bg_path_text "$4")" "$3 path shell"
  fi
  bg_fail "$2 ended with status $1$_signal" \
    "Read what it printed. It ran as the user $(id -un), in the folder of the release, by the login shell ${4:-$SHELL}." "$3 shell path"
}

# bg_path_text SHELL: the PATH that commands get, with BG_TEXT in force, and how to change it.
bg_path_text() {
  _path=$(bg_exec_command "$1" 'printf "%s\n" "$PATH"' 2>/dev/null </dev/null | tail -n 1)
  printf 'The PATH in force was %s. Give the folder of the program with the setting `path`. %s' "$_path" "$(bg_version_managers)"
}

# Version managers put their folders into .bashrc, which a login shell that is not interactive never reaches.
bg_version_managers() {
  for _dir in "$HOME"/.nvm/versions/node/*/bin "$HOME/.rbenv/shims" "$HOME/.pyenv/shims" "$HOME/.asdf/shims" \
    "$HOME/.volta/bin" "$HOME/.local/bin" "$HOME/.bun/bin" "$HOME/.deno/bin"; do
    [ -d "$_dir" ] || continue
    case $_dir in
      */.nvm/*) printf 'nvm is here, but its lines stand in .bashrc, which a login shell does not read: path: %s ' "$_dir" ;;
      *) printf 'Found: path: %s ' "$_dir" ;;
    esac
  done
}

bg_rotate_log() {
  for _n in 4 3 2 1; do [ ! -f "$1.$_n" ] || mv -f "$1.$_n" "$1.$((_n + 1))"; done
  [ ! -f "$1" ] || mv -f "$1" "$1.1"
  [ ! -f "$1.5" ] || rm -f "$1.5"
  # An app may print what is nobody else's business.
  (umask 027 && : >"$1")
}

# bg_slot_start SLOT: starts what slot.conf says. `process`: in the foreground of a session of its own, written down
# before it runs. `command`: the app's own start command, which ends when the app has gone to the background.
bg_slot_start() {
  bg_slot_load "$1" || return 1
  bg_port_files || return 1
  bg_command_text "$1" "$BG_SL_PORT" "$BG_SL_RELEASE" "$BG_SL_SHA" "$BG_SL_PATH" "$(cat "$BG_SL_HOME/env")" "$BG_SL_LISTEN"
  bg_rotate_log "$BG_SL_HOME/app.log"
  rm -f "$BG_SL_HOME/pid" "$BG_SL_HOME/starting"
  [ "$BG_SL_LISTEN" != socket ] || rm -f "$BG_SL_AT"
  # The log is a file and no pipe: a server that goes to the background may keep it as long as it lives.
  bg_start_detached >>"$BG_SL_HOME/app.log" 2>&1 </dev/null
  if [ "$BG_SL_SUPERVISOR" = command ]; then
    wait "$BG_STARTED_PID"
    _status=$?
    [ "$_status" = 0 ] || bg_listening "$BG_SL_AT" || rm -f "$BG_SL_HOME/starting"
    return "$_status"
  fi
  _tries=0
  until [ -s "$BG_SL_HOME/pid" ]; do
    kill -0 "$BG_STARTED_PID" 2>/dev/null && [ "$_tries" -lt 500 ] || return 1
    _tries=$((_tries + 1))
    bg_sleep 0.01
  done
}

# The text goes through a pipe: neither arguments nor the environment of the first shell show it.
bg_start_detached() {
  _text=
  for _name in BG_TEXT BG_SL_START BG_SL_SHELL BG_SL_SUPERVISOR BG_SL_HOME BG_SL_DIR; do
    eval "bg_quote \"\$$_name\""
    _text="$_text$_name=$BG_QUOTED$BG_NL"
  done
  printf '%s\n' "${_text}bg_become_app" | BG_AGENT=$BG_AGENT setsid sh -c "$BG_BOOTSTRAP" bluegreen-app 9>&- 8<&- &
  BG_STARTED_PID=$!
}

bg_become_app() {
  exec </dev/null
  cd "$BG_SL_DIR" || exit 1
  # An app that nobody knows of would keep the port for ever.
  if [ "$BG_SL_SUPERVISOR" = command ]; then bg_record "$BG_SL_HOME/starting"; else bg_record "$BG_SL_HOME/pid"; fi ||
    { printf '%s cannot be written: the app was not started\n' "$BG_SL_HOME"; exit 1; }
  bg_exec_command "$BG_SL_SHELL" "$BG_SL_START"
}

# Port files: in each, either slot's port number, as a whole number, becomes this slot's port.
# A file that leads out of the release is refused: it could be any file of this user.
bg_port_files() {
  [ -n "$BG_SL_PORT_FILES" ] || return 0
  _inside=$(readlink -f "$BG_SL_DIR") || return 1
  _ifs=$IFS IFS=$BG_NL
  set -f
  # shellcheck disable=SC2086 # one a line
  set -- $BG_SL_PORT_FILES
  set +f
  IFS=$_ifs
  for _file; do
    _real=$(readlink -f "$BG_SL_DIR/$_file")
    [ -f "$_real" ] || { bg_problem "port file $_file is not in the release" 'Name files of the repository, relative to its top folder.' port-files && return 1; }
    case $_real in
      "$_inside"/*) ;;
      *) bg_problem "port file $_file leads out of the release, to $_real" 'Name a file of the release itself, not a link or a shared one: both slots would read it.' port-files && return 1 ;;
    esac
    # The name is ours: a link there would lead out.
    { [ ! -e "$_real.bluegreen" ] && [ ! -L "$_real.bluegreen" ]; } || rm -rf "$_real.bluegreen"
    cp -p "$_real" "$_real.bluegreen" && LC_ALL=C awk -v ports="$BG_SL_PORTS" -v port="$BG_SL_PORT" '
      BEGIN { split(ports, slot, " ") }
      function whole(line, number,   out, at, before, after) {
        out = ""
        while ((at = index(line, number)) > 0) {
          before = at > 1 ? substr(line, at - 1, 1) : substr(out, length(out))
          after = substr(line, at + length(number), 1)
          out = out substr(line, 1, at - 1)
          if (before ~ /[0-9A-Za-z_]/ || after ~ /[0-9A-Za-z_]/) out = out number; else { out = out "\001"; found++ }
          line = substr(line, at + length(number))
        }
        return out line
      }
      {
        line = whole($0, slot[1]); line = whole(line, slot[2])
        gsub("\001", port, line)
        printf "%s%s", (NR > 1 ? "\n" : ""), line
      }
      END { exit found ? 0 : 5 }' "$_real" >"$_real.bluegreen"
    _status=$?
    # awk cannot tell whether the last line had its newline.
    [ -z "$(tail -c 1 "$_real")" ] && printf '\n' >>"$_real.bluegreen"
    if [ "$_status" = 0 ]; then
      mv -f "$_real.bluegreen" "$_real"
    else
      rm -f "$_real.bluegreen"
      bg_problem "port file $_file holds neither port ($BG_SL_PORTS)" 'Write one of the two ports into that file where the app reads its port.' 'port-files ports'
      return 1
    fi
  done
}

# bg_slot_alive SLOT: is its app there? `command` apps look after their own processes: there the port tells, and
# before it was healthy for the first time, that it was started.
bg_slot_alive() {
  bg_slot_load "$1" || return 1
  if [ "$BG_SL_SUPERVISOR" = command ]; then bg_listening "$BG_SL_AT" || bg_starting; else bg_group "$BG_SL_HOME/pid"; fi
}

# Was the loaded slot's start command run, in this boot, without its app having been healthy yet?
bg_starting() {
  { read -r _ _ _boot <"$BG_SL_HOME/starting"; } 2>/dev/null || return 1
  bg_boot
  [ "$_boot" = "$BG_BOOT" ]
}

# bg_slot_stop SLOT: stops it and waits until its port is free. Notes what did not go well; fails if it still runs.
bg_slot_stop() {
  bg_slot_load "$1" || return 0
  if [ "$BG_SL_SUPERVISOR" = command ]; then bg_stop_by_command; else bg_stop_process; fi || return 1
  rm -f "$BG_SL_HOME/pid" "$BG_SL_HOME/starting" "$BG_SL_HOME/standby"
  # Not every app takes its socket away, and one that is there cannot be listened on again.
  [ "$BG_SL_LISTEN" != socket ] || rm -f "$BG_SL_AT"
}

bg_stop_process() {
  bg_group "$BG_SL_HOME/pid" || return 0
  bg_end_group "$BG_GROUP" "$BG_SL_STOP_TIMEOUT" ||
    bg_note warning "the $BG_SL_SLOT slot did not end ${BG_SL_STOP_TIMEOUT} s after SIGTERM and was killed (setting stop-timeout)"
  bg_free_port
}

# The stop command runs in the folder of the release that it stops; it may return before the app has ended.
bg_stop_by_command() {
  bg_listening "$BG_SL_AT" || bg_starting || return 0
  bg_command_text "$BG_SL_SLOT" "$BG_SL_PORT" "$BG_SL_RELEASE" "$BG_SL_SHA" "$BG_SL_PATH" "$(cat "$BG_SL_HOME/env")" "$BG_SL_LISTEN"
  (cd "$BG_SL_DIR" && bg_exec_command "$BG_SL_SHELL" "$BG_SL_STOP") </dev/null 9>&- 8<&- 2>&1 ||
    bg_note warning "the stop command ended with status $? (setting stop)"
  # A start command that was cut short may still be there.
  ! bg_starting || ! bg_group "$BG_SL_HOME/starting" || bg_end_group "$BG_GROUP" "$BG_SL_STOP_TIMEOUT"
  bg_free_port
}

# Waits up to stop-timeout until nothing listens on the slot's port, then ends what this user may end. Meanwhile the
# slot in BG_GUARD has to stay.
bg_free_port() {
  bg_now
  _until=$((BG_NOW + BG_SL_STOP_TIMEOUT * 1000))
  while bg_listening "$BG_SL_AT"; do
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || break
    bg_guard
    bg_sleep 0.05
  done
  bg_listening "$BG_SL_AT" || return 0
  _who=$(bg_listener_text "$BG_SL_AT")
  for _pid in $(bg_listener_pids "$BG_SL_AT"); do kill -KILL "$_pid" 2>/dev/null; done
  bg_sleep 0.2
  if bg_listening "$BG_SL_AT"; then
    bg_note warning "$BG_SL_LISTEN $BG_SL_AT is still taken ${BG_SL_STOP_TIMEOUT} s after the stop, by $_who: end it by hand (settings stop, stop-timeout)"
    return 1
  fi
  bg_note warning "$BG_SL_LISTEN $BG_SL_AT was still taken ${BG_SL_STOP_TIMEOUT} s after the stop, by $_who: killed (settings stop, stop-timeout)"
}

# A stop command that finds its server by a pid file that both releases share ends the wrong one. Is the slot in
# BG_GUARD gone, it is started again at once: BG_REVIVED says yes, or no when it did not become healthy.
bg_guard() {
  [ -n "$BG_GUARD" ] && [ -z "$BG_REVIVED" ] || return 0
  # In a subshell: the variables are those of the slot that is being stopped.
  (bg_slot_alive "$BG_GUARD") || if (bg_revive "$BG_GUARD"); then BG_REVIVED=yes; else BG_REVIVED=no; fi
}

bg_revive() {
  bg_slot_start "$1" || return 1
  bg_now
  _until=$((BG_NOW + 30000))
  until bg_healthy; do
    bg_now
    [ "$BG_NOW" -lt "$_until" ] || return 1
    bg_sleep 0.1
  done
  bg_open_socket
  rm -f "$BG_SL_HOME/starting"
}

# nginx's user has to be able to connect, as any user of the host can to a port: for that a socket has to be writable.
bg_open_socket() { [ "$BG_SL_LISTEN" != socket ] || chmod a+rw "$BG_SL_AT" 2>/dev/null; }

# bg_slot_log SLOT LINES: the end of the app's log.
bg_slot_log() { [ ! -f "$BG_ROOT/slots/$1/app.log" ] || tail -n "$2" "$BG_ROOT/slots/$1/app.log" | tail -c 16384 | tr -d '\0'; }

# bg_healthy: one look at where the loaded slot's app listens itself. Status in BG_STATUS.
bg_healthy() { bg_health_question bg_ask && bg_wanted "$BG_STATUS" "$BG_SL_HEALTH_STATUS"; }

# bg_health_question WHAT: the question of the health check, with WHAT to ask it: bg_ask or bg_answer.
bg_health_question() {
  if [ "$BG_SL_LISTEN" = socket ]; then
    set -- "$1" "http://localhost$BG_SL_HEALTH_PATH" 5 --unix-socket "$BG_SL_AT"
  else
    set -- "$1" "http://$BG_SL_ADDRESS:$BG_SL_PORT$BG_SL_HEALTH_PATH" 5
  fi
  [ -z "$BG_SL_HEALTH_HOST" ] || set -- "$@" -H "Host: $BG_SL_HEALTH_HOST"
  "$@"
}

# What the health check asks, for people.
bg_health_url() {
  if [ "$BG_SL_LISTEN" = socket ]; then printf '%s%s' "$BG_SL_AT:" "$BG_SL_HEALTH_PATH"; else printf 'http://%s:%s%s' "$BG_SL_ADDRESS" "$BG_SL_PORT" "$BG_SL_HEALTH_PATH"; fi
}
