#!/usr/bin/env bash
# The weather example from nothing, in .demo: needs the flowerpower command on PATH.
set -euo pipefail

# Prints a command as one would type it, and runs it.
say() {
    local word line=
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./=:,-]*) word="'$word'" ;; esac
        line="$line $word"
    done
    printf '\n\033[1m$%s\033[0m\n' "$line"
    "$@"
}

rm -rf .demo
mkdir .demo
cd .demo
say flowerpower init my_weather --example weather
cd my_weather
say flowerpower pipeline list
say flowerpower pipeline run weather --dry-run
say flowerpower pipeline run weather
say flowerpower pipeline run weather -i last_year=2013 --final-vars yearly_summary
say flowerpower job-queue add-job weather --job-id all-years
say flowerpower job-queue add-job weather --job-id until-2013 -i last_year=2013
say flowerpower job-queue list-jobs
say flowerpower job-queue start-worker --burst
say flowerpower job-queue list-jobs
say flowerpower job-queue show-job weather_page-after-all-years
say flowerpower job-queue show-job until-2013
say flowerpower schedule add weather --interval 2s --schedule-id often -i last_year=2013
say flowerpower job-queue start-worker --max-jobs 1
say flowerpower schedule history often
say flowerpower schedule delete often --yes
say flowerpower schedule preview --cron '0 8 * * 1-5' --timezone Europe/Berlin --count 3
printf '\nThe chart is .demo/my_weather/output/seattle-weather.svg, the page index.html beside it.\n'
