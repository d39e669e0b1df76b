#!/bin/sh
# Node changes what a program inherits before any JavaScript runs: see src/supervisor/inherited.ts. For
# `trampfd run` it is written down here first, without starting anything.
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
  TRAMPFD_INHERITED="$(ulimit -Sn) $(ulimit -Hn) $ignored $blocked$fds"
  export TRAMPFD_INHERITED
fi
exec node "$main" "$@"
