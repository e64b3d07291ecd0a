# shellcheck shell=sh
# clone: the commit into repo.git, from there into a new release, shared paths linked.

bg_step_clone() {
  BG_REPO=$BG_ROOT/repo.git BG_DIR=$BG_ROOT/releases/$BG_RELEASE
  # First, to make room: what failed one time after another must not fill the disk.
  for _id in $BG_FAILED; do bg_remove_release "$_id" && bg_note notice "release $_id, which never was live, was removed"; done
  bg_fetch
  # point clone-fetched
  mkdir "$BG_DIR" || bg_fail "cannot make $BG_DIR" 'Look at the free disk space and at who owns the folder.' root
  bg_checkout
  [ ! -e "$BG_DIR/.gitmodules" ] || bg_checkout_submodules
  bg_unmark
  [ -z "$BG_SHARED" ] || bg_link_shared
  bg_note notice "$(git --git-dir="$BG_REPO" log -1 --format='%h %s (%an)' "$BG_SHA" 2>/dev/null)"
  # point clone-made
  [ -n "$BG_INSTALL" ] || bg_complete_release
}

# Only what is new is fetched; a commit that a broken run fetched half is fetched again. A name of its own keeps the
# commit, and a deploy of it again needs no fetch.
bg_fetch() {
  [ -f "$BG_REPO/bluegreen" ] || {
    rm -rf "$BG_REPO"
    git init -q --bare "$BG_REPO" && : >"$BG_REPO/bluegreen" ||
      bg_fail "cannot make $BG_REPO" 'Look at the free disk space and at who owns the folder.' root
  }
  if git --git-dir="$BG_REPO" cat-file -e "$BG_SHA^{commit}" 2>/dev/null; then
    git --git-dir="$BG_REPO" update-ref "refs/bluegreen/$BG_RELEASE" "$BG_SHA"
    return
  fi
  _said=$(bg_git --git-dir="$BG_REPO" fetch --no-tags --force --progress "$BG_REPOSITORY" "$BG_SHA:refs/bluegreen/$BG_RELEASE" 2>&1) ||
    bg_fetch_all
  printf '%s\n' "$_said" | tail -n 5
}

# A server that gives no single commits gives its branches and tags.
bg_fetch_all() {
  _first=$_said
  _said=$(bg_git --git-dir="$BG_REPO" fetch --no-tags --force --prune --progress "$BG_REPOSITORY" \
    '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' 2>&1) || bg_fetch_failed
  git --git-dir="$BG_REPO" update-ref "refs/bluegreen/$BG_RELEASE" "$BG_SHA" 2>/dev/null ||
    bg_fail "the commit $BG_SHA is not in $BG_REPOSITORY" 'Push it there, or give another commit.' 'ref repository' "$_first"
}

bg_fetch_failed() {
  bg_fail "git cannot fetch $BG_SHA from $BG_REPOSITORY" \
    'See what git says below. A private repository needs repository-token (https; in a workflow: permissions: contents: read) or a deploy key of the host (ssh).' \
    'repository repository-token ref' "$(printf '%s\n' "$_said" | tail -n 15)"
}

# No .git in the release: a site whose folder is served must not serve its history.
bg_checkout() {
  (cd "$BG_DIR" && GIT_INDEX_FILE=$BG_PIPES/index git --git-dir="$BG_REPO" --work-tree=. -c core.bare=false read-tree -u --reset "$BG_SHA") ||
    bg_fail "cannot check out $BG_SHA" 'Look at the free disk space on the host.' root
}

bg_checkout_submodules() {
  rm -rf "$BG_DIR"
  bg_git clone -q --no-checkout --shared "$BG_REPO" "$BG_DIR" &&
    git -C "$BG_DIR" config remote.origin.url "$BG_REPOSITORY" &&
    git -C "$BG_DIR" -c advice.detachedHead=false checkout -q "$BG_SHA" &&
    bg_git -C "$BG_DIR" submodule update --init --recursive 2>&1 ||
    bg_fail "cannot check out $BG_SHA with its submodules" \
      'See what git says above. The token reaches submodules on the same host as the repository.' 'repository repository-token'
  find "$BG_DIR" -name .git -prune -exec rm -rf {} +
}

# Each shared path is one file or folder for all releases; what the first release brings becomes its content.
bg_link_shared() {
  _inside=$(readlink -f "$BG_DIR")
  _store=$(readlink -f "$BG_ROOT/shared")
  _ifs=$IFS IFS=$BG_NL
  set -f
  # shellcheck disable=SC2086 # one a line
  set -- $BG_SHARED
  set +f
  IFS=$_ifs
  for _path; do
    _name=${_path%/} _source=$BG_ROOT/shared/${_path%/} _target=$BG_DIR/${_path%/}
    case $_name in */*) _up=${_name%/*} ;; *) _up=. ;; esac
    # Before anything is made there.
    bg_stays_in "$_inside" "$BG_DIR/$_up" || bg_fail "shared path $_path leads out of the release" 'Name a path whose folders are real folders in the repository.' shared
    bg_stays_in "$_store" "$BG_ROOT/shared/$_up" || bg_fail "shared path $_path leads out of $BG_ROOT/shared" 'Put the folder itself there, not a link to elsewhere.' shared
    mkdir -p "$BG_ROOT/shared/$_up" "$BG_DIR/$_up" || bg_fail "cannot make the folders of shared path $_path" 'Look at what stands there in their place, and at the free disk space.' shared
    if [ ! -e "$_source" ] && [ ! -L "$_source" ]; then
      if [ -e "$_target" ] && [ ! -L "$_target" ]; then
        # Whole or not at all: what is there once is never copied again.
        rm -rf "$_source.new"
        cp -a "$_target" "$_source.new" && mv -fT "$_source.new" "$_source" ||
          bg_fail "cannot copy $_path to $_source" 'Look at the free disk space and at who owns the folder.' shared
      elif [ "$_path" != "$_name" ]; then
        mkdir -p "$_source"
      else
        bg_fail "shared path $_path is neither in $BG_ROOT/shared nor in the repository" \
          "Make it once on the host: a file with$BG_NL  install -m 600 /dev/null $_source$BG_NL(then write its content), or a folder: write $_path/ in the setting." shared
      fi
    fi
    case $(readlink -f "$_source") in "$_store"/*) ;; *) bg_fail "shared path $_path leads out of $BG_ROOT/shared" 'Put the file itself there, not a link to elsewhere.' shared ;; esac
    rm -rf "$_target" && ln -s "$_source" "$_target" ||
      bg_fail "cannot link $_path in the release" 'Look at the free disk space and at who owns the folder.' shared
  done
}

# bg_stays_in FOLDER PATH: does a path, as far as it is there, lead to a place in that folder, whatever links are in it?
bg_stays_in() {
  _at=$2
  while [ ! -e "$_at" ] && [ ! -L "$_at" ]; do _at=${_at%/*}; done
  case $(readlink -f "$_at")/ in "$1"/*) ;; *) return 1 ;; esac
}

# Written last: a release without it is unfinished, and is removed by the next run.
bg_complete_release() {
  bg_unmark
  printf '%s\n' "$BG_RELEASE_JSON" >"$BG_DIR/.release.json.new" && bg_sync "$BG_DIR/.release.json.new" &&
    mv -f "$BG_DIR/.release.json.new" "$BG_DIR/.release.json" ||
    bg_fail "cannot write $BG_DIR/.release.json" 'Look at the free disk space, and at who owns the folder.' 'root keep-releases'
}

# The names are ours, whatever the repository has there: a link would lead what is written out of the release.
bg_unmark() {
  for _file in "$BG_DIR/.release.json" "$BG_DIR/.release.json.new"; do
    { [ ! -e "$_file" ] && [ ! -L "$_file" ]; } || rm -rf "$_file"
  done
}
