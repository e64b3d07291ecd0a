# shellcheck shell=sh
# git on the host, with the token in its environment only, and no question ever asked.

bg_git() {
  _host=
  case $BG_REPOSITORY in
    https://*) _host=${BG_REPOSITORY#https://} && _host=https://${_host%%/*} ;;
    # Plain http carries a token to this machine only.
    http://127.0.0.1[:/]* | http://localhost[:/]*) _host=${BG_REPOSITORY#http://} && _host=http://${_host%%/*} ;;
  esac
  # A helper that git asks for this one host: the token stands neither in arguments nor in a file.
  [ -z "$_host" ] || [ -z "$BG_TOKEN" ] ||
    set -- -c "credential.$_host.helper=" \
      -c "credential.$_host.helper=!f() { test \"\$1\" = get && echo username=x-access-token && echo \"password=\$BLUEGREEN_TOKEN\"; }; f" "$@"
  GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true GIT_ALLOW_PROTOCOL=https:http:ssh:git:file BLUEGREEN_TOKEN=$BG_TOKEN \
    GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes -o ConnectTimeout=20}" LC_ALL=C \
    git -c gc.auto=0 -c maintenance.auto=false -c advice.detachedHead=false -c protocol.file.allow=always -c safe.directory='*' "$@" </dev/null
}
