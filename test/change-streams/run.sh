#!/usr/bin/env bash
# `npm run test:change-streams`: the tests of change streams, with a MongoDB-protocol server in Java, which Maven downloads.
set -euo pipefail
cd "$(dirname "$0")/../.."

jars=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/roomkey-change-streams
if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
	apt-get update >/dev/null
	apt-get install -y --no-install-recommends maven openjdk-17-jdk-headless >/dev/null
fi
mvn -q -B -f test/change-streams/pom.xml dependency:copy-dependencies -DoutputDirectory="$jars"
ROOMKEY_TEST_CHANGE_STREAMS_JARS=$jars exec npx mocha --no-config --require dist/test/support/watchdog.js \
	--timeout 120000 --node-option enable-source-maps dist/test/change-streams/change-streams.test.js
