# shellcheck shell=sh
# Why a reload did not take: what the master is doing, and what it wrote to its error log.

# bg_master_idle PID: does the master wait for signals? While it works on one it blocks them, and everybody may see that
# in /proc/<pid>/status. A port that is taken it tries for 2.5 s; a large configuration may take longer.
bg_master_idle() {
  _pending='' _blocked=''
  # shellcheck disable=SC2094 # nothing is written
  while read -r _key _value; do
    case $_key in ShdPnd:) _pending=$_value ;; SigBlk:) _blocked=$_value && break ;; *) ;; esac
  done 2>/dev/null <"/proc/$1/status"
  # SIGHUP is the lowest bit of the masks, which are hexadecimal.
  case $_pending in *[13579bdf]) return 1 ;; *) ;; esac
  case $_blocked in *[13579bdf]) return 1 ;; *) ;; esac
}

# Where the error log ends now, in BG_EL_SIZE.
bg_error_log_mark() {
  BG_EL_SIZE=0
  [ ! -f "$BG_NG_ERROR_LOG" ] || [ ! -r "$BG_NG_ERROR_LOG" ] || BG_EL_SIZE=$(stat -L -c %s "$BG_NG_ERROR_LOG")
}

# bg_error_log_since PID: what the master has written since, each message once. Lines of its workers are about visitors' requests:
# they explain nothing, and hold what visitors sent.
bg_error_log_since() {
  [ -f "$BG_NG_ERROR_LOG" ] && [ -r "$BG_NG_ERROR_LOG" ] || return 0
  tail -c "+$((BG_EL_SIZE + 1))" "$BG_NG_ERROR_LOG" | awk -v from=" $1#" '
    /^[^[]*\[(emerg|alert|crit)\] / && (at = index($0, from)) {
      message = substr($0, at)
      if (!(message in seen) && ++count <= 10) { seen[message] = 1; print }
    }'
}

# bg_reload_refused PID: has the master said why it goes on with the old configuration?
bg_reload_refused() {
  case $(bg_error_log_since "$1") in *"[emerg]"*) return 0 ;; *) return 1 ;; esac
}

# bg_reload_not_sent STATUS: the command itself failed: it reads the configuration before it signals.
bg_reload_not_sent() {
  case $BG_SAID in
    *"[emerg] "*) BG_CAUSE=${BG_SAID#*"[emerg] "} BG_CAUSE=${BG_CAUSE%%"$BG_NL"*} ;;
    *) BG_CAUSE=${BG_SAID##*"$BG_NL"} ;;
  esac
  BG_CAUSE="\`nginx -s reload\` ended with status $1${BG_CAUSE:+: $BG_CAUSE}"
}

# bg_reload_cause PID: the cause in one line in BG_CAUSE; all that is known in BG_SAID, after what the command said.
bg_reload_cause() {
  _lines=$(bg_error_log_since "$1")
  BG_CAUSE='no new workers came'
  [ -n "$_idle" ] || BG_CAUSE="after $((BG_NG_TIMEOUT + 20)) s nginx was still at work on it"
  case $_lines in
    *"[emerg]"*) BG_CAUSE=${_lines#*"[emerg]"} BG_CAUSE=${BG_CAUSE%%"$BG_NL"*} BG_CAUSE=${BG_CAUSE#*": "} ;;
    '') bg_error_log_silent ;;
    *) ;;
  esac
  [ -z "$_lines" ] || BG_SAID="$BG_SAID${BG_SAID:+$BG_NL}$_lines"
}

# An error log without a word: is there one, and may it be read?
bg_error_log_silent() {
  if [ -z "$BG_NG_ERROR_LOG" ]; then
    _lines="nginx's errors go to no file (error_log is stderr or syslog, or none is set): look there, for example with journalctl -u nginx"
  elif [ -e "$BG_NG_ERROR_LOG" ] && [ ! -f "$BG_NG_ERROR_LOG" ]; then
    _lines="nginx's error log $BG_NG_ERROR_LOG is no file on disk: look where it leads"
  elif [ ! -r "$BG_NG_ERROR_LOG" ]; then
    _lines="nginx's error log $BG_NG_ERROR_LOG may not be read by the user $(id -un): look there"
  else
    _lines="nginx's error log $BG_NG_ERROR_LOG has no word of it: does the reload reach the process $_before, which runs?"
  fi
}
