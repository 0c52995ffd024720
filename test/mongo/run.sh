#!/usr/bin/env bash
# Runs the unit, store and wire suites against a real MongoDB-protocol server: the one that MONGO_URL names,
# else one that peer.sh brings up and takes down.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Arguments are those of `npm test`, such as `npm run test:mongo -- test/store -g unique`.
run=(node test/run.mjs --config test/mongo/mocharc.cjs "$@")
if [[ -n ${MONGO_URL-} ]]; then
	ROOMKEY_TEST_MONGO_URL=$MONGO_URL exec "${run[@]}"
fi
exec bash test/mongo/peer.sh --with "${run[@]}"
