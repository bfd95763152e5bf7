#!/usr/bin/env bash
# Takes pictures of a run's report.html to look at: 400, 900 and 1,400 pixels wide, on a light and on a dark system, and as
# it prints.
#
#     apt-get install -y chromium
#     Tests/Oracles/screenshots.sh RUN_FOLDER [OUTPUT_FOLDER]
#
# CHROMIUM names another browser of that family.
set -euo pipefail
browser=${CHROMIUM:-chromium}
report=$(realpath "${1:?usage: screenshots.sh RUN_FOLDER [OUTPUT_FOLDER]}/report.html")
output=${2:-screenshots}
mkdir -p "$output"
common="--headless --no-sandbox --disable-gpu --hide-scrollbars --log-level=3 --host-resolver-rules=MAP*~NOTFOUND"
# A picture is as tall as the window; HEIGHT=… where the page is longer.
for width in 400 900 1400; do
    for scheme in light dark; do
        file="$output/report-$width-$scheme.png"
        "$browser" $common --blink-settings=preferredColorScheme=$([ $scheme = dark ] && echo 0 || echo 1) \
            --window-size=$width,${HEIGHT:-16000} --screenshot="$file" "file://$report" 2>/dev/null
        echo "$file"
    done
done
"$browser" $common --no-pdf-header-footer --print-to-pdf="$output/report.pdf" "file://$report" 2>/dev/null
echo "$output/report.pdf"
