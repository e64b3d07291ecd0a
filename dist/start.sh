# shellcheck shell=sh
# start: the release on the idle slot, on its port.

# A rollback whose settings give no env keeps what the release had; where that is gone, what the live one has.
bg_keep_env() {
  [ "$BG_COMMAND" = rollback ] && [ -z "$BG_ENV" ] || return 0
  _held=
  # shellcheck source=/dev/null
  [ ! -f "$_home/slot.conf" ] || _held=$(BG_SL_RELEASE='' && . "$_home/slot.conf" && printf '%s' "$BG_SL_RELEASE")
  _from=$BG_ROOT/slots/$BG_PREVIOUS_SLOT/env
  [ "$_held" != "$BG_RELEASE" ] || _from=$_home/env
  [ ! -f "$_from" ] || BG_ENV=$(cat "$_from")
}

bg_step_start() {
  _home=$BG_ROOT/slots/$BG_SLOT
  ! bg_listening "$BG_AT" || bg_fail "$BG_LISTEN $BG_AT of the $BG_SLOT slot is taken by $(bg_listener_text "$BG_AT")" \
    'Stop that process, or give the app two other ports.' ports
  bg_keep_env
  ln -sfn "../../releases/$BG_RELEASE" "$_home/release.new" && mv -fT "$_home/release.new" "$_home/release" &&
    (umask 077 && printf '%s' "$BG_ENV" >"$_home/env.new") && mv -f "$_home/env.new" "$_home/env" ||
    bg_fail "cannot write $_home" 'Look at the free disk space and at who owns the folder.' root
  rm -f "$_home/pid" "$_home/standby"
  # shellcheck disable=SC2086 # names
  bg_save "$_home/slot.conf" $BG_SL_NAMES || bg_fail "cannot write $_home" 'Look at the free disk space and at who owns the folder.' root
  # point start-written
  bg_slot_start "$BG_SLOT"
  _status=$?
  # point start-done
  [ "$_status" = 0 ] && {
    [ "$BG_SL_SUPERVISOR" = command ] || bg_note warning "a reboot will not bring $BG_APP back: the supervisor \`process\` has nobody who starts it again (setting supervisor)"
    return 0
  }
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 40)")"
  cd "$BG_SL_DIR" && bg_command_failed "$_status" 'the start command' start "$BG_SL_SHELL"
}
