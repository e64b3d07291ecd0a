# shellcheck shell=sh
# install, before-switch, after-switch: the user's commands, in the release, with PORT, RELEASE, SHA, SLOT and env.

bg_step_install() {
  bg_run_command 'the install command' install "$BG_INSTALL"
  BG_DIR=$BG_ROOT/releases/$BG_RELEASE
  bg_complete_release
}

bg_step_before_switch() { bg_run_command 'the before-switch command' before-switch "$BG_BEFORE_SWITCH"; }

bg_step_after_switch() { bg_run_command 'the after-switch command' after-switch "$BG_AFTER_SWITCH"; }

# bg_run_command WHAT SETTING COMMAND
bg_run_command() {
  cd "$BG_ROOT/releases/$BG_RELEASE" || bg_fail "there is no folder of release $BG_RELEASE" 'Deploy it again.' release
  # By then a rollback without env has what the step start chose.
  [ "$BG_COMMAND" != rollback ] || [ -n "$BG_ENV" ] || BG_ENV=$(cat "$BG_ROOT/slots/$BG_SLOT/env")
  bg_command_text "$BG_SLOT" "$BG_PORT" "$BG_RELEASE" "$BG_SHA" "$BG_PATH" "$BG_ENV" "$BG_LISTEN"
  (bg_exec_command "$BG_SHELL" "$3")
  _status=$?
  [ "$_status" = 0 ] || bg_command_failed "$_status" "$1" "$2" "$BG_SHELL"
}
