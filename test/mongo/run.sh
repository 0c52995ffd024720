#!/usr/bin/env bash
# The unit, store and wire suites against a real MongoDB-protocol server: the one MONGO_URL names,
# else one that peer.sh brings up and takes down again. Ends with mocha's status.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Arguments go to mocha, such as `npm run test:mongo -- --grep unique`.
run=(node_modules/.bin/mocha --config test/mongo/mocharc.cjs "$@")
if [[ -n ${MONGO_URL-} ]]; then
	ROOMKEY_TEST_MONGO_URL=$MONGO_URL exec "${run[@]}"
fi
exec bash test/mongo/peer.sh --with "${run[@]}"
