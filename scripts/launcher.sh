#!/bin/sh
# Runs sluice where nothing is installed. The first run unpacks what follows this script into a folder that is named by
# its hash; every run checks that folder, and becomes the runtime in it. `deno task compile` sets the words between @.
name='@name@'
files='@files@'
bytes='@bytes@'
offset='@offset@'
set -fu

fail() {
  printf 'sluice: Cannot unpack itself into "%s": it %s; set SLUICE_CACHE to a folder of your own where programs may run, with %s MiB free\n' \
    "$cache" "$1" $((bytes / 1048576 + 8)) >&2
  exit 1
}

# Looks at the lines of `ls -lna`: counts files and bytes, and sets $state to what forbids to run a program from there.
judge() {
  found=0 size=0 state=
  IFS='
'
  for line in $1; do
    IFS=' '
    set -- $line
    case $1 in
    -?????????*) found=$((found + 1)) size=$((size + $5)) ;;
    d?????????*) ;;
    *) continue ;;
    esac
    case $1 in
    d????????[tT]*) ;; # sticky: who may write there cannot touch what others have there
    ?????w* | ????????w*) state='may be written by others' ;;
    esac
    [ "$3" = "$uid" ] || [ "$3" = 0 ] || state="belongs to user $3"
  done
  unset IFS
}

list() {
  LC_ALL=C BLOCK_SIZE=1 LS_BLOCK_SIZE=1 QUOTING_STYLE=literal ls -lna "$@" 2>/dev/null
}

# Sets $state to what is wrong with an unpacked folder; to nothing if it is whole, and only this user or root wrote it.
check() {
  judge "$(list -R "$1/.")"
  [ "$found $size" = "$files $bytes" ] || state=${state:-'holds a damaged copy'}
}

# Whether whoever left a mark such as 1700000000.4711.host is gone: for so many seconds, or dead on this host.
gone() {
  born=${1%%.*} rest=${1#*.}
  case $born in '' | *[!0-9]*) return 1 ;; esac
  [ $((now - born)) -gt "$2" ] && return 0
  [ "${rest#*.}" = "$host" ] || return 1
  if [ -d /proc/self ]; then
    ! [ -d "/proc/${rest%%.*}" ]
  else
    ! kill -0 "${rest%%.*}" 2>/dev/null
  fi
}

# Who this is: a process number means something only on its host, and there in its namespace.
introduce() {
  now=$(date +%s)
  host=$(readlink /proc/self/ns/pid 2>/dev/null)
  host=${host#*'['} host=$(uname -n)-${host%']'}
  mark=$now.$$.$host
}

# Removes what unpackings left that were killed.
sweep() {
  set +f
  for left in "$cache"/.unpack-* "$home"/.unpack-* "$cache"/.claim-*; do
    case $left in
    *'/.unpack-*') continue ;;
    */.claim-*) [ -L "$left" ] || continue ;;
    esac
    [ -n "${now-}" ] || introduce
    case $left in
    */.claim-*) by=$(readlink "$left") ;;
    *) by=${left##*/.unpack-} ;;
    esac
    ! gone "${by%-old}" 3600 || rm -rf "$left"
  done 2>/dev/null
  set -f
}

# Ends with what a command said that could not write.
explain() {
  case $1 in
  *'No space left'*) fail 'is full' ;;
  *'uota exceeded'*) fail 'is over its quota' ;;
  *'Read-only file system'*) fail 'is read-only' ;;
  *'Permission denied'*) fail "${old:-may not be written by this user}" ;;
  esac
  if [ -d "${temporary-}/.broken" ]; then
    printf 'sluice: Cannot unpack "%s" as it is damaged; copy it again, and compare its SHA-256 sum\n' "$self" >&2
    exit 1
  fi
  fail "cannot be used: $(printf '%s' "$1" | tail -n 1)"
}

# Ends with what the runtime, or the system in its place, said.
cannot_run() {
  case $1 in
  *'Permission denied'*) fail 'lets no program run (noexec)' ;;
  *) fail "holds a runtime that does not start here, which takes a C library as of glibc 2.27: $(printf '%s' "$1" | tail -n 1)" ;;
  esac
}

# One of many first runs unpacks, the others wait for it: up to a minute, in case it was lost without a trace.
claim() {
  waited=0
  while ! ln -s "$mark" "$claim" 2>/dev/null; do
    [ -L "$claim" ] || return 0
    now=$(date +%s)
    if gone "$(readlink "$claim")" 120; then
      rm -f "$claim" 2>/dev/null || return 0
      continue
    fi
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || return 0
    sleep 0.2 2>/dev/null || sleep 1
  done
  claimed=$claim
}

clean() {
  [ -z "$claimed" ] || rm -f "$claimed"
  rm -rf "$temporary" "$temporary-old"
}

unpack() {
  introduce
  old='' mask=$(umask)
  umask 022
  said=$(LC_ALL=C mkdir -p "$cache" 2>&1) || explain "$said"
  judge "$(list -d "$cache/.")"
  [ -z "$state" ] || fail "$state"
  claim=$cache/.claim-$name claimed='' temporary=$cache/.unpack-$mark
  trap clean EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  claim
  check "$home"
  [ -z "$state" ] || publish
  clean
  trap - EXIT HUP INT TERM
  umask "$mask"
}

publish() {
  [ ! -e "$home" ] || old=$state
  said=$(
    exec 2>&1
    export LC_ALL=C
    mkdir "$temporary" && cd "$temporary" || exit
    tail -c "+$offset" "$self" | { gzip -dc || mkdir .broken; } | tar -xomf - && ! [ -d .broken ]
  ) || explain "$said"
  check "$temporary"
  [ -z "$state" ] || fail "$state"
  said=$(LC_ALL=C "$temporary/deno" --version 2>&1) || cannot_run "$said"
  if [ -e "$home" ]; then
    mv "$home" "$temporary-old" 2>/dev/null || fail "$old"
  fi
  # Where another was faster, a mv without -T would move this one into that one.
  mv -fT "$temporary" "$home" 2>/dev/null || {
    [ -d "$home" ] || mv "$temporary" "$home" 2>/dev/null
    rm -rf "$home/${temporary##*/}"
  }
  check "$home"
  [ -z "$state" ] || fail "$state"
}

case $0 in
/*) self=$0 ;;
*) self=$PWD/$0 ;;
esac
uid=$(id -u)
if [ -n "${SLUICE_CACHE-}" ]; then
  cache=$SLUICE_CACHE
elif [ -n "${XDG_CACHE_HOME-}" ]; then
  cache=$XDG_CACHE_HOME/sluice
elif [ -n "${HOME-}" ] && [ -d "$HOME" ]; then
  cache=$HOME/.cache/sluice
else
  cache=${TMPDIR:-/tmp}/sluice-$uid
fi
case $cache in
/*) ;;
*) cache=$PWD/$cache ;;
esac
home=$cache/$name
check "$home"
[ -z "$state" ] || unpack
sweep
[ -x "$home/deno" ] || fail 'lets no program run (noexec)'
# The runtime keeps no databases of its own: many hosts would share them by NFS, for some milliseconds of a start.
export DENO_DIR=/dev/null/none DENO_LOG='error,deno::cache::cache_db=off'
export DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
exec "$home/deno" run --no-config --no-lock --no-prompt --cached-only @flags@ "$home/cli.js" "$@"
exit 126
