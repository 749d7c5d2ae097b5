#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq mcron=1.0.8-1.1 guile-3.0-libs=3.0.8-2 libgc1 libunistring2 libffi8 libgmp10 2> apt.log || { cat apt.log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" tools; done
cp -r tools/usr/share/mcron tools/usr/share/guile/3.0/
next() {
    echo "0 12 1 $1 * true" | LC_ALL=C TZ=UTC LD_LIBRARY_PATH=tools/usr/lib/x86_64-linux-gnu GUILE_AUTO_COMPILE=0 \
        GUILE_LOAD_PATH="$folder/tools/usr/share/guile/3.0" GUILE_SYSTEM_PATH="$folder/tools/usr/share/guile/3.0" \
        GUILE_LOAD_COMPILED_PATH="$folder/tools/usr/lib/x86_64-linux-gnu/guile/3.0/ccache" \
        tools/usr/bin/mcron -i vixie -s 1 - 2>> mcron.log | sed -n 's/^... \(...\) .*/\1/p'
}
seen="$(next 3) $(next MAR)"
echo "mcron 1.0.8: the months of the next times of '0 12 1 3 *' and '0 12 1 MAR *'"
echo "expected: Mar Mar"
echo "seen:     $seen"
[ "$seen" = "Apr Mar" ] || { cat mcron.log; exit 1; }
