# Completion of flowerpower for fish, generated from its tree of commands.

set -g __flowerpower_commands \
    'init' \
    'status' \
    'doctor' \
    'metrics' \
    'dashboard' \
    'report' \
    'pipeline' \
    'pipeline new' \
    'pipeline list' \
    'pipeline show' \
    'pipeline validate' \
    'pipeline delete' \
    'pipeline export' \
    'pipeline import' \
    'pipeline dag' \
    'pipeline run' \
    'job-queue' \
    'job-queue add-job' \
    'job-queue list-jobs' \
    'job-queue show-job' \
    'job-queue wait' \
    'job-queue cancel-job' \
    'job-queue retry-job' \
    'job-queue delete-job' \
    'job-queue prune' \
    'job-queue logs' \
    'job-queue start-worker' \
    'job-queue workers' \
    'job-queue start-scheduler' \
    'job-queue pause' \
    'job-queue resume' \
    'job-queue watch' \
    'job-queue migrate' \
    'schedule' \
    'schedule add' \
    'schedule diff' \
    'schedule apply' \
    'schedule list' \
    'schedule show' \
    'schedule preview' \
    'schedule pause' \
    'schedule resume' \
    'schedule run-now' \
    'schedule delete' \
    'schedule history' \
    'schedule backfill' \
    'schedule import' \
    'notify' \
    'notify test' \
    'notify list' \
    'service' \
    'service print' \
    'completion' \
    'completion show' \
    'completion install'
set -g __flowerpower_valued \
    'init:--name' \
    'init:--type' \
    'init:--example' \
    'init:--from' \
    'init:--timezone' \
    'status:--limit' \
    'status:--base-dir' \
    'status:--type' \
    'doctor:--check' \
    'doctor:--worker-id' \
    'doctor:--base-dir' \
    'doctor:--type' \
    'metrics:--textfile' \
    'metrics:--base-dir' \
    'metrics:--type' \
    'dashboard:--host' \
    'dashboard:--port' \
    'dashboard:--token-file' \
    'dashboard:--allow-host' \
    'dashboard:--base-dir' \
    'dashboard:--type' \
    'report:--output' \
    'report:-o' \
    'report:--since' \
    'report:--limit' \
    'report:--base-dir' \
    'report:--type' \
    'pipeline new:--base-dir' \
    'pipeline list:--base-dir' \
    'pipeline list:--type' \
    'pipeline show:--output' \
    'pipeline show:-o' \
    'pipeline show:--base-dir' \
    'pipeline show:--type' \
    'pipeline validate:--base-dir' \
    'pipeline validate:--type' \
    'pipeline delete:--base-dir' \
    'pipeline delete:--type' \
    'pipeline export:--output' \
    'pipeline export:-o' \
    'pipeline export:--base-dir' \
    'pipeline import:--name' \
    'pipeline import:--base-dir' \
    'pipeline dag:--format' \
    'pipeline dag:--output' \
    'pipeline dag:-o' \
    'pipeline dag:--upstream' \
    'pipeline dag:--downstream' \
    'pipeline dag:--final-vars' \
    'pipeline dag:--config' \
    'pipeline dag:--base-dir' \
    'pipeline run:--scheduled-for' \
    'pipeline run:--output' \
    'pipeline run:-o' \
    'pipeline run:--input' \
    'pipeline run:-i' \
    'pipeline run:--inputs' \
    'pipeline run:--final-vars' \
    'pipeline run:--config' \
    'pipeline run:--executor' \
    'pipeline run:--max-workers' \
    'pipeline run:--recompute' \
    'pipeline run:--override' \
    'pipeline run:--load' \
    'pipeline run:--save' \
    'pipeline run:--with-adapter' \
    'pipeline run:--max-retries' \
    'pipeline run:--retry-delay' \
    'pipeline run:--jitter-factor' \
    'pipeline run:--timeout' \
    'pipeline run:--base-dir' \
    'job-queue add-job:--input' \
    'job-queue add-job:-i' \
    'job-queue add-job:--inputs' \
    'job-queue add-job:--final-vars' \
    'job-queue add-job:--config' \
    'job-queue add-job:--executor' \
    'job-queue add-job:--max-workers' \
    'job-queue add-job:--recompute' \
    'job-queue add-job:--override' \
    'job-queue add-job:--load' \
    'job-queue add-job:--save' \
    'job-queue add-job:--with-adapter' \
    'job-queue add-job:--max-retries' \
    'job-queue add-job:--retry-delay' \
    'job-queue add-job:--jitter-factor' \
    'job-queue add-job:--timeout' \
    'job-queue add-job:--run-at' \
    'job-queue add-job:--run-in' \
    'job-queue add-job:--queue' \
    'job-queue add-job:--job-id' \
    'job-queue add-job:--result-ttl' \
    'job-queue add-job:--priority' \
    'job-queue add-job:--expires' \
    'job-queue add-job:--after' \
    'job-queue add-job:--on' \
    'job-queue add-job:--base-dir' \
    'job-queue add-job:--type' \
    'job-queue list-jobs:--limit' \
    'job-queue list-jobs:--status' \
    'job-queue list-jobs:--pipeline' \
    'job-queue list-jobs:--queue' \
    'job-queue list-jobs:--schedule' \
    'job-queue list-jobs:--since' \
    'job-queue list-jobs:--until' \
    'job-queue list-jobs:--base-dir' \
    'job-queue list-jobs:--type' \
    'job-queue show-job:--attempt' \
    'job-queue show-job:--base-dir' \
    'job-queue show-job:--type' \
    'job-queue wait:--timeout' \
    'job-queue wait:--base-dir' \
    'job-queue wait:--type' \
    'job-queue cancel-job:--limit' \
    'job-queue cancel-job:--status' \
    'job-queue cancel-job:--pipeline' \
    'job-queue cancel-job:--queue' \
    'job-queue cancel-job:--schedule' \
    'job-queue cancel-job:--since' \
    'job-queue cancel-job:--until' \
    'job-queue cancel-job:--base-dir' \
    'job-queue cancel-job:--type' \
    'job-queue retry-job:--limit' \
    'job-queue retry-job:--job-id' \
    'job-queue retry-job:--status' \
    'job-queue retry-job:--pipeline' \
    'job-queue retry-job:--queue' \
    'job-queue retry-job:--schedule' \
    'job-queue retry-job:--since' \
    'job-queue retry-job:--until' \
    'job-queue retry-job:--base-dir' \
    'job-queue retry-job:--type' \
    'job-queue delete-job:--limit' \
    'job-queue delete-job:--status' \
    'job-queue delete-job:--pipeline' \
    'job-queue delete-job:--queue' \
    'job-queue delete-job:--schedule' \
    'job-queue delete-job:--since' \
    'job-queue delete-job:--until' \
    'job-queue delete-job:--base-dir' \
    'job-queue delete-job:--type' \
    'job-queue prune:--base-dir' \
    'job-queue prune:--type' \
    'job-queue logs:--attempt' \
    'job-queue logs:--base-dir' \
    'job-queue logs:--type' \
    'job-queue start-worker:--num-workers' \
    'job-queue start-worker:-n' \
    'job-queue start-worker:--queues' \
    'job-queue start-worker:--max-jobs' \
    'job-queue start-worker:--jobs-per-child' \
    'job-queue start-worker:--log-format' \
    'job-queue start-worker:--base-dir' \
    'job-queue start-worker:--type' \
    'job-queue workers:--base-dir' \
    'job-queue workers:--type' \
    'job-queue start-scheduler:--log-format' \
    'job-queue start-scheduler:--base-dir' \
    'job-queue start-scheduler:--type' \
    'job-queue pause:--base-dir' \
    'job-queue pause:--type' \
    'job-queue resume:--base-dir' \
    'job-queue resume:--type' \
    'job-queue watch:--refresh' \
    'job-queue watch:--for' \
    'job-queue watch:--base-dir' \
    'job-queue watch:--type' \
    'job-queue migrate:--to' \
    'job-queue migrate:--to-url' \
    'job-queue migrate:--from-url' \
    'job-queue migrate:--base-dir' \
    'schedule add:--schedule-id' \
    'schedule add:--cron' \
    'schedule add:--every' \
    'schedule add:--interval' \
    'schedule add:--date' \
    'schedule add:--timezone' \
    'schedule add:--except' \
    'schedule add:--start' \
    'schedule add:--end' \
    'schedule add:--jitter' \
    'schedule add:--misfire-grace-time' \
    'schedule add:--max-instances' \
    'schedule add:--overlap' \
    'schedule add:--queue' \
    'schedule add:--result-ttl' \
    'schedule add:--priority' \
    'schedule add:--expires' \
    'schedule add:--input' \
    'schedule add:-i' \
    'schedule add:--inputs' \
    'schedule add:--final-vars' \
    'schedule add:--config' \
    'schedule add:--executor' \
    'schedule add:--max-workers' \
    'schedule add:--recompute' \
    'schedule add:--override' \
    'schedule add:--load' \
    'schedule add:--save' \
    'schedule add:--with-adapter' \
    'schedule add:--max-retries' \
    'schedule add:--retry-delay' \
    'schedule add:--jitter-factor' \
    'schedule add:--timeout' \
    'schedule add:--base-dir' \
    'schedule add:--type' \
    'schedule diff:--base-dir' \
    'schedule diff:--type' \
    'schedule apply:--base-dir' \
    'schedule apply:--type' \
    'schedule list:--pipeline' \
    'schedule list:--state' \
    'schedule list:--base-dir' \
    'schedule list:--type' \
    'schedule show:--base-dir' \
    'schedule show:--type' \
    'schedule preview:--start' \
    'schedule preview:--count' \
    'schedule preview:--cron' \
    'schedule preview:--every' \
    'schedule preview:--interval' \
    'schedule preview:--date' \
    'schedule preview:--timezone' \
    'schedule preview:--except' \
    'schedule preview:--base-dir' \
    'schedule preview:--type' \
    'schedule pause:--base-dir' \
    'schedule pause:--type' \
    'schedule resume:--base-dir' \
    'schedule resume:--type' \
    'schedule run-now:--base-dir' \
    'schedule run-now:--type' \
    'schedule delete:--base-dir' \
    'schedule delete:--type' \
    'schedule history:--limit' \
    'schedule history:--base-dir' \
    'schedule history:--type' \
    'schedule backfill:--from' \
    'schedule backfill:--to' \
    'schedule backfill:--max-parallel' \
    'schedule backfill:--order' \
    'schedule backfill:--base-dir' \
    'schedule backfill:--type' \
    'schedule import:--dialect' \
    'schedule import:--to-pipeline' \
    'schedule import:--timezone' \
    'schedule import:--base-dir' \
    'notify test:--pipeline' \
    'notify test:--on' \
    'notify test:--base-dir' \
    'notify test:--type' \
    'notify list:--pipeline' \
    'notify list:--on' \
    'notify list:--base-dir' \
    'notify list:--type' \
    'service print:--workers' \
    'service print:--num-workers' \
    'service print:-n' \
    'service print:--queues' \
    'service print:--user' \
    'service print:--grace' \
    'service print:--image' \
    'service print:--output' \
    'service print:-o' \
    'service print:--base-dir' \
    'service print:--type'

# Whether the line is at the command $argv[1], with $argv[2] arguments in front of the cursor.
function __flowerpower_at
    set -l path ''
    set -l count 0
    set -l pending
    set -l ended
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if set -q pending[1]
            set -e pending
        else if not set -q ended[1]; and string match -q -- '-?*' $word
            if test $word = --
                set ended yes
            else if contains -- "$path:$word" $__flowerpower_valued
                set pending $word
            end
        else if contains -- (string trim -- "$path $word") $__flowerpower_commands
            set path (string trim -- "$path $word")
        else
            set count (math $count + 1)
        end
    end
    test "$path" = "$argv[1]"; or return 1
    not set -q argv[2]; or test $count -eq $argv[2]
end

function __flowerpower_names
    command -q flowerpower; or return
    set -l place
    set -l words (commandline -opc)
    for index in (seq (count $words))
        switch $words[$index]
            case '--base-dir=*'
                set place --base-dir (string replace -- --base-dir= '' $words[$index])
            case --base-dir
                set -q words[(math $index + 1)]; and set place --base-dir $words[(math $index + 1)]
        end
    end
    command flowerpower --complete-names $argv[1] $place 2>/dev/null </dev/null |
        string match -r '^[A-Za-z0-9_][A-Za-z0-9_-]*$'
end

function __flowerpower_folders
    __fish_complete_directories (string replace -r -- '^--[^=]*=' '' (commandline -ct)) ''
end

function __flowerpower_at_files
    set -l typed (string match -r -g -- '^(?:--[^=]*=)?@(.*)' (commandline -ct)); or return
    for path in (complete -C "'' $typed")
        echo "@$path"
    end
end

complete -c flowerpower -f

complete -c flowerpower -n '__flowerpower_at \'\' 0' -a init -d 'Create a project, in a new folder or in the current one.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a status -d 'Show the job queue on one screen: workers, queues, running and failed jobs, next fires.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a doctor -d 'Check the project, its pipelines, its job queue and what they need; nothing runs.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a metrics -d 'Print the numbers of the job queue for Prometheus, as OpenMetrics.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a dashboard -d 'Show jobs, schedules, pipelines and workers as web pages, which follow what happens.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a report -d 'Write the dashboard\'s pages as one HTML file that needs no server, no script and no network.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a pipeline -d 'Create, inspect and run the pipelines of a project.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a job-queue -d 'Run pipelines in the background: jobs and their workers.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a schedule -d 'Run pipelines on a schedule: cron, calendar, interval or date.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a notify -d 'Notices of what happens: who is told, and a test of that.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a service -d 'Files that run workers as services: systemd, launchd, containers.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a completion -d 'Shell completion of commands, options and names.'
complete -c flowerpower -n '__flowerpower_at \'\'' -l version -d 'Print the version.'
complete -c flowerpower -n '__flowerpower_at \'\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'init\'' -l name -x -d 'Give it this name.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l example -x -a 'weather' -d 'Start from an example: weather.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l from -x -d 'Start from an exported pipeline (folder or zip), or another project\'s folder or URL.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l timezone -x -d 'A time zone such as Europe/Berlin; by default the project\'s, or of a new project the machine\'s.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'status\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'status\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l check -x -d 'Make only these checks: configuration, extras, versions, pipelines, backend, clock, status, schedules, worker, scheduler. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l worker-id -x -d 'The worker that the check `worker` asks for, by default any of here.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l strict -d 'End with 1 if there are only warnings, too.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'doctor\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l textfile -r -F -d 'Write to FILE instead, for node_exporter\'s textfile collector.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'metrics\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l host -x -d 'Listen at this address; any but this machine\'s own needs a token.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l port -x -d 'Listen at this port; 0 is any free one.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l read-only -d 'Show all, change nothing.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l token-file -r -F -d 'A file with the token to sign in with; by default FLOWERPOWER_DASHBOARD_TOKEN.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l allow-host -x -d 'Names of hosts that browsers may call it by. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'dashboard\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'report\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l since -x -d 'Created not before this ISO 8601 time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'report\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a new -d 'Create a pipeline of one node, in two files to start from.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a list -d 'List the project\'s pipelines, and how their schedules stand.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a show -d 'Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a validate -d 'Check every pipeline without running it, and show all faults at once.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a delete -d 'Delete a pipeline: its configuration and its module.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a export -d 'Write a pipeline\'s YAML and modules to a zip or a folder, for import elsewhere.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a import -d 'Import a pipeline from a folder or zip into this project, without running any of it.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a dag -d 'Draw a pipeline\'s DAG: in the terminal, as Mermaid or dot, or as a picture.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a run -d 'Run a pipeline here and now and show its result.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l html -d 'As a page for a browser, with the DAG drawn.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l with-schedules -d 'Delete its schedules too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l overwrite -d 'Replace what exists already.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline export\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l name -x -d 'Give it this name.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l overwrite -d 'Replace what exists already.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline import\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l format -x -a 'text mermaid dot svg png pdf' -d 'The format of the drawing; by default that of the suffix of --output, else text.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l upstream -x -d 'Only this node and what it depends on. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l downstream -x -d 'Only this node and what depends on it. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l final-vars -x -d 'The nodes to compute. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l config -x -d 'One setting of Hamilton\'s driver configuration. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline dag\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l scheduled-for -x -d 'The input scheduled_for, as the job of a fire at this ISO 8601 time has it.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l progress -l no-progress -d 'Show progress on stderr.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l input -s i -x -d 'One input: JSON, or text where the pipeline declares text. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l inputs -x -a '(__flowerpower_at_files)' -d 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l final-vars -x -d 'The nodes to compute. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l config -x -d 'One setting of Hamilton\'s driver configuration. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l executor -x -a 'synchronous threadpool future processpool ray dask' -d 'How to execute the nodes.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l max-workers -x -d 'The executor\'s number of threads or processes.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l cache -l no-cache -d 'Keep results of nodes between runs.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l recompute -x -d 'Use the cache, but compute these nodes again; * is every node. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l override -x -d 'Use this value for a node instead of computing it. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l load -x -d 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l save -x -d 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l with-adapter -x -d 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l max-retries -x -d 'How often to try again after a failure.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l retry-delay -x -d 'Wait before the first retry: 90s, 5m.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l jitter-factor -x -d 'Change each retry delay at random by up to this fraction of it.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l timeout -x -d 'How long it may take: 90s, 5m, 2h.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a add-job -d 'Add a run of a pipeline to the job queue; a worker runs it.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a list-jobs -d 'List jobs, the newest first.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a show-job -d 'Show all that is known of a job: its times, its nodes, its error or its result.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a wait -d 'Wait until jobs have ended, and show their results.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a cancel-job -d 'Cancel jobs: a waiting one at once, a running one within seconds.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a retry-job -d 'Queue failed or cancelled jobs again, with all of their retries.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a delete-job -d 'Delete jobs with their results and logs.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a prune -d 'Delete jobs whose history_ttl is over now; workers do so from time to time.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a logs -d 'Show what a job has printed, on stdout and stderr, in its last attempt.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a start-worker -d 'Start a worker: it takes jobs from the queue and runs each in a process of its own.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a workers -d 'List the workers that are alive, and what they do.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a start-scheduler -d 'Start a scheduler: it adds the jobs of schedules when they are due, and runs none.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a pause -d 'Pause queues: workers take no jobs from them until they are resumed.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a resume -d 'Let workers take jobs from paused queues again.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a watch -d 'Show what happens in the job queue, live: its jobs, queues, workers and next fires.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\' 0' -a migrate -d 'Move schedules and waiting jobs to another job queue, with their ids and next fires.'
complete -c flowerpower -n '__flowerpower_at \'job-queue\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l wait -d 'Wait for the job and show its result.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l progress -l no-progress -d 'Show progress on stderr.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l input -s i -x -d 'One input: JSON, or text where the pipeline declares text. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l inputs -x -a '(__flowerpower_at_files)' -d 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l final-vars -x -d 'The nodes to compute. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l config -x -d 'One setting of Hamilton\'s driver configuration. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l executor -x -a 'synchronous threadpool future processpool ray dask' -d 'How to execute the nodes.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l max-workers -x -d 'The executor\'s number of threads or processes.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l cache -l no-cache -d 'Keep results of nodes between runs.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l recompute -x -d 'Use the cache, but compute these nodes again; * is every node. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l override -x -d 'Use this value for a node instead of computing it. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l load -x -d 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l save -x -d 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l with-adapter -x -d 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l max-retries -x -d 'How often to try again after a failure.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l retry-delay -x -d 'Wait before the first retry: 90s, 5m.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l jitter-factor -x -d 'Change each retry delay at random by up to this fraction of it.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l timeout -x -d 'How long it may take: 90s, 5m, 2h.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l run-at -x -d 'Run not before this ISO 8601 time; without an offset, in the project\'s zone.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l run-in -x -d 'Run not before this delay: 10m.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l job-id -x -d 'The new job\'s id; if there is such a job already, nothing is added.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l result-ttl -x -d 'How long to keep the result; 0: not at all, -1: as long as the job\'s record.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l priority -x -d '-100 to 100, by default 0; of the due jobs in a queue the highest run first.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l expires -x -d 'Cancel a job that has waited this long in its queue: 10m.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l after -x -d 'Run once these jobs have finished. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l on -x -a 'success failure end' -d 'Run once the jobs of --after have ended so, by default success.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l unique -d 'Add nothing while a job of this pipeline and these inputs has not ended.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue add-job\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l status -x -d 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l schedule -x -a '(__flowerpower_names schedules)' -d 'Only jobs of this schedule.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l since -x -d 'Created not before this ISO 8601 time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l until -x -d 'Created before this time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue list-jobs\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l attempt -x -d 'Only this attempt; 1 is the first.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue show-job\' 0' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l timeout -x -d 'How long it may take: 90s, 5m, 2h.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l progress -l no-progress -d 'Show progress on stderr.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue wait\'' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l status -x -d 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l schedule -x -a '(__flowerpower_names schedules)' -d 'Only jobs of this schedule.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l since -x -d 'Created not before this ISO 8601 time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l until -x -d 'Created before this time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue cancel-job\'' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l from-failed -d 'Reuse what had finished in the last attempt; for runs that use the cache.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l again -d 'Run ended jobs once more, as new jobs.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l job-id -x -d 'The new job\'s id; if there is such a job already, nothing is added.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l status -x -d 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l schedule -x -a '(__flowerpower_names schedules)' -d 'Only jobs of this schedule.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l since -x -d 'Created not before this ISO 8601 time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l until -x -d 'Created before this time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue retry-job\'' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l status -x -d 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l schedule -x -a '(__flowerpower_names schedules)' -d 'Only jobs of this schedule.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l since -x -d 'Created not before this ISO 8601 time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l until -x -d 'Created before this time, or 2h ago.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue delete-job\'' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l all-ended -d 'Delete every ended job, however long it is to be kept.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue prune\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l attempt -x -d 'Only this attempt; 1 is the first.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l all-attempts -d 'Of every attempt, each below a heading.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l follow -s f -d 'Go on until the job has ended.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue logs\' 0' -a '(__flowerpower_names jobs)'

complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l num-workers -s n -x -d 'Jobs at once; by default as conf/project.yml says.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l queues -x -d 'Take jobs from these queues, the first one first; by default from all. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l burst -d 'End when no job is due.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l max-jobs -x -d 'End after N jobs.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l jobs-per-child -x -d 'How many jobs a process runs before it is replaced.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l with-scheduler -d 'Fire schedules too; on SQL every worker does.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l log-format -x -a 'text json' -d 'How to log (FLOWERPOWER_LOG_FORMAT); by default as text.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l job-logs -d 'Print what jobs print too, each line with its job.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-worker\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue workers\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l log-format -x -a 'text json' -d 'How to log (FLOWERPOWER_LOG_FORMAT); by default as text.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue start-scheduler\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue pause\'' -a '(__flowerpower_names queues)'

complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'job-queue resume\'' -a '(__flowerpower_names queues)'

complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l refresh -x -d 'Look at the queue this often: 500ms, 5s.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l for -x -d 'End after this time: 10m.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'job-queue watch\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l to -x -a 'apscheduler rq' -d 'The type of the queue to move to.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l to-url -x -d 'Its address, or the variable that holds it; by default as conf/project.yml says, or where a queue of that type is without a url.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l from-url -x -d 'Where to move from; by default the project\'s queue, or if that is of the type --to already, where a queue of the other type is without a url.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'job-queue migrate\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a add -d 'Run a pipeline on a schedule: at the times of --cron, --every or --interval, or at --date.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a diff -d 'Show how the live schedules differ from those that YAML declares.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a apply -d 'Make the live schedules those that YAML declares: add them, and change them in place.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a list -d 'List schedules, the oldest first: when they fire, and what became of the last fire.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a show -d 'Show all that is known of a schedule: its next fires, and what became of the last ones.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a preview -d 'Show the next fires of a schedule or a trigger, and what clock changes do to them.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a pause -d 'Stop schedules from firing until they are resumed.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a resume -d 'Let paused schedules fire again, from now on; fires that they missed are not made up for.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a run-now -d 'Add a job of each schedule at once; when the schedules fire does not change.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a delete -d 'Delete schedules with their history; jobs that they added stay.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a history -d 'List the fires of a schedule and what became of each and of its job, the latest first.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a backfill -d 'Add jobs for past fires of a schedule that made none: a range of time, or what was missed.'
complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a import -d 'Turn the lines of a crontab into declared schedules, and show what each means.'
complete -c flowerpower -n '__flowerpower_at \'schedule\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l schedule-id -x -a '(__flowerpower_names schedules)' -d 'The schedule\'s id; by default the pipeline\'s next number.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l overwrite -d 'Replace what exists already.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l cron -x -d 'Cron: five fields, or @daily and similar words.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l every -x -d 'Days, weeks, months or years of the calendar from --start on: 2 weeks.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l interval -x -d 'Elapsed time between fires: 90s, 1h30m.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l date -x -d 'Fire once, at this ISO 8601 time.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l timezone -x -d 'A time zone such as Europe/Berlin; by default the project\'s, or of a new project the machine\'s.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l except -x -d 'No fire on these dates. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l start -x -d 'No fire before this ISO 8601 time; --every and --interval count from it. By default now.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l end -x -d 'No fire after this time.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l jitter -x -d 'Delay each fire at random by up to this long.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l misfire-grace-time -x -d 'A fire later than this counts as missed; by default there is no limit.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l coalesce -l no-coalesce -d 'Make one fire of several missed ones (the default), or each of them.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l max-instances -x -d 'A fire overlaps while N jobs of the schedule have not ended; by default 1.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l overlap -x -a 'skip queue replace' -d 'What such a fire does: no job (the default), one that waits, or one in the place of the oldest.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l queue -x -a '(__flowerpower_names queues)' -d 'The name of a queue.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l result-ttl -x -d 'How long to keep the result; 0: not at all, -1: as long as the job\'s record.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l priority -x -d '-100 to 100, by default 0; of the due jobs in a queue the highest run first.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l expires -x -d 'Cancel a job that has waited this long in its queue: 10m.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l input -s i -x -d 'One input: JSON, or text where the pipeline declares text. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l inputs -x -a '(__flowerpower_at_files)' -d 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l final-vars -x -d 'The nodes to compute. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l config -x -d 'One setting of Hamilton\'s driver configuration. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l executor -x -a 'synchronous threadpool future processpool ray dask' -d 'How to execute the nodes.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l max-workers -x -d 'The executor\'s number of threads or processes.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l cache -l no-cache -d 'Keep results of nodes between runs.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l recompute -x -d 'Use the cache, but compute these nodes again; * is every node. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l override -x -d 'Use this value for a node instead of computing it. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l load -x -d 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l save -x -d 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l with-adapter -x -d 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l max-retries -x -d 'How often to try again after a failure.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l retry-delay -x -d 'Wait before the first retry: 90s, 5m.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l jitter-factor -x -d 'Change each retry delay at random by up to this fraction of it.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l timeout -x -d 'How long it may take: 90s, 5m, 2h.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule add\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule diff\'' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l prune -d 'Delete those that YAML declares no more.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule apply\'' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l state -x -d 'active, paused, done. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule list\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule show\' 0' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l start -x -d 'No fire before this ISO 8601 time; --every and --interval count from it. By default now.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l count -x -d 'How many fires.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l cron -x -d 'Cron: five fields, or @daily and similar words.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l every -x -d 'Days, weeks, months or years of the calendar from --start on: 2 weeks.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l interval -x -d 'Elapsed time between fires: 90s, 1h30m.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l date -x -d 'Fire once, at this ISO 8601 time.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l timezone -x -d 'A time zone such as Europe/Berlin; by default the project\'s, or of a new project the machine\'s.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l except -x -d 'No fire on these dates. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\' 0' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule pause\'' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule resume\'' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule run-now\'' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule delete\'' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l limit -x -d 'At most N.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule history\' 0' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l from -x -d 'The first fire is not before this ISO 8601 time.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l to -x -d 'The last fire is not after this time; by default now.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l missed -d 'Only fires that the history has as missed or skipped.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l max-parallel -x -d 'At most N of the jobs run at once; by default the schedule\'s max_instances.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l order -x -a 'oldest newest' -d 'Which fire\'s job runs first.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule backfill\' 0' -a '(__flowerpower_names schedules)'

complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l dialect -x -a 'debian busybox systemd quartz kubernetes apscheduler airflow bcron mcron systemd-cron' -d 'The scheduler that it was written for.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l to-pipeline -x -a '(__flowerpower_names pipelines)' -d 'Where lines go that run no pipeline.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l system -d 'The crontab has a column for the user.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l timezone -x -d 'A time zone such as Europe/Berlin; by default the project\'s, or of a new project the machine\'s.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'schedule import\' 0' -F

complete -c flowerpower -n '__flowerpower_at \'notify\' 0' -a test -d 'Send one test notice to each configured target now, and say what happened.'
complete -c flowerpower -n '__flowerpower_at \'notify\' 0' -a list -d 'Show who is told of what, and the notices that wait or could not be sent.'
complete -c flowerpower -n '__flowerpower_at \'notify\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l on -x -a 'failed recovered missed late lost finished' -d 'Only those that are told of this.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'notify test\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l pipeline -x -a '(__flowerpower_names pipelines)' -d 'Only those of this pipeline.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l on -x -a 'failed recovered missed late lost finished' -d 'Only those that are told of this.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'notify list\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'service\' 0' -a print -d 'Print the files that run this project\'s workers as services.'
complete -c flowerpower -n '__flowerpower_at \'service\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'service print\'' -l workers -x -d 'How many worker processes.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l num-workers -s n -x -d 'Jobs at once; by default as conf/project.yml says.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l queues -x -d 'Take jobs from these queues, the first one first; by default from all. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l scheduler -l no-scheduler -d 'Run a scheduler too; by default where workers fire no schedules.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l user -x -d 'The user to run as; by default the owner of the project.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l grace -x -d 'How long jobs may run on at a stop; by default 10m.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l image -x -d 'The container image; by default of the project\'s name.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l output -s o -r -F -d 'Write the result to FILE.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'service print\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'completion\' 0' -a show -d 'Print the completion script of a shell.'
complete -c flowerpower -n '__flowerpower_at \'completion\' 0' -a install -d 'Write the completion script to where the shell looks for it, for this user alone.'
complete -c flowerpower -n '__flowerpower_at \'completion\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'completion show\' 0' -a 'bash zsh fish powershell'

complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l dry-run -d 'Only show what would be done.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l quiet -s q -d 'Print only ids, no messages.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l verbose -s v -d 'Show more; given twice, the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l no-color -d 'Print no colours.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'completion install\' 0' -a 'bash zsh fish powershell'
