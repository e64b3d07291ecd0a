# shellcheck shell=sh
# Points at which a test holds the agent, to let something die there. Not a part of the agent of a real run.

# bg_point NAME: when there is a FIFO of that name, tells that it was reached, and by which process, and waits there until a line comes
# that says what to do: nothing, or a command. When the FIFO is taken away, it goes on too.
bg_point() {
  [ -p "$BG_POINTS/$1" ] || return 0
  read -r _at_point _ </proc/self/stat
  printf '%s\n' "$_at_point" >"$BG_POINTS/$1.reached.new" && mv -f "$BG_POINTS/$1.reached.new" "$BG_POINTS/$1.reached"
  _order=
  # A signal interrupts the waiting, as it would anything else.
  until { read -r _order <"$BG_POINTS/$1"; } 2>/dev/null; do [ -p "$BG_POINTS/$1" ] || return 0; done
  eval "$_order"
}
