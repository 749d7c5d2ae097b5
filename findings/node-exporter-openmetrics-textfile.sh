#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus-node-exporter=1.5.0-1+b6 2> apt.log || { cat apt.log; exit 2; }
dpkg-deb -x prometheus-node-exporter_*.deb tools
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir files
tools/usr/bin/prometheus-node-exporter --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$folder/files" --web.listen-address="127.0.0.1:$port" 2> log &
server=$!
until curl -fs "http://127.0.0.1:$port/metrics" > /dev/null; do kill -0 "$server"; sleep 0.1; done

scraped() { curl -fs "http://127.0.0.1:$port/metrics" | grep -E '^(# (HELP|TYPE) )?(jobs|build|node_textfile_scrape_error)'; }

printf '# HELP jobs Jobs that have ended.\n# TYPE jobs counter\njobs_total 1\n# EOF\n' > files/a.prom
counter=$(scraped)
printf '# HELP build The version.\n# TYPE build info\nbuild_info{version="1"} 1\n# EOF\n' > files/a.prom
info=$(scraped)
echo "prometheus-node-exporter 1.5.0: files of OpenMetrics, one with a counter and one with an info metric, in the"
echo "folder of its textfile collector"
echo "expected: a counter with its help, and build_info"
echo "seen:"
printf '%s\n' "$counter" "$info" | sed 's/^/    /'
grep -q '^# TYPE jobs_total untyped$' <<< "$counter"
! grep -q 'Jobs that have ended' <<< "$counter"
grep -q '^node_textfile_scrape_error 0$' <<< "$counter"
grep -q '^node_textfile_scrape_error 1$' <<< "$info"
! grep -q build_info <<< "$info"
