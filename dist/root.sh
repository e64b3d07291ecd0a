# shellcheck shell=sh
# The app's root: ours alone to write, and one run at a time in it.

bg_prepare_root() {
  # The root is everybody's to look at and ours to write; what is secret in it has modes of its own.
  mkdir -p "$BG_ROOT" 2>/dev/null
  [ -w "$BG_ROOT" ] && [ -O "$BG_ROOT" ] && chmod go-w "$BG_ROOT" &&
    mkdir -p "$BG_ROOT/releases" "$BG_ROOT/shared" "$BG_ROOT/slots/blue" "$BG_ROOT/slots/green" "$BG_ROOT/run" 2>/dev/null &&
    chmod 700 "$BG_ROOT/run" && { true >"$BG_ROOT/slots/blue/blue" && true >"$BG_ROOT/slots/green/green"; } 2>/dev/null && return 0
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
  [ -n "$(bg_state_find \( ! -user "$BG_UID" ! -user 0 -o ! -type l -perm /022 -o -path './slots/*/env' -perm /177 -o -path './slots/*/app.log*' -perm /117 \) -print 2>/dev/null)" ] || return 0
  chmod go-w "$BG_ROOT/releases" "$BG_ROOT/shared" 2>/dev/null
  chmod 600 "$BG_ROOT"/slots/*/env 2>/dev/null
  chmod a-x,o-rwx "$BG_ROOT"/slots/*/app.log* 2>/dev/null
  bg_state_find ! -type l -perm /022 -exec chmod go-w {} + >/dev/null 2>&1
  _wide=$(bg_state_find \( ! -user "$BG_UID" ! -user 0 -o ! -type l -perm /022 \) -print 2>/dev/null | head -n 3)
  [ -n "$_wide" ] || return 0
  _user=$(id -un) _wide=$(printf '%s\n' "$_wide" | tr '\n' ' ')
  bg_problem "others may write, or have written, what is the user $_user's alone, in $BG_ROOT: $_wide" \
    "Look at who wrote what stands there. If it is well, as root, on the host:$BG_NL  cd $BG_ROOT && chown -h $_user $_wide" 'root user'
  return 1
}

# This user's number, in BG_UID.
bg_uid() { while read -r _key BG_UID _; do [ "$_key" != Uid: ] || return 0; done </proc/self/status; }

# bg_state_find TEST…: what is ours in the root, without what the app makes. What else somebody keeps there is his affair.
bg_state_find() {
  (cd "$BG_ROOT" && find ./live ./slots ./releases ./shared ./repo.git ./run ./lock ./ledger.ndjson ./nginx.state ./switch.intent ./release.size \
    \( -path './releases/*' -o -path './shared/*' \) -prune -o ! -type s "$@")
}

# Held on descriptor 9 by this very process and closed in all that it starts: the kernel frees it with its holder.
bg_lock() {
  command -v flock >/dev/null 2>&1 || {
    bg_problem 'flock is not there' 'Install util-linux on the host.' path && return 1
  }
  # Asked first: an exec that fails would end the agent without a word.
  { true >>"$BG_ROOT/lock"; } 2>/dev/null || {
    bg_problem "$BG_ROOT/lock cannot be written by the user $(id -un)" "Look at who owns it; as root, on the host: chown $(id -un) $BG_ROOT/lock" 'root user' && return 1
  }
  exec 9>>"$BG_ROOT/lock"
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
  printf '%s, since %s\n%s\n' "$BG_HOLDER" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$BG_NOW" >"$BG_ROOT/lock" || true
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
