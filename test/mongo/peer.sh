#!/usr/bin/env bash
# A real MongoDB-protocol server to test against, where MongoDB itself cannot be had:
# FerretDB over PostgreSQL with the DocumentDB extension. See --help.
set -euo pipefail

usage() {
	cat <<'END'
Brings up a MongoDB-protocol server (FerretDB over PostgreSQL with DocumentDB) on
loopback, without authentication, and prints its mongodb:// address.

  peer.sh                bring it up, or do nothing if it is up; print the address
  peer.sh --with CMD...  run CMD with the address in ROOMKEY_TEST_MONGO_URL; then take the
                         server down, if it was brought up for this and nobody else uses it
  peer.sh --down         stop it; what is installed and stored stays
  peer.sh --help         print this

The first call takes one to two minutes and 1 GB of disk, later ones a second. It needs
root, Debian and Go. All is kept in ROOMKEY_TEST_PEER_DIR (default: roomkey-peer in
XDG_CACHE_HOME or ~/.cache); once the server is down, that folder may be deleted.
Instead of all this, MONGO_URL may name a server for `npm run test:mongo`, such as
Docker's mongo:8.
END
}

say() { printf 'peer: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

PATH=$PATH:/usr/sbin:/sbin
ferretdb_version=v2.7.0
dir=$(realpath -m "${ROOMKEY_TEST_PEER_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/roomkey-peer}")
# PostgreSQL with DocumentDB comes from a newer Debian, in a root folder of its own.
root=$dir/root
bin=/usr/lib/postgresql/18/bin
data=/var/lib/postgresql/roomkey
declare -A program=([postgres]=$root$bin/postgres [ferretdb]=$dir/ferretdb-$ferretdb_version)

# ---- install: each part is made under a temporary name, and renamed when it is complete ----

install_root() {
	[[ ! -d $root ]] || return 0
	local new=$root.new mirror at
	if ! command -v debootstrap >/dev/null; then
		local get=(apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends debootstrap debian-archive-keyring)
		# Fetches the package lists only if the first try fails.
		DEBIAN_FRONTEND=noninteractive "${get[@]}" >&2 ||
			{ apt-get -qq update >&2 && DEBIAN_FRONTEND=noninteractive "${get[@]}" >&2; } ||
			die 'apt-get cannot install debootstrap'
	fi
	# A run that was killed may have left /proc mounted in the unfinished folder.
	awk -v under="$new/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | sort -r |
		while read -r at; do umount "$at"; done
	rm -rf --one-file-system "$new"
	say 'installing PostgreSQL with DocumentDB (a minute or two)'
	# The first mirror that apt uses on this machine. If there is none, debootstrap uses its own.
	# shellcheck disable=SC2016 # for apt
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' 'Component: main' | awk '/^http/ && !n++')
	# The script `sid` serves any new release: an older debootstrap does not know forky by name.
	debootstrap --variant=minbase --include=postgresql-18-documentdb forky "$new" "$mirror" sid >"$dir/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$dir/debootstrap.log" >&2 && die "debootstrap failed; all it said is in $dir/debootstrap.log"; }
	in_root "$new" "$bin/initdb" -A trust -U postgres --locale=C.UTF-8 -D "$data" >"$dir/initdb.log" 2>&1 ||
		{ tail -n 20 "$dir/initdb.log" >&2 && die 'initdb failed'; }
	mv "$new" "$root"
}

install_ferretdb() {
	[[ ! -x ${program[ferretdb]} ]] || return 0
	say "building FerretDB $ferretdb_version (a minute)"
	rm -rf "$dir/go.new"
	# A -mod=vendor in the caller's GOFLAGS would be refused.
	GOFLAGS=-mod=mod GOBIN=$dir/go.new go install "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@$ferretdb_version" \
		>"$dir/go.log" 2>&1 || { tail -n 20 "$dir/go.log" >&2 && die 'go install failed'; }
	mv "$dir/go.new/ferretdb" "${program[ferretdb]}"
	rmdir "$dir/go.new"
}

install() {
	if [[ ! -d $root ]]; then
		grep -qsx 'ID=debian' /etc/os-release || die 'this needs Debian (for debootstrap); or set MONGO_URL to a server you have'
	fi
	if [[ ! -x ${program[ferretdb]} ]]; then
		command -v go >/dev/null || die 'this needs Go, to build FerretDB; or set MONGO_URL to a server you have'
	fi
	install_ferretdb &
	local building=$!
	install_root
	wait "$building" || die 'FerretDB was not built'
}

# ---- run ----

# Runs a command in a root folder as the user postgres, without variables of the caller such as PG* and LC_*.
in_root() {
	local into=$1
	shift
	env -i PATH="$PATH" LC_ALL=C chroot --userspec="$(stat -c %u:%g "$into/var/lib/postgresql")" "$into" "$@"
}

# Whether process $2 is the program $1, and not another process with the same id, or a zombie.
is() { [[ -n $2 && $(readlink "/proc/$2/exe") == "${program[$1]}" ]]; }

# Prints the recorded process id of NAME if that process is still our program.
running() {
	local pid
	pid=$(cat "$dir/$1.pid" 2>/dev/null) && is "$1" "$pid" && printf '%s\n' "$pid"
}

# Starts a program that outlives this script. The new process writes NAME.pid itself, in case this script is killed.
# The program inherits no open files, which would keep the locks and the output of this script open.
launch() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	env -i PATH="$PATH" LC_ALL=C setsid bash -c '
		for fd in /proc/$$/fd/*; do
			fd=${fd##*/}
			((fd < 3)) || eval "exec $fd>&-"
		done
		cd / && echo $$ >"$0" && exec "$@"
	' "$dir/$name.pid" "$@" </dev/null >"$dir/$name.log" 2>&1 &
}

port() { cat "$dir/$1.port"; }

# Picks a port on which nobody answers, below the ports that the kernel assigns itself.
free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	printf '%s\n' "$port"
}

start_postgres() {
	# After a kill -9 PostgreSQL respects its old lock file while a process with that id exists, even a zombie.
	local lock=$root$data/postmaster.pid
	[[ ! -e $lock ]] || is postgres "$(head -n 1 "$lock")" || rm "$lock"
	launch postgres chroot --userspec="$(stat -c %u:%g "$root/var/lib/postgresql")" "$root" "$bin/postgres" -D "$data" \
		-c shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb -c cron.database_name=postgres \
		-c listen_addresses=127.0.0.1 -c port="$(port postgres)" -c unix_socket_directories= \
		-c cron.log_statement=off -c cron.log_run=off
}

ready_postgres() {
	in_root "$root" /usr/bin/psql -h 127.0.0.1 -p "$(port postgres)" -U postgres \
		-c 'CREATE EXTENSION IF NOT EXISTS documentdb CASCADE' >/dev/null 2>&1
}

ferretdb_flags() {
	flags=(--no-auth --telemetry=disable --debug-addr=- --state-dir="$dir/state"
		--listen-addr="127.0.0.1:$(port ferretdb)"
		--postgresql-url="postgres://postgres@127.0.0.1:$(port postgres)/postgres")
}

start_ferretdb() {
	local flags
	ferretdb_flags
	launch ferretdb "${program[ferretdb]}" "${flags[@]}"
}

ready_ferretdb() {
	local flags
	ferretdb_flags
	env -i timeout 5 "${program[ferretdb]}" ping "${flags[@]}" >/dev/null 2>&1
}

ready() { running "$1" >/dev/null && "ready_$1"; }

start() {
	local name=$1 tick
	for _ in 1 2 3; do
		stop "$name"
		# Another port on each try: somebody may take the one just found free.
		free_port >"$dir/$name.port"
		say "starting $name on port $(port "$name")"
		"start_$name"
		for tick in {1..300}; do
			! ready "$name" || return 0
			sleep 0.1
			# After a second the process has become the program. If it does not run now, it has ended.
			((tick < 10)) || running "$name" >/dev/null || break
		done
		tail -n 5 "$dir/$name.log" >&2
	done
	die "$name does not start; what it said is in $dir/$name.log"
}

stop() {
	local name=$1 pid tick
	if pid=$(running "$name"); then
		say "stopping $name, process $pid"
		# At INT, PostgreSQL does not wait for its clients. FerretDB takes INT too.
		kill -INT "$pid" || true
		for tick in {1..150}; do
			running "$name" >/dev/null || break
			((tick < 150)) || kill -KILL "$pid" || true
			sleep 0.1
		done
	fi
	rm -f "$dir/$name.pid" "$dir/$name.port"
}

# Only one call of this script at a time installs, starts or stops. debootstrap and go inherit the lock. If this script
# is killed by kill -9, the next call waits for them to end.
lock() {
	exec 9>"$dir/lock"
	flock -n 9 || {
		say 'waiting for another call'
		flock 9
	}
}

up() {
	install
	if ! ready postgres; then
		# FerretDB would go on using the old port of PostgreSQL.
		stop ferretdb
		start postgres
	fi
	ready ferretdb || start ferretdb
	url="mongodb://127.0.0.1:$(port ferretdb)/"
}

down() {
	stop ferretdb
	stop postgres
	rm -f "$dir/borrowed"
}

# Each call with --with has a shared lock on the file `users` while its command runs. The last one gets the lock alone.
# It takes the server down if the file `borrowed` exists, which means that the server was started only for such calls.
give_back() {
	local status=$?
	trap '' INT TERM HUP
	if flock -n 8 && [[ -e $dir/borrowed ]]; then
		lock
		down
	fi
	exit "$status"
}

with() {
	exec 8>"$dir/users"
	flock -s 8
	trap give_back EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	lock
	running ferretdb >/dev/null || touch "$dir/borrowed"
	up
	exec 9>&-
	# In the foreground: at Ctrl-C the command ends first, then this script.
	ROOMKEY_TEST_MONGO_URL=$url "$@" 8>&-
}

case ${1-} in
'' | --with | --down) ;;
-h | --help)
	usage
	exit
	;;
*)
	usage >&2
	exit 2
	;;
esac
((EUID == 0)) || die 'this needs root, for a root folder of its own; or set MONGO_URL to a server you have'

case ${1-} in
'')
	mkdir -p "$dir"
	lock
	# A server that was started without --with runs until --down.
	rm -f "$dir/borrowed"
	up
	printf '%s\n' "$url"
	;;
--with)
	shift
	(($#)) || die '--with needs a command'
	mkdir -p "$dir"
	with "$@"
	;;
--down)
	[[ -d $dir ]] || exit 0
	lock
	down
	;;
esac
