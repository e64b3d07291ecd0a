# shellcheck shell=sh
# setup: the files that make nginx follow `live`. Written as root, tested, reloaded once, asked; else all of it is put back.
# The step's own script brings bg_setup_writes, bg_setup_probes and bg_setup_visits, which call their argument for each line of words.

bg_step_setup() {
  BG_SU_COUNT=0 BG_SU_MADE='' BG_SU_RELOADED=''
  bg_workers || bg_fail 'nginx is not running' 'Start it; nothing was changed.' nginx-command
  [ -n "$BG_SU_ROOT" ] || { bg_setup_look && return; }
  bg_nginx_lock || bg_fail "the lock on $BG_NG_FOLDER was not free within $BG_LOCK_TIMEOUT s" \
    'An app on this host switches its traffic; run setup again.' lock-timeout
  bg_setup_writes bg_setup_unchanged
  BG_SU_BEFORE=''
  bg_setup_visits bg_setup_visit
  BG_SU_FIRST=$BG_SU_BEFORE
  # The time limit, and the host's own end, come as a signal.
  trap 'bg_setup_fail "setup was ended before it was done" "Run it again." "step-timeout lock-timeout"' TERM
  bg_setup_files
  if [ "$BG_SU_COUNT" = 0 ] && bg_setup_prove; then
    bg_note notice 'set up already, and nginx answers so: nothing was changed'
    return
  fi
  bg_setup_activate
  trap - TERM
  bg_setup_forget
}

# Another user can only look.
bg_setup_look() {
  if bg_setup_prove; then
    bg_note notice 'set up already, and nginx answers so: nothing was changed'
  else
    bg_note warning "nginx's files are as they should be, but what runs is not by them: $BG_SU_WRONG. As root: ${BG_NG_COMMAND#sudo -n } -t && ${BG_NG_COMMAND#sudo -n } -s reload"
  fi
}

# bg_setup_unchanged FILE SUM …: nobody changed it since the survey. Without a sum nginx did not load it.
bg_setup_unchanged() {
  [ -z "$2" ] || [ "$(cksum <"$1")" = "$2" ] || bg_fail "nginx's file $1 was changed since the survey: nothing was written" \
    'Somebody or something else edits it. Look at the change, then run setup again.' nginx-upstream
}

bg_setup_files() {
  # Left by one that was killed.
  rm -f "$BG_SU_FOLDER"/.old.*
  if [ ! -d "$BG_SU_FOLDER" ]; then
    mkdir "$BG_SU_FOLDER" && BG_SU_MADE=1 || bg_fail "cannot make the folder $BG_SU_FOLDER" 'Nothing was changed.' user
  fi
  [ "$(stat -c '%u %g %a' "$BG_SU_FOLDER")" = '0 0 755' ] || { chown 0:0 "$BG_SU_FOLDER" && chmod 755 "$BG_SU_FOLDER"; }
  bg_setup_writes bg_setup_write
  for _file in "$BG_SU_FOLDER/$BG_APP"-http.conf "$BG_SU_FOLDER/$BG_APP"-server.conf; do
    [ ! -f "$_file" ] || [ "$(stat -c '%u %g %a' "$_file")" = '0 0 644' ] || {
      chown 0:0 "$_file" && chmod 644 "$_file" && bg_note notice "$_file belongs to root again"
    }
  done
}

# bg_setup_write FILE SUM NEW TEXT, or FILE SUM NEW and FROM TO TEXT for each change: replaces the real file (behind links) atomically, mode and
# owner kept. The old one stays in our folder, as the same file where that can be, until all is well.
bg_setup_write() {
  _path=$1 _sum=$3
  shift 3
  _real=$_path _old=
  [ ! -e "$_path" ] || _real=$(readlink -f "$_path")
  _temp=${_real%/*}/.bluegreen.$$
  if [ -e "$_real" ]; then
    _old=$BG_SU_FOLDER/.old.$$.$BG_SU_COUNT
    ln "$_real" "$_old" 2>/dev/null || cp -p "$_real" "$_old" || { rm -f "$_old" && bg_setup_unwritten "$_path"; }
  fi
  # Before it is done: a signal may come at any moment.
  BG_SU_COUNT=$((BG_SU_COUNT + 1))
  eval "BG_SU_REAL_$BG_SU_COUNT=\$_real BG_SU_OLD_$BG_SU_COUNT=\$_old"
  if [ $# = 1 ]; then
    printf '%s' "$1" >"$_temp"
  else
    cp -p "$_real" "$_temp" && bg_setup_lines "$_real" "$@" >"$_temp"
  fi && [ "$(cksum <"$_temp")" = "$_sum" ] && mv -f "$_temp" "$_real" || bg_setup_unwritten "$_path"
}

# bg_setup_lines FILE FROM TO TEXT…: the file with some of its lines replaced.
bg_setup_lines() {
  _file=$1 _next=1
  shift
  while [ $# -gt 0 ]; do
    [ "$1" -le "$_next" ] || sed -n "$_next,$(($1 - 1))p" "$_file"
    printf '%s' "$3"
    _next=$(($2 + 1))
    shift 3
  done
  # Not sed: that of busybox ends the last line with a line feed that it did not have.
  tail -n "+$_next" "$_file"
}

bg_setup_unwritten() {
  rm -f "$_temp"
  bg_setup_fail "$1 cannot be written" 'Look at its folder: rights, and free space.' nginx-upstream
}

# nginx -t, one reload that is seen to happen, and the answers that have to come then.
bg_setup_activate() {
  _said=$(bg_nginx -t) || bg_setup_fail 'nginx refuses the configuration with the new lines (nginx -t)' \
    'Mend what nginx says below; it may be another site that is broken since the last reload.' nginx-command "$(printf '%s\n' "$_said" | tail -n 10)"
  bg_workers
  BG_SU_WORKERS=$BG_SERVING BG_SU_RELOADED=1
  bg_reload "$BG_SU_WORKERS" || bg_setup_fail 'nginx did not take the new configuration (no new workers)' \
    "See nginx's error log, $BG_NG_ERROR_LOG." 'switch-timeout nginx-command' "$BG_SAID"
  bg_setup_prove || bg_setup_fail "$BG_SU_WRONG" "$BG_SU_MEND" 'root nginx-upstream'
  BG_SU_BEFORE=''
  bg_setup_visits bg_setup_visit
  bg_setup_compare
  bg_note notice "reloaded once, new nginx workers:$BG_SERVING"
  [ -z "$BG_SU_BLUE" ] || bg_note notice "nginx uses ${BG_LIVE:-blue} in each server block"
  ! bg_unsearchable "$BG_ROOT/slots/green" "${BG_SERVING##* }" ||
    bg_note warning "nginx's workers may not search $BG_BLOCKED: they would not see which slot is live. As root: chmod o+x $BG_BLOCKED"
}

# bg_setup_prove: do all server blocks answer with the slot that `live` names? What is wrong stands in BG_SU_WRONG, what to do in BG_SU_MEND.
bg_setup_prove() {
  BG_SU_WRONG='' BG_SU_MEND='Run setup again.'
  for _round in 1 2 3 4 5; do
    bg_live || { BG_SU_WRONG="$BG_ROOT/live is not a link to slots/blue or slots/green" && return 1; }
    BG_SU_WRONG=''
    eval "BG_SU_WANTED=\$BG_SU_$(bg_upper "${BG_LIVE:-blue}") BG_SU_OTHER=\$BG_SU_$(bg_upper "$(bg_other "${BG_LIVE:-blue}")")"
    bg_setup_probes bg_setup_probe
    [ -n "$BG_SU_WRONG" ] || return 0
    bg_sleep 0.2
  done
  return 1
}

# bg_setup_probe URL CONNECT PROXY PLACE: what one server block says of itself.
bg_setup_probe() {
  [ -z "$BG_SU_WRONG" ] || return 0
  BG_NG_URL=$1 BG_NG_CONNECT=$2 BG_NG_PROXY_PROTOCOL=$3
  _said=$(bg_nginx_question bg_answer)
  case $_said in
    *"$BG_SU_WANTED"*) return 0 ;;
    *"$BG_SU_OTHER"*)
      BG_SU_WRONG="nginx does not see that the live slot is ${BG_LIVE:-none} (server block at $4)"
      BG_SU_MEND="Its workers have to be able to look into $BG_ROOT/live."
      if [ "$BG_LIVE" = green ] && [ ! -e "$BG_ROOT/live/green" ]; then
        BG_SU_WRONG="$BG_SU_WRONG: the file $BG_ROOT/slots/green/green is not there" BG_SU_MEND='Each deploy makes it: run one, then setup again.'
      elif bg_unsearchable "$BG_ROOT/slots/green" "${BG_SERVING##* }"; then
        BG_SU_WRONG="$BG_SU_WRONG: its workers (user $(stat -c %U "/proc/${BG_SERVING##* }")) may not search $BG_BLOCKED"
        BG_SU_MEND="Let them, as root: chmod o+x $BG_BLOCKED"
      fi
      ;;
    *)
      BG_SU_WRONG="the server block at $4 does not tell which slot nginx uses: $1 answered $(printf '%s' "$_said" | tail -n 1 | cut -c1-200)"
      BG_SU_MEND='A return, a rewrite or an if of that server block may come before, or another server block has the same name and port. Let it leave that path alone.'
      ;;
  esac
}

# What a visitor gets, before and after: setup must not take the site away.
bg_setup_visit() {
  BG_NG_URL=$1 BG_NG_CONNECT=$2 BG_NG_PROXY_PROTOCOL=$3
  bg_ask_nginx
  BG_SU_BEFORE="$BG_SU_BEFORE $BG_STATUS=$1"
}

bg_setup_compare() {
  for _then in $BG_SU_FIRST; do
    for _now in $BG_SU_BEFORE; do
      [ "${_then#*=}" = "${_now#*=}" ] || continue
      case ${_then%%=*} in 000 | 5*) continue ;; *) ;; esac
      case ${_now%%=*} in
        000 | 5*) bg_setup_fail "${_now#*=} answers ${_now%%=*} with the new lines, ${_then%%=*} before" 'Look at what serves on the ports of the app, and at the error log of nginx.' 'ports listen' ;;
        *) ;;
      esac
    done
  done
}

# bg_setup_fail WHAT NEXT SETTINGS [DETAILS]: every file as it was, byte for byte, and what runs too.
bg_setup_fail() {
  trap - TERM
  _how='all was put back'
  [ "$BG_SU_COUNT" != 0 ] || _how='nothing was written' BG_SU_RELOADED=''
  while [ "$BG_SU_COUNT" -gt 0 ]; do
    eval "_real=\$BG_SU_REAL_$BG_SU_COUNT _old=\$BG_SU_OLD_$BG_SU_COUNT"
    if [ -n "$_old" ]; then mv -f "$_old" "$_real"; else rm -f "$_real"; fi || _how="$_real could not be put back"
    BG_SU_COUNT=$((BG_SU_COUNT - 1))
  done
  [ -z "$BG_SU_MADE" ] || rmdir "$BG_SU_FOLDER"
  if [ -n "$BG_SU_RELOADED" ] && bg_workers && ! bg_same_workers "$BG_SU_WORKERS"; then
    bg_reload "$BG_SERVING" || _how="$_how, but nginx did not take the configuration from before: $BG_SAID"
  fi
  bg_fail "$1; $_how" "$2" "$3" "$4"
}

# The old files are not needed any more.
bg_setup_forget() {
  while [ "$BG_SU_COUNT" -gt 0 ]; do
    eval "_old=\$BG_SU_OLD_$BG_SU_COUNT"
    [ -z "$_old" ] || rm -f "$_old"
    BG_SU_COUNT=$((BG_SU_COUNT - 1))
  done
}
