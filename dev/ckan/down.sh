#!/usr/bin/env bash
# Stops what up.sh started, by process id.
#
#   down.sh                  all of it
#   down.sh web jobs         only these parts (web, jobs, solr, redis, pg)
#   down.sh --kill web       with SIGKILL, as a crash would
#   down.sh --purge          all of it, then delete the state folder
set -euo pipefail

# shellcheck source=dev/ckan/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

purge=0 how=stop_part
while [ $# -gt 0 ]; do
  case $1 in
    --purge) purge=1 ;;
    --kill) how=kill_part ;;
    -*) die "unknown option $1" ;;
    *) break ;;
  esac
  shift
done
[ $purge = 0 ] || [ $# = 0 ] || die "--purge takes no parts"
for part in "$@"; do
  [[ " ${parts[*]} " == *" $part "* ]] || die "unknown part $part; there are: ${parts[*]}"
done
[ $# -gt 0 ] || set -- "${parts[@]}"

[ -d "$state" ] || exit 0
# A crash does not wait for its turn; a tidy stop does.
[ $how = kill_part ] || take_lock || exit 0
for part in "$@"; do "$how" "$part"; done

if [ $purge = 1 ]; then
  # Only ever a folder that up.sh has made.
  [ -e "$state/secrets.sh" ] || [ -e "$state/.opendistrict-ckan" ] || die "$state is not ours"
  rm -rf -- "$state"
fi
