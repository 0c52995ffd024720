#!/usr/bin/env bash
# `npm run test:deploy`: the files in deploy/ with the real nginx, Caddy and systemd-analyze, which apt-get fetches if they
# are missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Unpacked, not installed: the packages would start services.
declare -A package=([nginx]=nginx [caddy]=caddy [systemd-analyze]=systemd)
missing=()
for command in nginx caddy systemd-analyze; do
	command -v "$command" >/dev/null || PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
if ((${#missing[@]} > 0)); then
	chmod 755 "$folder"
	(
		cd "$folder"
		apt-get update >/dev/null
		apt-get download "${missing[@]}" >/dev/null
		for file in *.deb; do dpkg -x "$file" .; done
	)
	PATH=$folder/usr/bin:$folder/usr/sbin:$folder/bin:$PATH
fi
export PATH=$PATH:/usr/sbin

# The certificate of the tests is signed by itself.
NODE_EXTRA_CA_CERTS=test/fixtures/tls/first.cert.pem npx mocha --no-config --require dist/test/support/watchdog.js \
	--timeout 120000 --node-option enable-source-maps dist/test/deploy/*.test.js
