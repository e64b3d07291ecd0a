# shellcheck shell=sh
# Whether nginx's workers can look up a path: who cannot search one of its folders does not see which slot is live.

# bg_unsearchable PATH PID: the first folder on the way to PATH, which is a folder itself, that the user of process PID may not search, by owner, group
# and mode, in BG_BLOCKED. Fails when there is none. Folders that are not there yet do not count.
bg_unsearchable() {
  BG_BLOCKED='' _uid='' _gids=''
  while read -r _word _first _second _more; do
    case $_word in
      Uid:) _uid=$_second ;;
      Gid:) _gids=$_second ;;
      Groups:) _gids="$_gids $_first $_second $_more" ;;
    esac
  done 2>/dev/null <"/proc/$2/status"
  [ -n "$_uid" ] && [ "$_uid" != 0 ] || return 1
  _real=$(readlink -f "$1")
  set -- "$1"
  [ "$_real" = "$1" ] || set -- "$1" "$_real"
  _count=$#
  while [ "$_count" -gt 0 ]; do
    _folder=$1 _count=$((_count - 1))
    shift
    while [ -n "$_folder" ]; do
      set -- "$@" "$_folder"
      _folder=${_folder%/*}
    done
  done
  # One process for all of them. Root's own rights do not matter here, so the first in order is the one to open first.
  BG_BLOCKED=$(stat -L -c '%a %u %g %n' / "$@" 2>/dev/null | BG_UID_WANTED=$_uid BG_GIDS=$_gids awk '
    {
      # The last three digits, of which the one counts that is for this user.
      bits = substr("000" $1, length($1) + 1)
      bit = $2 == ENVIRON["BG_UID_WANTED"] ? substr(bits, 1, 1) : index(" " ENVIRON["BG_GIDS"] " ", " " $3 " ") ? substr(bits, 2, 1) : substr(bits, 3, 1)
      if (bit % 2) next
      sub(/^[0-9]+ [0-9]+ [0-9]+ /, "")
      if (first == "" || length($0) < length(first)) first = $0
    }
    END { print first }')
  [ -n "$BG_BLOCKED" ]
}
