# shellcheck shell=sh
# One look at the host. Each fact is a line `name =text`, or `name +` and lines up to the session's mark: no process for each
# fact. All of them travel as one event, compressed.

bg_survey() {
  BG_FACTS=
  bg_survey_host
  bg_survey_root
  bg_survey_ports
  bg_survey_nginx
  bg_survey_commit
  # Only `command: status` brings it along.
  ! command -v bg_survey_status >/dev/null 2>&1 || bg_survey_status
  bg_event facts "$(printf '%s' "$BG_FACTS" | gzip -c | base64 -w 0)"
}

bg_fact() {
  case $2 in
    *"$BG_NL"*) BG_FACTS="$BG_FACTS$1 +$BG_NL$2$BG_NL$BG_MARK$BG_NL" ;;
    *) BG_FACTS="$BG_FACTS$1 =$2$BG_NL" ;;
  esac
}

bg_survey_host() {
  # uid=1000(deploy) gid=…
  _id=$(id)
  BG_UID=${_id#uid=} BG_UID=${BG_UID%%[!0-9]*}
  _id=${_id#*\(}
  bg_fact user "${_id%%\)*}"
  bg_fact uid "$BG_UID"
  bg_fact time "$(date -u +%Y%m%dT%H%M%SZ)"
  bg_fact addresses "$(hostname -I 2>/dev/null || ip -o addr 2>/dev/null | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
  _tools=
  for _tool in git flock setsid curl wget awk sed; do
    ! command -v "$_tool" >/dev/null 2>&1 || _tools="$_tools $_tool"
  done
  bg_fact tools "$_tools"
}

bg_survey_root() {
  _at=$BG_ROOT
  while [ ! -d "$_at" ]; do _at=${_at%/*} && _at=${_at:-/}; done
  # Free blocks, the size of a block, free inodes.
  bg_fact disk "$(stat -f -c '%a %S %d' "$_at" 2>/dev/null)"
  [ -d "$BG_ROOT" ] || return 0
  bg_fact root "$([ -w "$BG_ROOT" ] && printf writable || printf readable)"
  [ ! -L "$BG_ROOT/live" ] || bg_fact live "$(readlink "$BG_ROOT/live")"
  bg_live
  [ ! -f "$BG_ROOT/switch.intent" ] || bg_fact intent yes
  [ ! -f "$BG_ROOT/nginx.state" ] || bg_fact nginx.before "$(BG_NG_VERSION='' && bg_load "$BG_ROOT/nginx.state" BG_NG_VERSION && printf '%s' "$BG_NG_VERSION")"
  for _slot in blue green; do
    bg_slot_load "$_slot" || continue
    bg_fact "slot.$_slot.release" "$BG_SL_RELEASE"
    bg_fact "slot.$_slot.sha" "$BG_SL_SHA"
    bg_fact "slot.$_slot.port" "$BG_SL_PORT"
    bg_fact "slot.$_slot.listen" "$BG_SL_LISTEN"
    bg_fact "slot.$_slot.supervisor" "$BG_SL_SUPERVISOR"
    _ask=
    bg_standby "$_slot" && bg_fact "slot.$_slot.standby" yes && [ "$BG_COMMAND" = rollback ] && _ask=1
    [ "$BG_COMMAND" != look ] || _ask=1
    bg_slot_alive "$_slot" || continue
    bg_fact "slot.$_slot.alive" yes
    [ -n "$_ask" ] || continue
    bg_healthy && bg_fact "slot.$_slot.healthy" yes
    bg_fact "slot.$_slot.health" "$BG_STATUS"
  done
  for _file in "$BG_ROOT"/releases/*/.release.json; do
    { read -r _line <"$_file"; } 2>/dev/null && bg_fact release "$_line"
  done
  for _dir in "$BG_ROOT"/releases/*/; do
    [ ! -d "$_dir" ] || [ -f "$_dir.release.json" ] || { _dir=${_dir%/} && bg_fact unfinished "${_dir##*/}"; }
  done
  bg_fact ledger "$(tail -n 200 "$BG_ROOT/ledger.ndjson" 2>/dev/null)"
  # Of all its lines, however many runs have failed since: what was live is what can be gone back to.
  bg_fact waslive "$(awk '
    function live(name, start) { if (match($0, "\"" name "\":\"[^\"]+\"")) { id = substr($0, RSTART + start, RLENGTH - start - 1); if (!(id in seen)) { seen[id] = 1; print id } } }
    # What was live before counts too: the lines about it may be lost.
    /}$/ { live("previousRelease", 19); live("liveRelease", 15) }
  ' "$BG_ROOT/ledger.ndjson" 2>/dev/null)"
  { read -r _size <"$BG_ROOT/release.size"; } 2>/dev/null && bg_fact size "$_size"
}

bg_survey_ports() {
  for _port in $BG_PORTS; do
    ! bg_listening "$_port" || bg_fact "listener.$_port" yes
  done
}

# nginx -T holds other sites' secrets: it goes to the planner and is never shown.
bg_survey_nginx() {
  if [ -z "$BG_NG_COMMAND" ]; then
    BG_NG_COMMAND='sudo -n /usr/sbin/nginx'
    [ "$BG_UID" != 0 ] || BG_NG_COMMAND=nginx
    [ "$BG_UID" != 0 ] || command -v nginx >/dev/null 2>&1 || BG_NG_COMMAND=/usr/sbin/nginx
  fi
  bg_fact nginx.command "$BG_NG_COMMAND"
  _dump=$( { eval "$BG_NG_COMMAND -T"; printf 'status %s' $?; } 2>"$BG_PIPES/nginx" 9>&- )
  _status=${_dump##*status }
  bg_fact nginx.status "$_status"
  [ "$_status" = 0 ] || bg_fact nginx.said "$(tail -n 20 "$BG_PIPES/nginx")"
  _dump=${_dump%status *}
  [ -n "$_dump" ] || return 0
  bg_fact nginx.dump "$_dump"
  # -V needs no rights: ask the program itself, not through sudo, whose rule need not allow it.
  bg_fact nginx.version "$(eval "${BG_NG_COMMAND#sudo -n } -V" 2>&1)"
  bg_fact nginx.files "$(bg_nginx_files)"
  ! grep -q '^nginx: master' /proc/[0-9]*/cmdline 2>/dev/null || bg_fact nginx.running yes
}

# The files that may hold the upstream: path, real path, writable or not, sum; with tabs between them.
bg_nginx_files() {
  printf '%s' "$_dump" | awk -v ports="$BG_PORTS" '
    BEGIN { split(ports, port, " ") }
    /^# configuration file .*:$/ { file = substr($0, 22, length($0) - 22); next }
    index($0, port[1]) || index($0, port[2]) || /upstream/ { if (!(file in seen)) { seen[file] = 1; print file } }
  ' | while IFS= read -r _file; do
    _real=$(readlink -f "$_file") || continue
    _write=no
    [ "$BG_UID" = 0 ] || { [ -w "$_real" ] && [ -w "${_real%/*}" ]; } && _write=yes
    printf '%s\t%s\t%s\t%s\n' "$_file" "$_real" "$_write" "$(bg_masked_sum "$_real")"
  done
}

bg_survey_commit() {
  [ -n "$BG_REF" ] || return 0
  BG_SHA_FOUND=$BG_REF
  case $BG_REF in
    *[!0-9a-f]* | '') bg_resolve_ref ;;
    *) [ ${#BG_REF} = 40 ] || bg_resolve_ref ;;
  esac
  bg_fact commit "$BG_SHA_FOUND"
  [ -n "$BG_SHA_FOUND" ] && [ -d "$BG_ROOT/repo.git" ] && bg_live && [ -n "$BG_LIVE" ] && bg_slot_load "$BG_LIVE" || return 0
  if git --git-dir="$BG_ROOT/repo.git" cat-file -e "$BG_SHA_FOUND^{commit}" 2>/dev/null &&
    git --git-dir="$BG_ROOT/repo.git" merge-base --is-ancestor "$BG_SHA_FOUND" "$BG_SL_SHA" 2>/dev/null; then
    bg_fact ancestor yes
  fi
}

# A branch, a tag (an annotated one leads to its commit), or a commit given by its first digits.
bg_resolve_ref() {
  _refs=$(bg_git ls-remote "$BG_REPOSITORY" 2>&1) ||
    bg_fail "git cannot read $BG_REPOSITORY" \
      'See what git says below. A private repository needs repository-token (https) or a deploy key of the host (ssh).' \
      'repository repository-token' "$_refs"
  BG_SHA_FOUND=$(printf '%s\n' "$_refs" | BG_WANTED=$BG_REF awk '
    BEGIN { ref = ENVIRON["BG_WANTED"] }
    $2 == "refs/heads/" ref { rank[4] = $1 }
    $2 == "refs/tags/" ref "^{}" { rank[3] = $1 }
    $2 == "refs/tags/" ref { rank[2] = $1 }
    $2 == ref { rank[1] = $1 }
    END { for (i = 4; i > 0; i--) if (i in rank) { print rank[i]; exit } }')
  [ -z "$BG_SHA_FOUND" ] || return 0
  case $BG_REF in
    *[!0-9a-f]*) ;;
    *) # Given by its first digits: only a look at all commits tells.
      _probe=$BG_PIPES/probe.git
      git init -q --bare "$_probe" && bg_git --git-dir="$_probe" fetch -q --filter=tree:0 "$BG_REPOSITORY" '+refs/*:refs/*' >/dev/null 2>&1 &&
        BG_SHA_FOUND=$(git --git-dir="$_probe" rev-parse -q --verify "$BG_REF^{commit}" 2>/dev/null)
      rm -rf "$_probe"
      ;;
  esac
}
