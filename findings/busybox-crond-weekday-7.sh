#!/usr/bin/env bash
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "crond of busybox needs root"; exit 2; }
folder=$(mktemp -d)
trap 'kill "${daemon:-}" 2> kill.log || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq 'busybox-static=1:1.35.0-4+deb12u1+b1' 2> apt.log || { cat apt.log; exit 2; }
dpkg-deb -x ./*.deb tools
mkdir crontabs
printf '* * * * 7 touch %s/seven\n* * * * 0 touch %s/zero\n' "$folder" "$folder" > crontabs/root
# In a zone where today is not Sunday: 24 hours behind UTC, if it is Sunday there.
export TZ=UTC0
[ "$(date +%u)" != 7 ] || TZ=AAA23:59
tools/bin/busybox crond -f -c "$folder/crontabs" -L "$folder/log" &
daemon=$!
for _ in $(seq 70); do [ -e seven ] && break; sleep 1; done
echo "busybox 1.35.0: crond with the lines '* * * * 7' and '* * * * 0', on a $(date +%A)"
echo "expected: neither runs, for 7 is Sunday as 0 is"
echo "seen:     ran: $([ -e seven ] && echo 7) $([ -e zero ] && echo 0); $(grep -o 'parse error at 7' log | head -n 1)"
[ -e seven ] && [ ! -e zero ]
