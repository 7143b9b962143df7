#!/usr/bin/env bash
# Works on a job with the machines of a Slurm cluster: an array of pullers that share it by a ledger in PostgreSQL.
#
#   export SLUICE_LEDGER=postgres://me@db.lab/jobs PGPASSFILE=~/.pgpass
#   sluice ledger init                                        # once
#   sluice create '/shared/raw/*.tif' /shared/out.ome.zarr    # the same path on every machine
#   sbatch --array=0-15 --cpus-per-task=4 --mem=8G --time=4:00:00 scripts/slurm.sh /shared/out.ome.zarr
#
# Usage: scripts/slurm.sh VOLUME|JOB [FLAG…]; the flags are those of `sluice join`. Without Slurm it is one puller.
#
# Every element of the array runs `sluice join` until nothing is left to do, or until SIGTERM comes, which Slurm sends
# two minutes before the walltime: then it finishes the tasks in hand and leases no more. After SLUICE_GRACE seconds
# (60) it gives back what is left at once. Submit again to go on; a puller that is killed loses its leases when they
# expire.
#
# Exit codes, those of sluice: 0 the job is done; 1 it failed, or tasks are left dead; 2 usage; 3 it is done, with named
# losses; 130 SIGTERM came first, and the job goes on.
#
# Runs SLUICE if that names an executable file of sluice; else the checkout that it was submitted from, or SLUICE_ROOT,
# with deno or npx. From a checkout, the puller may read all files, write below the volume alone (everywhere where JOB
# is a number), speak to the ledger's host alone, and see the variables that it needs.
#SBATCH --job-name=sluice
#SBATCH --array=0-3
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --open-mode=append
#SBATCH --output=sluice-%A_%a.log
set -uo pipefail

fail() {
  printf 'slurm.sh: %s\n' "$1" >&2
  exit 2
}

[ $# -ge 1 ] || fail 'Cannot join without a job: write scripts/slurm.sh VOLUME|JOB'
job=$1

# The host and port of an address such as postgres://me:secret@db.lab:5433/jobs.
ledger_host() {
  local rest=${SLUICE_LEDGER:-} host
  case $rest in
    postgres://* | postgresql://*) ;;
    *) fail 'Cannot join from many machines without a ledger that they share: set SLUICE_LEDGER=postgres://HOST/DATABASE' ;;
  esac
  rest=${rest#*://}
  rest=${rest%%[/?]*}
  host=${rest##*@}
  [ -n "$host" ] || host=${PGHOST:-localhost}
  case $host in
    *\]:* | [!\[]*:*) ;;
    *) host=$host:${PGPORT:-5432} ;;
  esac
  printf '%s' "$host"
}

if [ -n "${SLUICE:-}" ]; then
  program=("$SLUICE")
else
  host=$(ledger_host) || exit 2
  root=${SLUICE_ROOT:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}
  [ -f "$root/cli.ts" ] || fail "Cannot find sluice in \"$root\": submit from its checkout, or set SLUICE_ROOT or SLUICE"
  if command -v deno >/dev/null; then program=(deno); else program=(npx -y deno@2.9.6); fi
  case $job in
    *[!0-9]*) write=--allow-write=$job ;;
    *) write=--allow-write ;;
  esac
  program+=(
    run --quiet --no-prompt --unstable-worker-options --allow-read "$write" "--allow-net=$host"
    '--allow-env=SLUICE_HOME,SLUICE_LEDGER,XDG_STATE_HOME,HOME,USER,PG*'
    '--allow-sys=hostname,homedir,statfs,systemMemoryInfo' "$root/cli.ts"
  )
fi

flags=()
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || flags+=(--workers "$SLURM_CPUS_PER_TASK")
# What Slurm lends in MiB, less what the program itself takes.
[ "${SLURM_MEM_PER_NODE:-0}" -lt 1024 ] || flags+=(--memory "$((SLURM_MEM_PER_NODE - 512))MiB")

stopping=
puller=
# shellcheck disable=SC2317 # The trap calls it.
stop() {
  [ -z "$stopping" ] || return 0
  stopping=yes
  [ -n "$puller" ] || return 0
  kill -TERM "$puller" 2>/dev/null
  (
    sleep "${SLUICE_GRACE:-60}" &
    trap 'kill $!; exit' TERM
    wait
    kill -TERM "$puller" 2>/dev/null
  ) &
  reminder=$!
}
trap stop TERM INT

"${program[@]}" join "$job" "${flags[@]}" "${@:2}" &
puller=$!
# A signal that came in between has not been passed on.
[ -z "$stopping" ] || kill -TERM "$puller" 2>/dev/null
# A signal ends a wait, not the puller.
while kill -0 "$puller" 2>/dev/null; do wait "$puller"; done
wait "$puller"
code=$?
[ -z "${reminder:-}" ] || kill -TERM "$reminder" 2>/dev/null
exit "$code"
