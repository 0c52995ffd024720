#!/usr/bin/env bash
# `npm run test:deploy`: tests the files in deploy/ with the real programs. apt-get installs those that are missing.
# Needs root, for chroot. DEBIAN_FOLDER may name a Debian that debootstrap has made already.
set -euo pipefail
cd "$(dirname "$0")/../.."

export PATH=$PATH:/usr/sbin
declare -A package=([nginx]=nginx-light [caddy]=caddy [systemd-analyze]=systemd [debootstrap]=debootstrap [curl]=curl
	[jq]=jq)
missing=()
for command in "${!package[@]}"; do
	command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
if ((${#missing[@]} > 0)); then
	apt-get update >/dev/null
	# In this runlevel the packages start no services.
	RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# The certificate of the tests is self-signed.
NODE_EXTRA_CA_CERTS=$PWD/test/fixtures/tls/first.cert.pem npx mocha --no-config --require dist/test/support/watchdog.js \
	--timeout 120000 --node-option enable-source-maps dist/test/deploy/*.test.js
