#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 2> apt.log || { cat apt.log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" tools; done
seen=$(LC_ALL=C TZ=Europe/Berlin LD_LIBRARY_PATH=tools/usr/lib/x86_64-linux-gnu/systemd:tools/lib/x86_64-linux-gnu/systemd \
    tools/usr/bin/systemd-analyze calendar --iterations=3 --base-time='2027-10-30 23:30:00 UTC' hourly |
    sed -n 's/.*in UTC): .* \([0-9:]*\):00 UTC/\1/p' | tr '\n' ' ')
echo "systemd 252.39: the next three times of OnCalendar=hourly in Europe/Berlin after 23:30 UTC on 30 October 2027, in UTC;"
echo "clocks go back at 01:00 UTC"
echo "expected: 00:00 01:00 02:00"
echo "seen:     $seen"
[ "$seen" = "00:00 02:00 03:00 " ]
