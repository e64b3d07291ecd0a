# shellcheck shell=sh
# Words that every part of the agent uses: events, time, quoting, processes, ports.
# Runs under dash, bash and busybox ash. Data never goes into here-documents: bash writes large ones to disk.

BG_NL='
'

# One event for the action: a line of its own that begins with the session's mark, which no output can guess.
bg_event() { printf '\n%s %s\n' "$BG_MARK" "$*"; }

# Text of any shape as one word of base64; a dot stands for the empty text.
bg_encode() {
  if [ -n "$1" ]; then printf '%s' "$1" | base64 | tr -d '\n'; else printf .; fi
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
bg_quote() {
  BG_QUOTED=
  _rest=$1
  while :; do
    case $_rest in
      *\'*) BG_QUOTED="$BG_QUOTED${_rest%%\'*}'\\''" _rest=${_rest#*\'} ;;
      *) break ;;
    esac
  done
  BG_QUOTED="'$BG_QUOTED$_rest'"
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
  printf '%s' "$_text" >"$_file.new" && mv -f "$_file.new" "$_file"
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
  printf '%s %s %s\n' $$ "$BG_STARTED" "$BG_BOOT" >"$1.new" && mv -f "$1.new" "$1"
}

# bg_group FILE: is the process group that was written down still there? Its id goes to BG_GROUP.
# A leader of another age, or another boot, is a stranger that got the same number.
bg_group() {
  BG_GROUP=
  { read -r _pid _age _boot <"$1"; } 2>/dev/null || return 1
  case $_pid in '' | *[!0-9]* | 0 | 1) return 1 ;; esac
  bg_boot
  [ "$_boot" = "$BG_BOOT" ] || return 1
  if bg_started "$_pid"; then [ "$BG_STARTED" = "$_age" ] || return 1; fi
  bg_group_alive "$_pid" || return 1
  BG_GROUP=$_pid
}

# A group of nothing but zombies is gone: nobody may be there to collect them.
bg_group_alive() {
  kill -0 "-$1" 2>/dev/null || return 1
  for _stat in /proc/[0-9]*/stat; do
    { read -r _line <"$_stat"; } 2>/dev/null || continue
    _line=${_line##*) }
    case $_line in
      Z* | X*) ;;
      [A-Z]" "[0-9]*" $1 "*) return 0 ;;
    esac
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
      while bg_group_alive "$1"; do bg_sleep 0.05; done
      return 1
    fi
    bg_sleep 0.05
  done
}

# /proc/net/tcp and tcp6 are readable for everybody; other users' process ids are not.
bg_sockets() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }

# bg_listening PORT: does anything listen there? Its "uid inode" goes to BG_LISTENER.
bg_listening() {
  BG_LISTENER=$(bg_sockets | awk -v port="$(printf ':%04X' "$1")" \
    '$4 == "0A" && substr($2, length($2) - 4) == port { print $8, $10; exit }')
  [ -n "$BG_LISTENER" ]
}

# bg_listener_pids PORT: the process ids that hold the listening socket, as far as this user may see them.
bg_listener_pids() {
  bg_listening "$1" || return 0
  # shellcheck disable=SC2012 # one process for all descriptors; the names are numbers
  ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[${BG_LISTENER#* }]" '
    /^\/proc\// { split($0, part, "/"); pid = part[3] }
    index($0, socket) && !(pid in seen) { seen[pid] = 1; print pid }'
}

# bg_listener_text PORT: who listens there, in words.
bg_listener_text() {
  bg_listening "$1" || return 0
  _uid=${BG_LISTENER% *}
  _text="user $(id -nu "$_uid" 2>/dev/null || printf '%s' "$_uid")"
  for _pid in $(bg_listener_pids "$1" | head -n 3); do
    _text="$_text, process $_pid ($(tr '\0' ' ' <"/proc/$_pid/cmdline" 2>/dev/null | cut -c1-80))"
  done
  printf '%s' "$_text"
}

# bg_connections PORT: one word for each connection with that port at either end, named by its other end.
# Established, closing and TIME_WAIT ones: a request that was answered a moment ago is still seen.
bg_connections() {
  bg_sockets | awk -v port="$(printf ':%04X' "$1")" '
    $4 != "0A" && $4 ~ /^[0-9A-F][0-9A-F]$/ && $4 != "02" && $4 != "03" {
      near = substr($2, length($2) - 4); far = substr($3, length($3) - 4)
      if (near == port) seen[$3] = 1; else if (far == port) seen[$2] = 1
    }
    END { for (end in seen) print end }'
}

# bg_established PORT: how many connections with that port are open now.
bg_established() {
  bg_sockets | awk -v port="$(printf ':%04X' "$1")" '
    $4 == "01" {
      if (substr($2, length($2) - 4) == port) seen[$3] = 1
      else if (substr($3, length($3) - 4) == port) seen[$2] = 1
    }
    END { count = 0; for (end in seen) count++; print count }'
}

# bg_new_connections PORT KNOWN: how many connections there are that are not among the KNOWN ones.
bg_new_connections() {
  bg_connections "$1" | BG_KNOWN=$2 awk '
    BEGIN { count = split(ENVIRON["BG_KNOWN"], words, /[ \n]+/); for (i = 1; i <= count; i++) known[words[i]] = 1 }
    !($0 in known) { fresh++ }
    END { print fresh + 0 }'
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
    ln -sfn "slots/$1" "$BG_ROOT/live.new" && mv -fT "$BG_ROOT/live.new" "$BG_ROOT/live"
  fi
}

bg_other() { if [ "$1" = blue ]; then printf green; else printf blue; fi; }

# bg_ask URL SECONDS [curl options]: one GET. Status in BG_STATUS (000: no answer), first bytes of the answer in BG_ANSWER.
bg_ask() {
  _url=$1 _limit=$2
  shift 2
  if command -v curl >/dev/null 2>&1; then
    BG_ANSWER=$(curl -sSk --noproxy '*' --max-time "$_limit" -A bluegreen-action -H 'Connection: close' \
      -w '\n%{http_code}' "$@" "$_url" 2>&1 | tail -c 4096 | tr -d '\0')
    BG_STATUS=${BG_ANSWER##*"$BG_NL"}
    BG_ANSWER=${BG_ANSWER%"$BG_NL"*}
  else
    BG_ANSWER=$(bg_ask_wget "$_url" "$_limit" "$@" 2>&1 | tail -c 4096 | tr -d '\0')
    BG_STATUS=$(printf '%s\n' "$BG_ANSWER" | awk '$1 ~ /^HTTP\// { print $2; exit }')
  fi
  case $BG_STATUS in [0-9][0-9][0-9]) ;; *) BG_STATUS=000 ;; esac
}

# GNU and busybox wget both tell the server's answer with -S; only GNU's can be told not to follow a redirect.
bg_ask_wget() {
  _url=$1 _limit=$2
  shift 2
  _header='User-Agent: bluegreen-action'
  while [ $# -gt 0 ]; do
    case $1 in
      -H) _header=$2 ;;
      # host:port of the URL are replaced by where to connect; the name goes into the Host header.
      --connect-to)
        _name=${_url#*://} && _path=/${_name#*/} _name=${_name%%/*}
        _header="Host: $_name" _url="http://${2#::}$_path"
        ;;
    esac
    shift 2
  done
  if wget --help 2>&1 | grep -q max-redirect; then
    wget -S -O - -T "$_limit" -t 1 --max-redirect=0 --no-proxy --content-on-error --header "$_header" "$_url"
  else
    wget -S -O - -T "$_limit" -Y off --header "$_header" "$_url"
  fi
}

# bg_wanted STATUS RANGES: is 204 in "200-299 401-401"?
bg_wanted() {
  for _range in $2; do
    [ "$1" -ge "${_range%-*}" ] && [ "$1" -le "${_range#*-}" ] && return 0
  done
  return 1
}
