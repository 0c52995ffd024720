#!/usr/bin/env bash
# `npm run test:prometheus`: the alert rules and the dashboard with a real Prometheus. If there is none, apt-get fetches it.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
	# Unpacked, not installed: the package would start a service.
	chmod 755 "$folder"
	(
		cd "$folder"
		apt-get update >/dev/null
		apt-get download prometheus >/dev/null
		dpkg -x prometheus_*.deb .
	)
	PATH=$folder/usr/bin:$PATH
fi

promtool check rules deploy/prometheus/alerts.yml
promtool check config deploy/prometheus/prometheus.yml
npx mocha --no-config --require dist/test/support/watchdog.js --timeout 120000 --node-option enable-source-maps \
	dist/test/prometheus/prometheus.test.js
