# shellcheck shell=sh
# bake: while the old slot still runs, the new one is asked through nginx about once a second, and what visitors got is
# counted in nginx's access log. Whoever reads and judges that log stands here, the window at the end.

# BG_BAKE_LOGS has a line for each log that can be counted: `bg_bake_log PATH ESCAPE FIELD FIELDS SIDE BESIDE SHARED`.
# bg_bake_each WHAT: runs WHAT for each of them, BG_BL_N is its number. What is kept of a log has that number in its name.
bg_bake_each() {
  BG_BL_DO=$1 BG_BL_N=0
  eval "$BG_BAKE_LOGS"
}

bg_bake_log() {
  BG_BL_N=$((BG_BL_N + 1)) BG_BL_PATH=$1 BG_BL_ESCAPE=$2 BG_BL_FIELD=$3 BG_BL_FIELDS=$4 BG_BL_SIDE=$5 BG_BL_BESIDE=$6 BG_BL_SHARED=$7
  "$BG_BL_DO"
}

# Lines of the log on standard input; prints how many answers of 5xx, and how many answers. Lines of another format are
# none, and our own asks are not visitors'.
bg_bake_tally() {
  LC_ALL=C BG_BL_ESCAPE=$BG_BL_ESCAPE BG_BL_FIELD=$BG_BL_FIELD BG_BL_FIELDS=$BG_BL_FIELDS BG_BL_SIDE=$BG_BL_SIDE BG_BL_BESIDE=$BG_BL_BESIDE awk '
    BEGIN {
      json = ENVIRON["BG_BL_ESCAPE"] == "json"; left = ENVIRON["BG_BL_SIDE"] == "left"
      field = ENVIRON["BG_BL_FIELD"] + 0; fields = ENVIRON["BG_BL_FIELDS"] + 0; beside = ENVIRON["BG_BL_BESIDE"]
    }
    index($0, "bluegreen-action") { next }
    {
      if (json) gsub(/\\./, "")
      if (split($0, part, /["\t]/) != fields && ENVIRON["BG_BL_ESCAPE"] != "none") next
      text = ENVIRON["BG_BL_ESCAPE"] == "none" ? $0 : part[field]
      start = left ? 1 : length(text) - 2
      if (beside != "") {
        if (!match(text, beside)) next
        start = left ? RSTART + RLENGTH : RSTART - 3
      }
      status = substr(text, start, 3)
      if (status !~ /^[0-9][0-9][0-9]$/) next
      answers++
      if (status ~ /^5/) bad++
    }
    END { print bad + 0, answers + 0 }'
}

# Where the log ends now: BG_BL_NODE (its inode) and BG_BL_SIZE; else BG_BL_WHY says why it cannot be read.
bg_bake_stat() {
  BG_BL_WHY=
  if [ ! -e "$BG_BL_PATH" ]; then
    BG_BL_WHY="it is not there, or in a folder that the user $(id -un) may not enter"
  elif [ ! -f "$BG_BL_PATH" ]; then
    BG_BL_WHY='it is no file on disk'
  elif [ ! -r "$BG_BL_PATH" ]; then
    BG_BL_WHY="the user $(id -un) may not read it (it belongs to $(stat -L -c '%U:%G' "$BG_BL_PATH" 2>/dev/null))"
  elif _at=$(stat -L -c '%i %s' "$BG_BL_PATH" 2>/dev/null); then
    BG_BL_NODE=${_at% *} BG_BL_SIZE=${_at#* }
    return 0
  else
    BG_BL_WHY='it cannot be looked at'
  fi
  return 1
}

# Right before the switch: where each log ends, and how its last answers were.
bg_bake_mark() {
  _names=
  bg_bake_each bg_bake_mark_log
  # shellcheck disable=SC2086 # names
  bg_save "$BG_ROOT/run/bake" $_names
}

bg_bake_mark_log() {
  BG_BL_NODE='' BG_BL_SIZE=0 _counts='0 0'
  ! bg_bake_stat || _counts=$(tail -n 1000 "$BG_BL_PATH" | bg_bake_tally)
  eval "BG_BL_NODE_$BG_BL_N=\$BG_BL_NODE BG_BL_SIZE_$BG_BL_N=\$BG_BL_SIZE BG_BL_BEFORE_$BG_BL_N=\$_counts"
  _names="$_names BG_BL_NODE_$BG_BL_N BG_BL_SIZE_$BG_BL_N BG_BL_BEFORE_$BG_BL_N"
}

# Counts what is new in a log: BG_BL_BAD_n and BG_BL_ALL_n grow. Only what is new is read: a busy site writes hundreds of megabytes.
bg_bake_count_log() {
  eval "BG_BL_WHY_$BG_BL_N="
  bg_bake_stat || { eval "BG_BL_WHY_$BG_BL_N=\$BG_BL_WHY" && return 0; }
  eval "_node=\$BG_BL_NODE_$BG_BL_N _from=\${BG_BL_SIZE_$BG_BL_N:-0} _bad=\${BG_BL_BAD_$BG_BL_N:-0} _all=\${BG_BL_ALL_$BG_BL_N:-0}"
  # One that could not be read before begins now; a rotated one begins anew.
  if [ -z "$_node" ]; then _from=$BG_BL_SIZE; elif [ "$_node" != "$BG_BL_NODE" ] || [ "$BG_BL_SIZE" -lt "$_from" ]; then _from=0; fi
  if [ "$BG_BL_SIZE" -gt "$_from" ]; then
    _counts=$(tail -c "+$((_from + 1))" "$BG_BL_PATH" | head -c "$((BG_BL_SIZE - _from))" | bg_bake_tally)
    _bad=$((_bad + ${_counts% *})) _all=$((_all + ${_counts#* }))
  fi
  eval "BG_BL_NODE_$BG_BL_N=\$BG_BL_NODE BG_BL_SIZE_$BG_BL_N=\$BG_BL_SIZE BG_BL_BAD_$BG_BL_N=\$_bad BG_BL_ALL_$BG_BL_N=\$_all"
}

# What a log showed, in words: to BG_BAKE_SEEN; BG_BAKE_OVER has what is too much, BG_BAKE_AS_BEFORE what was so before, too.
bg_bake_judge_log() {
  eval "_node=\$BG_BL_NODE_$BG_BL_N _why=\$BG_BL_WHY_$BG_BL_N _bad=\${BG_BL_BAD_$BG_BL_N:-0} _all=\${BG_BL_ALL_$BG_BL_N:-0} _before=\${BG_BL_BEFORE_$BG_BL_N:-0 0}"
  if [ -z "$_node" ]; then
    BG_BAKE_SEEN="$BG_BAKE_SEEN; $BG_BL_PATH was not counted: $_why"
    return 0
  fi
  bg_bake_share "$_bad" "$_all"
  _text="$_bad of $_all answers in $BG_BL_PATH were 5xx$BG_SHARE"
  if bg_bake_too_many "$_bad" "$_all"; then
    bg_bake_share "${_before% *}" "${_before#* }"
    _then="${_before% *} of the last ${_before#* }$BG_SHARE before the switch"
    # shellcheck disable=SC2086 # two numbers
    if bg_bake_too_many $_before; then BG_BAKE_AS_BEFORE="$_text, but so were $_then"; else BG_BAKE_OVER="$_text, and $_then"; fi
  fi
  [ -z "$BG_BL_SHARED" ] || _text="$_text, other sites' among them"
  [ -z "$_why" ] || _text="$_text, until $_why"
  BG_BAKE_SEEN="$BG_BAKE_SEEN; $_text"
}

# More than bake-errors percent, given in thousandths; fewer than five tell nothing.
bg_bake_too_many() { [ "$1" -ge 5 ] && [ $(($1 * 100000)) -gt $(($2 * BG_BAKE_LIMIT)) ]; }

# ` (0.24 %)` in BG_SHARE; nothing where there is nothing to share.
bg_bake_share() {
  BG_SHARE=
  [ "$2" != 0 ] || return 0
  _share=$((($1 * 10000 + $2 / 2) / $2))
  _cents=$((100 + _share % 100))
  _cents=${_cents#1}
  case $_cents in 00) _cents= ;; ?0) _cents=.${_cents%0} ;; *) _cents=.$_cents ;; esac
  BG_SHARE=" ($((_share / 100))$_cents %)"
}

# Reads the logs and judges them: fails the window when there are too many 5xx.
bg_bake_look() {
  BG_BAKE_SEEN=$BG_BAKE_UNCOUNTED BG_BAKE_OVER='' BG_BAKE_AS_BEFORE=''
  bg_bake_each bg_bake_count_log
  bg_bake_each bg_bake_judge_log
  [ -z "$BG_BAKE_OVER" ] || bg_bake_failed "visitors get errors: $BG_BAKE_OVER"
}

bg_step_bake() {
  BG_BASE_STATUS=000
  # shellcheck source=/dev/null
  [ ! -f "$BG_ROOT/run/before" ] || . "$BG_ROOT/run/before"
  # shellcheck source=/dev/null
  [ ! -f "$BG_ROOT/run/bake" ] || . "$BG_ROOT/run/bake"
  BG_ASKS=0 BG_GOOD=0 BG_BAD_ROW=0 BG_STRAYS=0 BG_SLOWEST=0 BG_EARLY='' BG_LAST_BAD=''
  bg_now
  BG_BEGUN=$BG_NOW
  while :; do
    bg_bake_ask
    [ $((BG_ASKS % 5)) != 0 ] || bg_bake_look
    # The agent leaves this file when the run is cancelled or has lost its line: the run is to finish then.
    [ ! -e "$BG_PIPES/aborted" ] || BG_EARLY=yes
    bg_now
    # A bad ask is not the last one: it takes three to fail, and a good one to pass.
    if [ -n "$BG_EARLY" ] || [ $((BG_NOW - BG_BEGUN)) -ge "$BG_BAKE_MS" ]; then [ "$BG_BAD_ROW$BG_STRAYS" != 00 ] || break; fi
    bg_bake_pause
  done
  bg_bake_look
  bg_bake_text
  if [ "$BG_GOOD" = "$BG_ASKS" ]; then bg_note notice "$BG_BAKE_TEXT"; else bg_note warning "$BG_BAKE_TEXT; the last bad one: $BG_LAST_BAD"; fi
  [ -z "$BG_BAKE_AS_BEFORE" ] || bg_note warning "visitors get errors, as before the switch: $BG_BAKE_AS_BEFORE (setting bake-errors)"
}

# About a second from one ask to the next, and one at the very end.
bg_bake_pause() {
  _left=$((1000 - BG_NOW + BG_ASKED_AT)) _rest=$((BG_BEGUN + BG_BAKE_MS - BG_NOW))
  [ "$_rest" -le 0 ] || [ "$_rest" -ge "$_left" ] || _left=$_rest
  [ -z "$BG_EARLY" ] || _left=200
  [ "$_left" -ge 100 ] || _left=100
  _left=$((_left + 1000))
  bg_sleep "$((_left / 1000 - 1)).${_left#"${_left%???}"}"
}

# One ask, by the same rule as in verify. That no connection to the new slot is new says nothing: nginx may keep some, and the system uses
# an ended one's number again. New ones to the old slot instead, three times in a row, make one look.
bg_bake_ask() {
  bg_now
  BG_ASKED_AT=$BG_NOW
  bg_slot_alive "$BG_SLOT" || bg_bake_failed 'the new app ended'
  bg_ask_watching "$BG_AT" "$BG_OLD_AT"
  BG_ASKS=$((BG_ASKS + 1))
  [ "$BG_TOOK" -le "$BG_SLOWEST" ] || BG_SLOWEST=$BG_TOOK
  if [ "$BG_STRAYED" != 0 ] && [ "$BG_REACHED" = 0 ]; then BG_STRAYS=$((BG_STRAYS + 1)); else BG_STRAYS=0; fi
  if bg_wanted "$BG_STATUS" "$BG_HEALTH_WANTED" || { [ "$BG_STATUS" = "$BG_BASE_STATUS" ] && [ "$BG_STATUS" != 000 ] && [ "$BG_STATUS" -lt 500 ]; }; then
    BG_GOOD=$((BG_GOOD + 1)) BG_BAD_ROW=0
  else
    BG_BAD_ROW=$((BG_BAD_ROW + 1)) BG_LAST_BAD=$BG_STATUS
    [ "$BG_STATUS" != 000 ] || BG_LAST_BAD='no answer'
    printf 'ask %s: %s\n' "$BG_ASKS" "$BG_LAST_BAD"
  fi
  [ "$BG_BAD_ROW" -lt 3 ] || bg_bake_failed "$BG_NG_URL gives $BG_LAST_BAD, 3 times in a row; wanted: $BG_HEALTH_WANTED (before the switch: $BG_BASE_STATUS)"
  ! bg_bake_too_many $((BG_ASKS - BG_GOOD)) "$BG_ASKS" || bg_bake_failed "$((BG_ASKS - BG_GOOD)) of $BG_ASKS asks of $BG_NG_URL were not answered well; wanted: $BG_HEALTH_WANTED; the last bad one: $BG_LAST_BAD"
  [ "$BG_STRAYS" -lt 3 ] || bg_bake_strayed
}

# Others may come to the old slot, too: what was begun before the switch. But if the new app takes no requests on its own port either,
# then nginx goes by a backup line, and visitors see no error.
bg_bake_strayed() {
  BG_STRAYS=0 _status=$BG_STATUS
  if ! bg_listening "$BG_AT"; then
    bg_bake_failed "requests reach the old slot ($(bg_at_text "$BG_OLD_AT")): nothing listens on $(bg_at_text "$BG_AT") any more"
  elif ! bg_healthy; then
    bg_bake_failed "requests reach the old slot ($(bg_at_text "$BG_OLD_AT")): the new app does not take them ($(bg_at_text "$BG_AT") itself gives $BG_STATUS)"
  fi
  BG_STATUS=$_status
}

# `30 s: 31 of 31 asks answered well (slowest 12 ms)` and what the logs showed, in BG_BAKE_TEXT.
bg_bake_text() {
  bg_now
  BG_BAKE_TEXT="$(((BG_NOW - BG_BEGUN + 500) / 1000)) s"
  [ -z "$BG_EARLY" ] || BG_BAKE_TEXT="ended early, since the run was cancelled or lost its line, after $BG_BAKE_TEXT"
  BG_BAKE_TEXT="$BG_BAKE_TEXT: $BG_GOOD of $BG_ASKS asks answered well (slowest $BG_SLOWEST ms)$BG_BAKE_SEEN"
}

# bg_bake_failed WHAT: the window failed; the agent switches back, where there is something to go back to.
bg_bake_failed() {
  bg_event log "$(bg_encode "$(bg_slot_log "$BG_SLOT" 40)")"
  bg_bake_text
  _answer=
  [ "$BG_BAD_ROW" = 0 ] || _answer="Last answer: $(bg_nginx_question bg_answer)$BG_NL$BG_NL"
  _next='The old slot, which never stopped, gets the traffic back.'
  [ -z "$BG_PREVIOUS_SLOT" ] || bg_slot_alive "$BG_PREVIOUS_SLOT" || _next='The old slot has ended meanwhile, so the new one stays live: mend it and deploy again, or roll back.'
  [ -z "$BG_BAKE_STAYS" ] || _next='It stays live: there is nothing before it to go back to. Mend it, then deploy again.'
  bg_fail "$1" "$_next Read the log of the app below." 'bake bake-errors verify-url' "${_answer}Until then, $BG_BAKE_TEXT"
}
