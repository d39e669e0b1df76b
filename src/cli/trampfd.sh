#!/bin/sh
# Node changes what a program inherits before any JavaScript runs: see src/supervisor/inherited.ts. For
# `trampfd run` it is written down here first, starting next to nothing.
main=$(readlink -f -- "$0") && main=${main%/*}/main.js
if [ "$1" = run ]; then
  while read -r key value; do
    case $key in
    SigBlk:) blocked=$value ;;
    SigIgn:) ignored=$value && break ;;
    esac
  done <"/proc/$$/status"
  fds=
  for fd in "/proc/$$/fd"/*; do
    # Not those of the shell itself: the folder, which it has closed again, and this script.
    [ -e "$fd" ] && ! [ "$fd" -ef "$0" ] && fds="$fds ${fd##*/}"
  done
  # What a variable can hold: 32 pages.
  environment=$(base64 -w 0 "/proc/$$/environ" 2>/dev/null)
  [ ${#environment} -gt 0 ] && [ ${#environment} -lt 130000 ] || environment=-
  TRAMPFD_INHERITED="$(ulimit -Sn) $(ulimit -Hn) $ignored $blocked $environment$fds"
  export TRAMPFD_INHERITED
fi
exec node "$main" "$@"
