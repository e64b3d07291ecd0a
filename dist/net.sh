# shellcheck shell=sh
# Ports, connections and questions over HTTP, with as few processes as can be: each costs milliseconds of every deploy.

# /proc/net/tcp and tcp6 are readable for everybody, other users' process ids are not. Reading them takes about 10 ms even
# when they are empty (the kernel walks all its buckets); ss, where it is there, asks for the ports alone.
BG_SOCKETS=/proc/net/tcp
[ ! -r /proc/net/tcp6 ] || BG_SOCKETS='/proc/net/tcp /proc/net/tcp6'
BG_SS=
! command -v ss >/dev/null 2>&1 || ! ss -Htln 'sport = :1' >/dev/null 2>&1 || BG_SS=1

# Where an app listens is a port, or the path of a Unix socket.

# bg_listening AT: does anything listen there?
bg_listening() {
  case $1 in /*) bg_listener "$1" && return 0 || return 1 ;; esac
  if [ -n "$BG_SS" ]; then [ -n "$(ss -Htln "sport = :$1")" ]; else bg_listener "$1"; fi
}

# bg_listener AT: the same; "uid inode" of who listens goes to BG_LISTENER.
# shellcheck disable=SC2086 # one file or two
bg_listener() {
  case $1 in
    /*)
      # Fields: address, references, protocol, flags (1 << 16: listens), type, state, inode, path. Source: unix_seq_show in the kernel's net/unix/af_unix.c
      BG_LISTENER=$(BG_PATH_WANTED=$1 awk '
        $4 == "00010000" && substr($0, length($0) - length(ENVIRON["BG_PATH_WANTED"])) == " " ENVIRON["BG_PATH_WANTED"] { print $7; exit }' /proc/net/unix)
      [ -n "$BG_LISTENER" ] || return 1
      BG_LISTENER="$(stat -c %u "$1" 2>/dev/null) $BG_LISTENER"
      return
      ;;
  esac
  BG_LISTENER=$(awk -v port="$1" '
    BEGIN { port = sprintf(":%04X", port) }
    $4 == "0A" && substr($2, length($2) - 4) == port { print $8, $10; exit }' $BG_SOCKETS)
  [ -n "$BG_LISTENER" ]
}

# bg_listener_pids AT: the process ids that hold the listening socket, as far as this user may see them.
bg_listener_pids() {
  bg_listener "$1" || return 0
  # shellcheck disable=SC2012 # one process for all descriptors; the names are numbers
  ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[${BG_LISTENER#* }]" '
    /^\/proc\// { split($0, part, "/"); pid = part[3] }
    index($0, socket) && !(pid in seen) { seen[pid] = 1; print pid }'
}

# bg_listener_text AT: who listens there, in words.
bg_listener_text() {
  bg_listener "$1" || return 0
  _uid=${BG_LISTENER% *}
  _text="user $(id -nu "$_uid" 2>/dev/null || printf '%s' "$_uid")"
  for _pid in $(bg_listener_pids "$1" | head -n 3); do
    _text="$_text, process $_pid ($(tr '\0' ' ' <"/proc/$_pid/cmdline" 2>/dev/null | cut -c1-80))"
  done
  printf '%s' "$_text"
}

# bg_connections AT OTHER: a line for each connection with one of them at either end: its state first, its two ends
# last, as `address:port`, or an inode and the path. TIME_WAIT ones too: a request that was answered a moment ago is still seen.
bg_connections() {
  for _at in "$1" "$2"; do
    case $_at in /*) bg_socket_connections "$_at" ;; *) ;; esac
  done
  case $1$2 in
    /*/*) ;;
    /*) bg_port_connections "$2" "$2" ;;
    */*) bg_port_connections "$1" "$1" ;;
    *) bg_port_connections "$1" "$2" ;;
  esac
}

# A connection carries the path at the app's end. One that is over leaves no trace.
bg_socket_connections() {
  BG_PATH_WANTED=$1 awk '
    BEGIN { path = ENVIRON["BG_PATH_WANTED"]; name = path; gsub(/ /, "%20", name) }
    $4 != "00010000" && substr($0, length($0) - length(path)) == " " path { print "ESTAB", $7, name }' /proc/net/unix
}

# shellcheck disable=SC2086 # one file or two
bg_port_connections() {
  if [ -n "$BG_SS" ]; then
    ss -Htan "( sport = :$1 or dport = :$1 or sport = :$2 or dport = :$2 )"
  else
    # The states' numbers are those of the kernel's include/net/tcp_states.h.
    awk -v port="$1" -v other="$2" '
      BEGIN {
        want[sprintf("%04X", port)] = port; want[sprintf("%04X", other)] = other
        name["01"] = "ESTAB"; name["02"] = "SYN-SENT"; name["03"] = "SYN-RECV"; name["0C"] = "SYN-RECV"; name["0A"] = "LISTEN"
      }
      {
        split($2, near, ":"); split($3, far, ":")
        if (near[2] in want || far[2] in want)
          print (($4 in name) ? name[$4] : "CLOSING"), near[1] ":" ((near[2] in want) ? want[near[2]] : near[2]), far[1] ":" ((far[2] in want) ? want[far[2]] : far[2])
      }' $BG_SOCKETS
  fi
}

# bg_count_new KNOWN AT OTHER [NOW]: how many connections of each there are now that are not among the KNOWN ones:
# BG_REACHED, BG_STRAYED. All of them stand in BG_NOW_KNOWN then.
# They come through a pipe: a busy site has more than a variable of the environment may hold.
bg_count_new() {
  BG_NOW_KNOWN="$4$(bg_connections "$2" "$3")"
  _counts=$(printf '%s\n--\n%s\n' "$1" "$BG_NOW_KNOWN" | BG_AT_ONE=$2 BG_AT_OTHER=$3 awk '
    function at(name) { gsub(/ /, "%20", name); return name ~ /^\// ? name : ":" name }
    function ends(text, end) { return length(text) >= length(end) && substr(text, length(text) - length(end) + 1) == end }
    BEGIN { one = at(ENVIRON["BG_AT_ONE"]); other = at(ENVIRON["BG_AT_OTHER"]) }
    $0 == "--" { now = 1; next }
    # A connection on this machine is there twice, once for each end; its two ends in order are one name for both.
    NF < 3 || $1 == "LISTEN" || $1 ~ /^SYN/ { next }
    { key = $(NF - 1) < $NF ? $(NF - 1) " " $NF : $NF " " $(NF - 1) }
    !now { known[key] = 1; next }
    !(key in known) {
      known[key] = 1
      if (ends($(NF - 1), one) || ends($NF, one)) reached++
      else if (ends($(NF - 1), other) || ends($NF, other)) strayed++
    }
    END { print reached + 0, strayed + 0 }')
  BG_REACHED=${_counts% *} BG_STRAYED=${_counts#* }
}

# bg_watch_begin AT OTHER, bg_watch_end: in between, connections to Unix sockets are looked for all the time, as they leave no trace
# when they end. Those that were seen stand in BG_SEEN then, as lines of bg_connections.
bg_watch_begin() {
  rm -f "$BG_PIPES/watch.end"
  : >"$BG_PIPES/watch.seen"
  BG_AT_ONE=$1 BG_AT_OTHER=$2 BG_END=$BG_PIPES/watch.end awk '
    BEGIN {
      one = ENVIRON["BG_AT_ONE"]; other = ENVIRON["BG_AT_OTHER"]; end = ENVIRON["BG_END"]; file = "/proc/net/unix"
      print "begun"; fflush()
      # Bounded, should nobody end it: some seconds.
      for (looks = 0; looks < 100000; looks++) {
        while ((getline line < file) > 0) {
          # Most lines are of other sockets: this has to be quick, or what is short-lived is missed.
          if (!index(line, one) && !index(line, other)) continue
          path = substr(line, index(line, " /") + 1)
          if (line ~ / 00010000 / || (path != one && path != other)) continue
          split(line, field, " ")
          if (field[7] in seen) continue
          seen[field[7]] = 1
          gsub(/ /, "%20", path)
          print "ESTAB", field[7], path
        }
        close(file)
        if ((getline line < end) >= 0) break
        close(end)
      }
    }' </dev/null >"$BG_PIPES/watch.seen" 2>/dev/null &
  BG_WATCH=$!
  _spins=0
  until [ -s "$BG_PIPES/watch.seen" ] || [ "$_spins" -gt 20000 ]; do _spins=$((_spins + 1)); done
}

bg_watch_end() {
  : >"$BG_PIPES/watch.end"
  wait "$BG_WATCH"
  BG_SEEN=$(sed 1d "$BG_PIPES/watch.seen")
  [ -z "$BG_SEEN" ] || BG_SEEN="$BG_SEEN$BG_NL"
}

# bg_established AT [UID]: how many connections are open there now; with a UID only those whose other end is a process of
# that user on this host. /proc/net/tcp and ss tell the owner of each end.
# shellcheck disable=SC2086 # one file or two
bg_established() {
  case $1 in /*) bg_socket_connections "$1" | awk 'END { print NR }' && return ;; esac
  if [ -n "$BG_SS" ]; then
    # No uid is printed for root's.
    ss -Htne state established "( sport = :$1 or dport = :$1 )" | awk '
      { uid = 0; for (i = 5; i <= NF; i++) if ($i ~ /^uid:/) uid = substr($i, 5); print $3, $4, uid }'
  else
    awk '$4 == "01" { print $2, $3, $8 }' $BG_SOCKETS
  fi | awk -v port="$1" -v hex="$(printf %04X "$1")" -v wanted="$2" '
    # The two ends may write the address in two ways (a socket for IPv6 that took a connection over IPv4): the ports tell them.
    { sub(/.*:/, "", $1); sub(/.*:/, "", $2) }
    $1 == port || $1 == hex { app[$2] = 1 }
    $2 == port || $2 == hex { from[$1] = $3 }
    END {
      if (wanted == "") for (end in app) count++
      else for (end in from) if (end in app && from[end] == wanted) count++
      print count + 0
    }'
}

# bg_ask URL SECONDS [curl options]: one GET. Status in BG_STATUS; 000: no answer. How long it took, in ms, in BG_TOOK.
bg_ask() {
  _url=$1 _limit=$2
  shift 2
  if command -v curl >/dev/null 2>&1; then
    BG_STATUS=$(bg_curl --max-time "$_limit" -o /dev/null -w '%{http_code} %{time_total}' "$@" "$_url" 2>/dev/null)
    _took=${BG_STATUS#* } BG_STATUS=${BG_STATUS%% *}
    bg_ms "$_took"
  else
    bg_now
    BG_TOOK=$BG_NOW
    BG_STATUS=$(bg_wget "$@" 2>&1 >/dev/null | awk '$1 ~ /^HTTP\// { print $2; exit }')
    bg_now
    BG_TOOK=$((BG_NOW - BG_TOOK))
  fi
  case $BG_STATUS in [0-9][0-9][0-9]) ;; *) BG_STATUS=000 ;; esac
}

# bg_ms SECONDS: 0.012345 as 12 in BG_TOOK; 0 for what is no such number.
bg_ms() {
  BG_TOOK=0
  case $1 in
    *[!0-9.]* | .* | *. | *.*.*) ;;
    *.[0-9][0-9][0-9]*)
      _part=${1#*.}
      # Beginning with a 1: a leading zero would make it octal.
      BG_TOOK=$((${1%%.*} * 1000 + 1${_part%"${_part#???}"} - 1000))
      ;;
    *) ;;
  esac
}

# bg_answer URL SECONDS [curl options]: asks once more, and prints what a person wants to see of the answer.
bg_answer() {
  _url=$1 _limit=$2
  shift 2
  if command -v curl >/dev/null 2>&1; then
    bg_curl --max-time "$_limit" -w ' (status %{http_code})' "$@" "$_url" 2>&1
  else
    bg_wget "$@" 2>&1
  fi | tail -c 600 | tr -d '\0'
}

# bg_body URL SECONDS [curl options]: what is answered, without its head.
bg_body() {
  _url=$1 _limit=$2
  shift 2
  if command -v curl >/dev/null 2>&1; then
    bg_curl --max-time "$_limit" "$@" "$_url" 2>/dev/null
  else
    bg_wget "$@" 2>/dev/null
  fi | head -c 1000 | tr -d '\0'
}

bg_curl() { curl -q -g -sSk --noproxy '*' -A bluegreen-action -H 'Connection: close' "$@"; }

# GNU and busybox wget both tell the server's answer with -S; only GNU's can be told not to follow a redirect, and
# busybox is also built without -T. Takes _url, _limit and curl's options -H, --connect-to, --haproxy-protocol.
bg_wget() {
  _header=
  while [ $# -gt 0 ]; do
    case $1 in
      -H) _header=$2 && shift ;;
      # host:port of the URL are replaced by where to connect; the name goes into the Host header.
      --connect-to)
        _name=${_url#*://} && _path=/${_name#*/} _name=${_name%%/*}
        _header="Host: $_name" _url="http://${2#::}$_path" && shift
        ;;
      --haproxy-protocol)
        printf 'only curl can ask with the PROXY protocol: install it on this host\n'
        return 1
        ;;
    esac
    shift
  done
  set -- wget -S -O - -U bluegreen-action ${_header:+--header "$_header"}
  _help=$(wget --help 2>&1)
  case $_help in *--no-check-certificate*) set -- "$@" --no-check-certificate ;; esac
  case $_help in
    *--max-redirect*) set -- "$@" -T "$_limit" -t 1 --max-redirect=0 --no-proxy --content-on-error ;;
    *'-T SEC'*) set -- "$@" -T "$_limit" -Y off ;;
    *) set -- timeout "$_limit" "$@" -Y off ;;
  esac
  "$@" "$_url"
}

# bg_wanted STATUS RANGES: is 204 in "200-299 401-401"?
bg_wanted() {
  for _range in $2; do
    [ "$1" -ge "${_range%-*}" ] && [ "$1" -le "${_range#*-}" ] && return 0
  done
  return 1
}
