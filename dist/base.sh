# shellcheck shell=sh
# Words that every part of the agent uses: events, time, quoting, processes, ports.
# Runs under dash, bash and busybox ash. Data never goes into here-documents: bash writes large ones to disk.

BG_NL='
'

# One event for the action: a line of its own that begins with the session's mark, which no output can guess.
bg_event() { printf '\n%s %s\n' "$BG_MARK" "$*"; }

# Text of any shape as one word of base64; a dot stands for the empty text.
bg_encode() {
  if [ -n "$1" ]; then printf '%s' "$1" | base64 -w 0; else printf .; fi
}

# bg_note notice|warning|failure TEXT
bg_note() {
  case $2 in
    *"$BG_NL"*) bg_event note64 "$1" "$(bg_encode "$2")" ;;
    *) bg_event note "$1" "$2" ;;
  esac
}

# bg_fail WHAT NEXT SETTINGS [DETAILS]: tells the problem and ends this step (each step is a process of its own).
bg_fail() {
  bg_problem "$@"
  exit 1
}

bg_problem() {
  bg_event problem "$(bg_encode "$1")" "$(bg_encode "$2")" "$(bg_encode "$3")" "$(bg_encode "$4")"
}

# Milliseconds since boot in BG_NOW, from /proc/uptime: no process, and no clock that a person can turn back.
bg_now() {
  read -r BG_NOW _ </proc/uptime
  BG_NOW=${BG_NOW%.*}${BG_NOW#*.}0
  # A leading zero would make it octal in the first second after boot.
  while :; do case $BG_NOW in 0?*) BG_NOW=${BG_NOW#0} ;; *) break ;; esac; done
}

# The text as one shell word in BG_QUOTED: the only way by which text gets into a file that a shell reads.
# Cut at its quotes by the shell itself: looking for each with # and % takes seconds for an env of 64 KB.
bg_quote() {
  _quote_ifs=$IFS IFS=\'
  set -f
  # The dot keeps a quote at the end.
  # shellcheck disable=SC2086 # cut on purpose
  set -- $1.
  set +f
  IFS=$_quote_ifs BG_QUOTED=\'$1
  shift
  for _part; do BG_QUOTED="$BG_QUOTED'\\''$_part"; done
  BG_QUOTED="${BG_QUOTED%.}'"
}

# bg_save FILE NAME…: writes the named variables as shell assignments, whole or not at all.
bg_save() {
  _file=$1
  shift
  _text=
  for _name; do
    eval "bg_quote \"\$$_name\""
    _text="$_text$_name=$BG_QUOTED$BG_NL"
  done
  bg_write "$_file" "$_text"
}

# bg_write FILE TEXT: whole or not at all. bg_sync FILE: what is in it is on the disk.
bg_write() {
  printf '%s' "$2" >"$1.new" && mv -f "$1.new" "$1" && return
  rm -f "$1.new"
  return 1
}
bg_sync() { sync "$1" 2>/dev/null || sync; }

# bg_load FILE NAME…: the named variables, from a file that bg_save wrote. In another user's folder it is only read: what stands
# there must not be run by whoever looks in, who may be root.
bg_load() {
  [ -f "$1" ] || return 1
  # shellcheck disable=SC1090 # written by bg_save
  [ ! -O "$BG_ROOT" ] || { . "$1" && return; }
  _text=$(cat "$1" 2>/dev/null) || return 1
  shift
  _names=" $* "
  while :; do
    case $_text in *=\'*\'*) ;; *) return 0 ;; esac
    _name=${_text%%=*} _text=${_text#*=\'} _value=
    case $_name in '' | *[!A-Z_]*) return 0 ;; *) ;; esac
    while :; do
      case $_text in *\'*) ;; *) return 0 ;; esac
      _value=$_value${_text%%\'*} _text=${_text#*\'}
      case $_text in "\\''"*) _value="$_value'" _text=${_text#???} ;; *) break ;; esac
    done
    case $_names in *" $_name "*) eval "$_name=\$_value" ;; *) ;; esac
    _text=${_text#"$BG_NL"}
  done
}

# Sleeps some seconds, where the system's sleep knows fractions.
bg_sleep() { sleep "$1" 2>/dev/null || sleep 1; }

# Start time of a process in clock ticks since boot (proc(5), stat field 22) in BG_STARTED; fails if there is none.
bg_started() {
  BG_STARTED=
  { read -r _stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  _stat=${_stat##*) }
  # shellcheck disable=SC2086 # the fields are wanted
  set -- $_stat
  [ "$1" != Z ] || return 1
  shift 19
  BG_STARTED=$1
}

bg_boot() { read -r BG_BOOT </proc/sys/kernel/random/boot_id; }

# bg_record FILE: writes down this process, which leads its own session, so that a later run can end it.
bg_record() {
  bg_started $$
  bg_boot
  # Without a process of its own, as each step does this.
  printf '%s %s %s\n' $$ "$BG_STARTED" "$BG_BOOT" >"$1" || { rm -f "$1"; return 1; }
}

# bg_group FILE: is the process group that was written down still there? Its id goes to BG_GROUP.
# A leader of another age, or another boot, is a stranger that got the same number.
bg_group() {
  BG_GROUP=
  { read -r _pid _age _boot <"$1"; } 2>/dev/null || return 1
  case $_pid in '' | *[!0-9]* | 0 | 1) return 1 ;; esac
  bg_boot
  [ "$_boot" = "$BG_BOOT" ] || return 1
  if bg_started "$_pid"; then [ "$BG_STARTED" = "$_age" ] || return 1; else bg_group_alive "$_pid" || return 1; fi
  BG_GROUP=$_pid
}

# A group of nothing but zombies is gone: nobody may be there to collect them.
bg_group_alive() {
  kill -0 "-$1" 2>/dev/null || return 1
  for _stat in /proc/[0-9]*/stat; do
    { read -r _line <"$_stat"; } 2>/dev/null || continue
    # State, parent, group, …
    case ${_line##*) } in Z* | X*) continue ;; *) _line=${_line##*) } ;; esac
    _line=${_line#* * }
    [ "${_line%% *}" != "$1" ] || return 0
  done
  return 1
}

# bg_end_group GROUP SECONDS: SIGTERM, wait, SIGKILL. Fails when it had to be killed.
bg_end_group() {
  kill -TERM "-$1" 2>/dev/null || return 0
  bg_now
  _until=$((BG_NOW + $2 * 1000))
  while bg_group_alive "$1"; do
    bg_now
    if [ "$BG_NOW" -ge "$_until" ]; then
      kill -KILL "-$1" 2>/dev/null
      while bg_group_alive "$1"; do bg_sleep 0.02; done
      return 1
    fi
    bg_sleep 0.01
  done
}

# The slot that has the traffic, or nothing, in BG_LIVE; fails when `live` is something else than our link.
bg_live() {
  BG_LIVE=
  [ -L "$BG_ROOT/live" ] || { [ ! -e "$BG_ROOT/live" ] && return 0 || return 1; }
  case $(readlink "$BG_ROOT/live") in
    slots/blue) BG_LIVE=blue ;;
    slots/green) BG_LIVE=green ;;
    *) return 1 ;;
  esac
}

# bg_set_live SLOT: THE switch of the truth, one atomic rename; an empty SLOT takes the link away.
bg_set_live() {
  if [ -z "$1" ]; then
    rm -f "$BG_ROOT/live"
  else
    ln -sfn "slots/$1" "$BG_ROOT/live.new" || return
    # point switch-link
    mv -fT "$BG_ROOT/live.new" "$BG_ROOT/live"
  fi
}

bg_other() { if [ "$1" = blue ]; then printf green; else printf blue; fi; }
