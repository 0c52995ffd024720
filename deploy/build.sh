#!/bin/sh
# Builds Roomkey for production in a clone of the repository, with the versions of package-lock.json: `dist` is made, and
# packages that only development needs are removed. Needs Node.js 20.19 or newer with npm, and the network.
set -eu
cd "$(dirname "$0")/.."

npm ci --no-audit --no-fund
npm run --silent build
npm run --silent bundle

# Storing data in a folder needs lmdb, which is only a development dependency of the package. It becomes a dependency while
# `npm prune` runs, so that it is not removed.
saved=$(mktemp -d)
cp package.json package-lock.json "$saved"
trap 'cp "$saved/package.json" "$saved/package-lock.json" . && rm -r "$saved"' EXIT
version=$(node -p "require('./package.json').devDependencies.lmdb")
npm pkg delete devDependencies.lmdb
npm pkg set "dependencies.lmdb=$version"
npm prune --omit=dev --no-audit --no-fund
