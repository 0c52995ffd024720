#!/usr/bin/env bash
# `npm run test:cluster`: several processes over a real NATS, which apt-get fetches if it is missing.
# With MONGO_URL, or under test/mongo/peer.sh, the processes also share a MongoDB.
set -euo pipefail
cd "$(dirname "$0")/../.."

[[ -z ${MONGO_URL-} ]] || export ROOMKEY_TEST_MONGO_URL=$MONGO_URL

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if ! command -v nats-server >/dev/null; then
	# Unpacked, not installed: the package would start a service.
	chmod 755 "$folder"
	(
		cd "$folder"
		apt-get update >/dev/null
		apt-get download nats-server >/dev/null
		dpkg -x nats-server_*.deb .
	)
	PATH=$folder/usr/sbin:$folder/usr/bin:$PATH
fi

npx mocha --no-config --exit ${CI:+--retries 1} --require dist/test/support/watchdog.js --timeout 120000 --node-option enable-source-maps \
	'dist/test/cluster/*.test.js'
