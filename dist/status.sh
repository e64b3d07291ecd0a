# shellcheck shell=sh
# What only `command: status` wants to know on top of the survey: who runs and holds what, how much memory it takes, which slot nginx
# really uses. Sent with that command alone. Nothing is locked and nothing is changed.

bg_survey_status() {
  [ ! -d "$BG_ROOT" ] || { [ -r "$BG_ROOT" ] && [ -x "$BG_ROOT" ]; } || bg_fact root.closed yes
  [ -L "$BG_ROOT/live" ] || [ ! -e "$BG_ROOT/live" ] || bg_fact live.other yes
  bg_status_ports
  bg_status_descriptors
  _ours=
  for _slot in blue green; do
    bg_slot_load "$_slot" || continue
    bg_status_commit
    ! bg_slot_alive "$_slot" || bg_status_processes
  done
  bg_status_holders
  bg_status_nginx
}

# The ports of blue and green in BG_BLUE_PORT and BG_GREEN_PORT: a slot's own, else what the settings say, but never one that is the other's.
bg_status_ports() {
  BG_BLUE_PORT=${BG_PORTS% *} BG_GREEN_PORT=${BG_PORTS#* }
  _blue='' _green=''
  ! bg_slot_load blue || _blue=$BG_SL_PORT
  ! bg_slot_load green || _green=$BG_SL_PORT
  [ -z "$_blue" ] || [ "$_blue" != "$BG_GREEN_PORT" ] || BG_GREEN_PORT=$BG_BLUE_PORT
  [ -z "$_green" ] || [ "$_green" != "$BG_BLUE_PORT" ] || BG_BLUE_PORT=$BG_GREEN_PORT
  BG_BLUE_PORT=${_blue:-$BG_BLUE_PORT} BG_GREEN_PORT=${_green:-$BG_GREEN_PORT}
  # Where the slots listen, which need not be a port.
  BG_BLUE_AT=$BG_BLUE_PORT BG_GREEN_AT=$BG_GREEN_PORT
  ! bg_slot_load blue || BG_BLUE_AT=$BG_SL_AT
  ! bg_slot_load green || BG_GREEN_AT=$BG_SL_AT
}

# Who holds the sockets on which something listens, and the app's lock: one pass over the descriptors of all processes that this user may look
# into. Lines `inode process` in BG_HELD.
bg_status_descriptors() {
  _inodes=
  for _at in "$BG_BLUE_PORT" "$BG_GREEN_PORT" "$BG_ROOT/slots/blue/app.sock" "$BG_ROOT/slots/green/app.sock"; do
    ! bg_listener "$_at" || _inodes="$_inodes ${BG_LISTENER#* }"
  done
  # shellcheck disable=SC2012 # one process for all descriptors
  BG_HELD=$(ls -l /proc/[0-9]*/fd 2>/dev/null | BG_INODES=$_inodes BG_LOCK_FILE=$(readlink -f "$BG_ROOT/lock") awk '
    BEGIN {
      count = split(ENVIRON["BG_INODES"], list, " ")
      for (i = 1; i <= count; i++) inode["socket:[" list[i] "]"] = list[i]
      lock = " -> " ENVIRON["BG_LOCK_FILE"]
    }
    /^\/proc\// { split($0, part, "/"); pid = part[3]; next }
    $NF in inode && !((pid, $NF) in seen) { seen[pid, $NF] = 1; print inode[$NF], pid }
    length(lock) > 4 && length($0) > length(lock) && substr($0, length($0) - length(lock) + 1) == lock { held = 1 }
    END { if (held) print "lock" }')
  # A run that holds the lock, or waits for it.
  case $BG_HELD in *lock) bg_fact run "$(head -c 500 "$BG_ROOT/lock" | tr '\n' ' ')" ;; *) ;; esac
}

# The commit of the loaded slot's release: Unix time, author, subject. Both may hold anything, of any length.
bg_status_commit() {
  case $BG_SL_SHA in '' | *[!0-9a-f]*) return 0 ;; *) ;; esac
  _commit=$(git --git-dir="$BG_ROOT/repo.git" -c log.showSignature=false log -1 --encoding=UTF-8 --format='%ct%n%an%n%s' "$BG_SL_SHA" -- 2>/dev/null | head -c 4000)
  [ -z "$_commit" ] || bg_fact "slot.$_slot.commit" "$_commit"
}

# The app's processes of the loaded slot, which runs: those of its session or its group (supervisor `process`), or who holds the socket on which
# it listens (`command`), and all their children. Since when they run, and the memory of all of them.
bg_status_processes() {
  _group='' _held=''
  if [ "$BG_SL_SUPERVISOR" != command ]; then
    _group=$BG_GROUP
  else
    ! bg_listener "$BG_SL_AT" || _held=$(bg_status_held "${BG_LISTENER#* }")
  fi
  # The clock is the newest process of all, which was started just now: the uptime of a container may be another one.
  _found=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v group="$_group" -v held="$_held" -v ticks="$(getconf CLK_TCK 2>/dev/null || printf 100)" '
    BEGIN { count = split(held, list, " "); for (i = 1; i <= count; i++) mine[list[i]] = 1 }
    {
      pid = $1
      # The name in brackets may hold anything. After it: state, parent, group, session, …
      sub(/^.*\) /, "")
      if ($20 + 0 > now) now = $20 + 0
      if ($1 ~ /[ZX]/) next
      parent[pid] = $2; begun[pid] = $20 + 0
      if (group != "" && ($3 == group || $4 == group)) mine[pid] = 1
    }
    END {
      do {
        more = 0
        for (pid in parent) if (!(pid in mine) && (parent[pid] in mine)) { mine[pid] = 1; more = 1 }
      } while (more)
      for (pid in begun) if (pid in mine) {
        pids = pids " " pid
        if (!first || begun[pid] < first) first = begun[pid]
      }
      if (first) printf "%d%s\n", (now - first) / ticks, pids
    }')
  [ -n "$_found" ] || return 0
  _pids=${_found#* } _files=
  _ours="$_ours $_pids "
  bg_fact "slot.$_slot.seconds" "${_found%% *}"
  bg_fact "slot.$_slot.pids" "$_pids"
  for _pid in $_pids; do _files="$_files /proc/$_pid/smaps_rollup /proc/$_pid/status"; done
  # Pss counts what processes share once; only their own user and root may read it.
  # shellcheck disable=SC2086 # the files
  bg_fact "slot.$_slot.memory" "$(grep -H -E '^(Pss|VmRSS):' $_files 2>/dev/null | awk '
    { split($0, part, "/") }
    /:Pss:/ { pss[part[3]] = $(NF - 1); next }
    { rss[part[3]] = $(NF - 1) }
    END { for (pid in rss) sum += (pid in pss) ? pss[pid] : rss[pid]; if (sum) print sum }')"
  # Whoever may look at nothing else still sees whose they are.
  bg_fact "slot.$_slot.uid" "$(awk '$1 == "Uid:" { print $3; exit }' "/proc/${_pids%% *}/status" 2>/dev/null)"
}

# bg_status_held INODE: the processes that hold this socket.
bg_status_held() { [ -z "$1" ] || printf '%s\n' "$BG_HELD" | awk -v inode="$1" '$1 == inode { printf "%s ", $2 }'; }

# Who listens on the slots' ports: user id and processes; in words where none of them is a slot's.
bg_status_holders() {
  for _port in "$BG_BLUE_PORT" "$BG_GREEN_PORT"; do
    bg_listener "$_port" || continue
    _uid=${BG_LISTENER% *} _pids=$(bg_status_held "${BG_LISTENER#* }") _known=
    for _pid in $_pids; do case $_ours in *" $_pid "*) _known=1 ;; *) ;; esac; done
    bg_fact "port.$_port" "$_uid $_pids"
    [ -n "$_known" ] || bg_fact "port.$_port.text" "$(bg_listener_text "$_port")"
  done
}

# What nginx really does with the app's requests, asked as the last deploy asked it.
bg_status_nginx() {
  [ -r "$BG_ROOT/nginx.state" ] || return 0
  BG_NG_MODE='' BG_NG_PROBES='' BG_NG_PROBE_BLUE='' BG_NG_PROBE_GREEN=''
  # shellcheck disable=SC2086 # names
  bg_load "$BG_ROOT/nginx.state" $BG_NG_NAMES || return 0
  # A word of curl's own would be an option.
  case $BG_NG_URL in http://* | https://*) ;; *) return 0 ;; esac
  bg_fact nginx.mode "${BG_NG_MODE:-reload}"
  bg_fact nginx.url "$BG_NG_URL"
  _to_blue=0 _to_green=0
  for _round in 1 2 3; do
    bg_ask_watching "$BG_BLUE_AT" "$BG_GREEN_AT"
    [ "$BG_REACHED" = 0 ] || _to_blue=$((_to_blue + 1))
    [ "$BG_STRAYED" = 0 ] || _to_green=$((_to_green + 1))
  done
  bg_fact nginx.asked "$BG_STATUS"
  bg_fact nginx.rounds "$_to_blue $_to_green"
  bg_fact nginx.pool "$(bg_status_pool)"
  if [ -n "$BG_NG_PROBES" ]; then
    bg_probe
    bg_fact nginx.probe "$BG_PROBE_ANSWERS"
    bg_fact nginx.probe.blue "$BG_NG_PROBE_BLUE"
    bg_fact nginx.probe.green "$BG_NG_PROBE_GREEN"
  fi
}

# The slots to which nginx's workers hold open connections.
bg_status_pool() {
  bg_worker_uid || return 0
  # Their own sockets, where this user may look into them; else those of their user.
  BG_INODES=$(for _kid in $BG_SERVING; do ls -l "/proc/$_kid/fd"; done 2>/dev/null | sed -n 's/.* -> socket:\[\([0-9]*\)\]$/\1/p')
  ! bg_status_connected "$BG_BLUE_AT" || printf 'blue '
  ! bg_status_connected "$BG_GREEN_AT" || printf 'green '
}

# bg_status_connected AT: does a worker of nginx hold a connection that is open there?
bg_status_connected() {
  case $1 in
    /*) ;;
    *)
      [ -z "$BG_INODES" ] || {
        # shellcheck disable=SC2086 # one file or two
        cat $BG_SOCKETS | BG_INODES=$BG_INODES awk -v port="$(printf :%04X "$1")" '
          BEGIN { count = split(ENVIRON["BG_INODES"], list, "\n"); for (i = 1; i <= count; i++) nginx[list[i]] = 1 }
          $4 == "01" && substr($3, length($3) - 4) == port && $10 in nginx { found = 1; exit }
          END { exit !found }'
        return
      }
      ;;
  esac
  [ "$(bg_established "$1" "$BG_WORKER_UID")" != 0 ]
}
