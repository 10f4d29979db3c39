#!/usr/bin/env bash
# Starts a real CKAN on 127.0.0.1 from nothing: the distribution's PostgreSQL
# and Redis, CKAN from its Python packages, a stand-in for Solr. Run it again at
# any time: it does only what is missing, also after a crash of any part. Prints
# the URL and a sysadmin's API token on standard output, all else on standard
# error. Settings: env.sh. `up.sh --check` only tells whether all of it runs.
# Exit code 3: a program is missing that it may not install.
set -euo pipefail
umask 077

unset "${!CKAN_@}" PYTHONPATH PYTHONHOME        # they would override the ini file, or leak into the server
# shellcheck source=dev/ckan/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
export UV_LINK_MODE=${UV_LINK_MODE:-copy} UV_PYTHON_DOWNLOADS=${UV_PYTHON_DOWNLOADS:-never}
export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"
export no_proxy=$NO_PROXY PYTHONDONTWRITEBYTECODE=1

wanted_parts=(pg redis web)
[ "$DEVCKAN_JOBS" != 1 ] || wanted_parts+=(jobs)
[ -n "$DEVCKAN_SOLR_URL" ] || wanted_parts+=(solr)

if [ "${1:-}" = --check ]; then
  [ -s "$state/token" ] || exit 1
  for part in "${wanted_parts[@]}"; do alive "$part" || exit 1; done
  exit 0
fi
[ $# = 0 ] || die "usage: up.sh [--check]"

# In a folder for everybody somebody else may have made ours first.
mkdir -p "$state"
[ -O "$state" ] || die "$state belongs to another user"
chmod 711 "$state"                       # user postgres passes through; nobody lists it
touch "$state/.opendistrict-ckan"
take_lock || die "$state was deleted meanwhile"
mkdir -p "$state"/{log,run,redis,solr,storage,webassets}
ini=$state/ckan.ini venv=$state/venv

start() {                                # start PART COMMAND...: in the background, a session of its own
  local name=$1; shift
  kill_part "$name"                      # what a crash has left over still holds the port
  # Neither lock may live on in a server.
  setsid "$@" >>"$state/log/$name.log" 2>&1 </dev/null 8>&- 9>&- &
  echo $! >"$state/run/$name.pid"
}
answers() {                              # answers URL
  "$venv/bin/python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=20)' "$1"
}
wait_for() {                             # wait_for PART SECONDS COMMAND...
  local name=$1 until=$((SECONDS + $2)) pid; shift 2
  pid=$(<"$state/run/$name.pid")
  until "$@" >/dev/null 2>&1; do
    running "$pid" || die "$name ended at once; see $state/log/$name.log"
    [ $SECONDS -lt $until ] || die "$name does not answer; see $state/log/$name.log"
    sleep 0.1
  done
}

# --- programs ---------------------------------------------------------------
pg_bin() {
  local initdb
  initdb=$(command -v initdb || find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
  [ -n "$initdb" ] && dirname "$(readlink -f "$initdb")"
}
missing=()
pg_bin >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
[[ $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p) == *libmagic.so.1* ]] || missing+=(libmagic1)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$DEVCKAN_APT" != 1 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "please install: ${missing[*]}"
    exit 3
  fi
  say "apt-get install ${missing[*]}"
  (
    umask 022                            # packages bring files for everybody
    # RUNLEVEL: do not start the distribution's own services.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get -o DPkg::Lock::Timeout=300 update &&
      apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
  ) >"$state/log/apt.log" 2>&1 9>&- || die "apt-get failed; see $state/log/apt.log"
fi
pg_bin=$(pg_bin)

# --- the server's virtual environment ---------------------------------------------
read -ra packages <<<"$DEVCKAN_PACKAGES"
wanted=$(cat "$here/$DEVCKAN_REQUIREMENTS" "$here/overrides.txt"; printf '%s\n' "$DEVCKAN_PYTHON" "${packages[@]}")
if [ "$(cat "$state/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  say "installing CKAN"
  uv=$(command -v uv || true)
  [ -n "$uv" ] || uv=$checkout/.venv/bin/uv
  [ -x "$uv" ] || uv=$state/uv/bin/uv
  if [ ! -x "$uv" ]; then
    rm -rf "$state/uv" "$state/uv.new"
    { python3 -m venv "$state/uv.new" && "$state/uv.new/bin/pip" install -qq uv; } >&2
    mv "$state/uv.new" "$state/uv"       # uv is one native program: it may be moved
  fi
  # An installation that was cut short looks complete to the installer: begin anew.
  [ -s "$state/installed.txt" ] || rm -rf "$venv"
  rm -f "$state/installed.txt"
  [ -x "$venv/bin/python" ] || "$uv" venv -q --python "$DEVCKAN_PYTHON" "$venv"
  "$uv" pip install -q --python "$venv/bin/python" \
    --override "$here/overrides.txt" -r "$here/$DEVCKAN_REQUIREMENTS" "${packages[@]}"
  echo "$wanted" >"$state/installed.txt"
fi

# --- secrets: made once, kept in the state folder -----------------------------------
if [ ! -s "$state/secrets.sh" ]; then
  for name in pg_password ro_password admin_password session_key csrf_key token_key; do
    printf '%s=%s\n' "$name" "$("$venv/bin/python" -c 'import secrets; print(secrets.token_hex(24))')"
  done >"$state/secrets.new"
  mv "$state/secrets.new" "$state/secrets.sh"
fi
pg_password='' ro_password='' admin_password='' session_key='' csrf_key='' token_key=''
# shellcheck source=/dev/null
. "$state/secrets.sh"

# --- ports ------------------------------------------------------------------------
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
choose() {                               # choose PART FIXED KEPT DEFAULT: prints a port
  local name=$1 fixed=$2 port=${3:-$4}
  if alive "$name" && [ -n "$3" ] && [ "${fixed:-$3}" = "$3" ]; then
    echo "$3"
  elif [ -n "$fixed" ]; then
    ! taken "$fixed" || die "port $fixed ($name) is taken; give another one in the environment"
    echo "$fixed"
  else
    while taken "$port"; do port=$((port + 1)); done
    echo "$port"
  fi
}
# Two checkouts that start at once must not choose the same: one at a time from
# here until everything listens. A lock on the folder itself leaves no file.
exec 8</var/tmp
flock -w 120 8 || say "others are still starting; going on"
for part in web jobs solr redis; do      # left over from a crash, still holding a port
  alive "$part" || kill_part "$part"
done
before="$web_port $pg_port $redis_port $solr_port"
web=$(choose web "$DEVCKAN_PORT" "$web_port" 5000)
pg=$(choose pg "$DEVCKAN_PG_PORT" "$pg_port" 25432)
redis=$(choose redis "$DEVCKAN_REDIS_PORT" "$redis_port" 26379)
solr=$(choose solr "$DEVCKAN_SOLR_PORT" "$solr_port" 28983)
if [ "$before" != "$web $pg $redis $solr" ]; then
  for part in "${parts[@]}"; do stop_part "$part"; done
  web_port=$web pg_port=$pg redis_port=$redis solr_port=$solr
  printf '%s\n' "web_port=$web" "pg_port=$pg" "redis_port=$redis" "solr_port=$solr" >"$state/ports.sh"
fi

# --- PostgreSQL ---------------------------------------------------------------------
restart_web=0
if [ "$(id -u)" = 0 ]; then
  as_pg() { (cd / && runuser -u postgres -- "$@"); }
  install -d -o postgres -g postgres -m 700 "$state/pg"
  as_pg test -x "$state/pg" || die "user postgres cannot reach $state/pg; set DEVCKAN_STATE to a folder it can"
else
  as_pg() { "$@"; }
  mkdir -p "$state/pg"
fi
if ! as_pg test -s "$state/pg/data/PG_VERSION"; then
  say "creating the PostgreSQL cluster"
  # Beside, then renamed: a half-made cluster is never taken for a whole one.
  as_pg rm -rf "$state/pg/new" "$state/pg/data"
  as_pg sh -c "umask 077; cat >'$state/pg/pw'" <<<"$pg_password"
  as_pg "$pg_bin/initdb" -D "$state/pg/new" -U postgres -E UTF8 --locale=C.UTF-8 \
    --auth=scram-sha-256 --pwfile="$state/pg/pw" --no-sync >"$state/log/initdb.log"
  as_pg rm "$state/pg/pw"
  as_pg mv "$state/pg/new" "$state/pg/data"
fi
start_pg() {
  local options="-p $pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_wal_size=2GB"
  [ "$DEVCKAN_PG_FAST" != 1 ] || options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
  as_pg "$pg_bin/pg_ctl" -D "$state/pg/data" -l "$state/pg/server.log" -w -s -o "$options" start \
    >/dev/null 2>>"$state/log/pg.log" 8>&- 9>&-
}
if ! alive pg; then
  # After a SIGKILL its children need a moment to notice and to let go of the memory.
  within 3 start_pg || die "PostgreSQL does not start; see $state/pg/server.log"
  restart_web=1                          # CKAN's pooled connections are dead
fi
psql() {
  PGPASSWORD=$pg_password "$pg_bin/psql" -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$pg_port" -U postgres "$@"
}

# --- Redis, and Solr or what stands in for it ------------------------------------------
if ! alive redis; then
  start redis redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$state/redis" --save 60 1
fi
solr_url=$DEVCKAN_SOLR_URL
if [ -z "$solr_url" ]; then
  solr_url=http://127.0.0.1:$solr_port/solr/ckan
  alive solr ||
    start solr "$venv/bin/python" "$here/solr_standin.py" --port "$solr_port" --db "$state/solr/docs.sqlite"
fi

# --- CKAN -----------------------------------------------------------------------------
url=http://127.0.0.1:$web_port
pg_url() { echo "postgresql://$1:$2@127.0.0.1:$pg_port/$3"; }
new=$(mktemp "$state/ckan.ini.XXXX")
cat >"$new" <<INI
[DEFAULT]
debug = false

[app:main]
use = egg:ckan
ckan.site_id = default
ckan.site_url = $url
ckan.site_title = CKAN for development
ckan.plugins = $DEVCKAN_PLUGINS
sqlalchemy.url = $(pg_url ckan "$pg_password" ckan)
ckan.datastore.write_url = $(pg_url ckan "$pg_password" datastore)
ckan.datastore.read_url = $(pg_url datastore_ro "$ro_password" datastore)
ckan.datastore.sqlsearch.enabled = true
ckan.redis.url = redis://127.0.0.1:$redis_port/0
solr_url = $solr_url
ckan.storage_path = $state/storage
ckan.webassets.path = $state/webassets
ckan.max_resource_size = $DEVCKAN_MAX_UPLOAD_MB
SECRET_KEY = $session_key
WTF_CSRF_SECRET_KEY = $csrf_key
api_token.jwt.encode.secret = string:$token_key
api_token.jwt.decode.secret = string:$token_key
$DEVCKAN_EXTRA_INI

[loggers]
keys = root, ckan, ckanext
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_ckan]
level = INFO
handlers = console
qualname = ckan
propagate = 0
[logger_ckanext]
level = INFO
handlers = console
qualname = ckanext
propagate = 0
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(asctime)s %(levelname)-5.5s [%(name)s] %(message)s
INI
cmp -s "$new" "$ini" || restart_web=1
mv "$new" "$ini"
export CKAN_INI=$ini

# Roles, databases, migrations and grants follow the requirements and the plugins.
done_mark="$wanted $DEVCKAN_PLUGINS"
if [ "$(cat "$state/migrated.txt" 2>/dev/null)" != "$done_mark" ]; then
  say "databases"
  psql -d postgres >/dev/null <<SQL
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER PASSWORD %L', name, word)
FROM (VALUES ('ckan', '$pg_password'), ('datastore_ro', '$ro_password')) AS wanted (name, word)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE DATABASE %I OWNER ckan TEMPLATE template0 ENCODING ''UTF8''', name)
FROM (VALUES ('ckan'), ('datastore')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
SQL
  "$venv/bin/ckan" db init >>"$state/log/cli.log" 2>&1 || die "ckan db init failed; see $state/log/cli.log"
  "$venv/bin/ckan" datastore set-permissions 2>>"$state/log/cli.log" | psql -d postgres >>"$state/log/cli.log"
  echo "$done_mark" >"$state/migrated.txt"
  restart_web=1
fi
wait_for redis 15 redis-cli -h 127.0.0.1 -p "$redis_port" ping
[ -n "$DEVCKAN_SOLR_URL" ] || wait_for solr 30 answers "$solr_url/select?q=*:*&rows=0"
if [ ! -s "$state/token" ]; then
  say "sysadmin $DEVCKAN_ADMIN and an API token"
  DEVCKAN_ADMIN=$DEVCKAN_ADMIN DEVCKAN_ADMIN_PASSWORD=$admin_password \
    "$venv/bin/python" "$here/admin.py" 2>>"$state/log/cli.log" | tail -1 >"$state/token.new" ||
    die "no sysadmin; see $state/log/cli.log"
  mv "$state/token.new" "$state/token"
fi

if [ $restart_web = 1 ]; then
  stop_part web
  stop_part jobs
fi
if ! alive web; then
  # One process: what a test sees does not depend on which of several it meets.
  start web "$venv/bin/gunicorn" --chdir "$here" --bind "127.0.0.1:$web_port" --workers 1 \
    --threads "$DEVCKAN_THREADS" --timeout 600 --graceful-timeout 3 --worker-tmp-dir "$state/run" \
    --no-control-socket wsgi:application
fi
if [ "$DEVCKAN_JOBS" = 1 ] && ! alive jobs; then
  start jobs "$venv/bin/ckan" jobs worker
fi
wait_for web 90 answers "$url/api/3/action/status_show"
exec 8>&-

say "running; logs in $state/log, ckan command: CKAN_INI=$ini $venv/bin/ckan"
echo "CKAN_TEST_URL=$url"
echo "CKAN_TEST_TOKEN=$(<"$state/token")"
