#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 2> apt.log || { cat apt.log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" tools; done
verify() {
    LD_LIBRARY_PATH=tools/usr/lib/x86_64-linux-gnu/systemd:tools/lib/x86_64-linux-gnu/systemd \
        tools/usr/bin/systemd-analyze verify --man=no "$@"
}

printf '[Service]\nExecStart=/bin/true\nKillMode=mixed   # only the main process is told to end\n' > comment.service
printf '[Service]\nExecStart=/bin/there-is-no-such-program\n' > missing.service
echo "systemd 252.39: systemd-analyze verify on a unit with a comment after the value of KillMode, which makes that value"
echo "invalid; it says so, and the unit would run with the default"
missing=0
verify "$folder/missing.service" > missing.log 2>&1 || missing=$?
code=0
verify "$folder/comment.service" > comment.log 2>&1 || code=$?
echo "expected: not 0, as for a program that does not exist ($missing)"
echo "seen:     $code, $(grep -o 'Failed to parse kill mode.*' comment.log)"
[ "$code" = 0 ] && [ "$missing" != 0 ] && grep -q 'Failed to parse kill mode.*ignoring' comment.log
