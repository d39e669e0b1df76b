#!/usr/bin/env sh
# Node changes inherited state before any JavaScript runs: see src/supervisor/process/inherited-state.ts. So for
# `trampfd run` this script records that state first. scripts/command.ts makes the command of it, which is JavaScript
# as well.
tools=${PATH:+$PATH:}/usr/bin:/bin
main=$(PATH=$tools && readlink -f -- "$0") && main=${main%/*}/main.js
node=node
# From supervise(): the Node that it runs in, whatever the program's PATH is.
[ "$1" = --node ] && node=$2 && shift 2
if [ "$1" = run ]; then
  while read -r key value; do
    case $key in
    SigBlk:) blocked=$value ;;
    SigIgn:) ignored=$value && break ;;
    esac
  done <"/proc/$$/status"
  fds=
  for fd in "/proc/$$/fd"/*; do
    # Not those of the shell itself: the folder, which it has closed again, and this script, from 10 on.
    [ -e "$fd" ] && { [ "${fd#/proc/$$/fd/}" -lt 10 ] || ! [ "$fd" -ef "$0" ]; } && fds="$fds ${fd#/proc/$$/fd/}"
  done
  # What a variable can hold: 32 pages.
  environment=$(PATH=$tools && base64 -w 0 "/proc/$$/environ" 2>/dev/null) && [ ${#environment} -lt 130000 ] || environment=-
  TRAMPFD_INHERITED="$(ulimit -Sn) $(ulimit -Hn) $ignored $blocked $environment$fds"
  export TRAMPFD_INHERITED
  if [ "$environment" != - ]; then
    # What these tell Node is for the program, but where memory cannot become executable, and where Yarn keeps packages
    # in places that only its own loader knows.
    case " $NODE_OPTIONS " in
    *" --jitless "*) NODE_OPTIONS=--jitless ;;
    *.pnp.cjs*) ;;
    *) unset NODE_OPTIONS ;;
    esac
    unset NODE_CHANNEL_FD
  fi
fi
exec "$node" "$main" "$@"
