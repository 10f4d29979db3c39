# shellcheck shell=bash disable=SC2034
# Settings of the local CKAN and what up.sh and down.sh share; sourced by both.
# Every setting can be given in the environment instead.
#
# The prefix is DEVCKAN_, not CKAN_: CKAN itself reads CKAN_SOLR_URL,
# CKAN_SITE_URL and so on from the environment, over its ini file.

: "${DEVCKAN_STATE:=}"                  # everything it writes; empty: see state_dir below
: "${DEVCKAN_PORT:=}"                   # CKAN; empty: 5000, or the next one that is free
: "${DEVCKAN_PG_PORT:=}"                # PostgreSQL; empty: 25432 or next
: "${DEVCKAN_REDIS_PORT:=}"             # Redis; empty: 26379 or next
: "${DEVCKAN_SOLR_PORT:=}"              # the Solr stand-in; empty: 28983 or next
: "${DEVCKAN_SOLR_URL:=}"               # a real Solr core with CKAN's schema; empty: the stand-in

: "${DEVCKAN_REQUIREMENTS:=requirements.txt}"  # or requirements-2.11.txt: which CKAN
: "${DEVCKAN_PACKAGES:=}"               # more packages for the server, e.g. "ckanext-dcat==2.4.4"
: "${DEVCKAN_PYTHON:=3.11}"             # for the server's virtual environment
: "${DEVCKAN_PLUGINS:=activity datastore datatables_view text_view image_view}"
: "${DEVCKAN_EXTRA_INI:=}"              # more ini lines, one "key = value" a line
: "${DEVCKAN_ADMIN:=ckan_admin}"        # the sysadmin
: "${DEVCKAN_MAX_UPLOAD_MB:=500}"
: "${DEVCKAN_THREADS:=4}"               # of the web process
: "${DEVCKAN_JOBS:=1}"                  # 1: run CKAN's background worker (row counts)
: "${DEVCKAN_PG_FAST:=1}"               # 1: no fsync; for test data only
: "${DEVCKAN_APT:=1}"                   # 0: never call apt-get

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd "$here/../.." && pwd -P)
parts=(web jobs solr redis pg)          # in the order in which they are stopped

say() { printf '%s\n' "dev/ckan: $*" >&2; }
die() { say "$*"; exit 1; }

# PostgreSQL refuses to run as root, so then it runs as user postgres, who must
# be able to pass through every folder above its data.
passable() {                            # passable DIRECTORY: may anyone pass through it and what is above?
  local dir=$1 mode
  while :; do
    if [ -e "$dir" ]; then
      mode=$(stat -c %a "$dir")
      (( 8#$mode & 1 )) || return 1
    fi
    [ "$dir" != / ] || return 0
    dir=$(dirname "$dir")
  done
}

state_dir() {
  local hash far
  if [ -n "$DEVCKAN_STATE" ]; then
    realpath -m "$DEVCKAN_STATE"
    return
  fi
  hash=$(printf '%s' "$checkout" | sha256sum | cut -c1-12)
  far=/var/tmp/opendistrict-ckan-$hash
  # An existing folder there stays in use, whatever became of the permissions.
  if [ ! -e "$far/secrets.sh" ] && { [ "$(id -u)" != 0 ] || passable "$checkout"; }; then
    echo "$checkout/.ckan"
  else
    echo "$far"
  fi
}
state=$(state_dir)

take_lock() {                           # one up.sh or down.sh at a time; held on descriptor 9
  while :; do
    exec 9>"$state/lock"
    flock -w 600 9 || die "another up.sh or down.sh has been at work for ten minutes"
    # After a purge the file we hold may no longer be the one in the folder.
    [ "$(stat -Lc %i "/proc/$$/fd/9")" != "$(stat -c %i "$state/lock" 2>/dev/null)" ] || return 0
    [ -d "$state" ] || return 1
  done
}

running() {                             # running PID: a zombie that nobody has reaped yet is not
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ $stat != *') Z '* ]]
}

ours() {                                # ours PID: process ids are reused, so look at the command line too
  local command
  { command=$(tr '\0' ' ' <"/proc/$1/cmdline"); } 2>/dev/null || return 1
  [[ $command == *"$state/"* || $command == "redis-server 127.0.0.1:$redis_port"* ]]
}

pid_of() {                              # pid_of PART: the id of its process, if it runs
  local file=$state/run/$1.pid pid
  [ "$1" != pg ] || file=$state/pg/data/postmaster.pid
  { read -r pid <"$file"; } 2>/dev/null && [ -n "$pid" ] && running "$pid" && ours "$pid" && echo "$pid"
}
alive() { pid_of "$1" >/dev/null; }

group_of() {                            # group_of PART: its processes, even when the first is gone
  local leader line fields group
  { read -r leader <"$state/run/$1.pid"; } 2>/dev/null || return 0
  for line in /proc/[0-9]*/stat; do
    { read -r fields <"$line"; } 2>/dev/null || continue
    fields=${fields##*) }               # state, parent, process group, ...
    read -r _ _ group _ <<<"$fields"
    [ "$group" != "$leader" ] || echo "${line//[!0-9]/}"
  done
}

gone() { ! running "$1"; }
within() {                              # within SECONDS COMMAND...: wait until it succeeds
  local tries=$(($1 * 10)); shift
  until "$@"; do
    (( tries-- > 0 )) || return 1
    sleep 0.1
  done
}

kill_part() {                           # kill_part PART: SIGKILL to all its processes
  local pid
  if [ "$1" = pg ]; then                # its children end themselves when the first process is gone
    if pid=$(pid_of pg); then kill -KILL "$pid"; within 10 gone "$pid" || true; fi
    return 0
  fi
  for pid in $(group_of "$1"); do
    ! ours "$pid" || kill -KILL "$pid" 2>/dev/null || true
  done
  for pid in $(group_of "$1"); do
    ! ours "$pid" || within 5 gone "$pid" || true
  done
}

stop_part() {                           # stop_part PART: politely first
  local pid
  if pid=$(pid_of "$1"); then
    if [ "$1" = pg ]; then
      kill -INT "$pid"                  # PostgreSQL's "fast shutdown"
      within 30 gone "$pid" || say "PostgreSQL is still stopping"
      return 0
    fi
    kill -TERM "$pid" 2>/dev/null || true
    within 6 gone "$pid" || true
  fi
  kill_part "$1"
  rm -f "$state/run/$1.pid"
}

# The ports, once chosen, stay in the state folder: clients keep their URL.
web_port='' pg_port='' redis_port='' solr_port=''
# shellcheck source=/dev/null
[ ! -s "$state/ports.sh" ] || . "$state/ports.sh"
