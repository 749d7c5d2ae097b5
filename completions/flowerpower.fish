# Completion of flowerpower for fish, generated from its tree of commands.

set -g __flowerpower_commands \
    'init' \
    'pipeline' \
    'pipeline new' \
    'pipeline list' \
    'pipeline run' \
    'pipeline show' \
    'pipeline validate' \
    'pipeline delete' \
    'schedule' \
    'schedule preview' \
    'completion' \
    'completion show' \
    'completion install'
set -g __flowerpower_valued \
    'init:--type' \
    'init:--example' \
    'pipeline new:--base-dir' \
    'pipeline list:--base-dir' \
    'pipeline run:--output' \
    'pipeline run:-o' \
    'pipeline run:--input' \
    'pipeline run:-i' \
    'pipeline run:--inputs' \
    'pipeline run:--final-vars' \
    'pipeline run:--config' \
    'pipeline run:--executor' \
    'pipeline run:--max-workers' \
    'pipeline run:--max-retries' \
    'pipeline run:--retry-delay' \
    'pipeline run:--jitter-factor' \
    'pipeline run:--base-dir' \
    'pipeline show:--base-dir' \
    'pipeline validate:--base-dir' \
    'pipeline delete:--base-dir' \
    'schedule preview:--start' \
    'schedule preview:--count' \
    'schedule preview:--cron' \
    'schedule preview:--interval' \
    'schedule preview:--date' \
    'schedule preview:--timezone' \
    'schedule preview:--base-dir'

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

complete -c flowerpower -n '__flowerpower_at \'\' 0' -a init -d 'Make a new project, in a new folder or in the current one.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a pipeline -d 'Make, look at and run the pipelines of a project.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a schedule -d 'Run pipelines by themselves: cron, intervals, dates.'
complete -c flowerpower -n '__flowerpower_at \'\' 0' -a completion -d 'Completion of commands, options and names in your shell.'
complete -c flowerpower -n '__flowerpower_at \'\'' -l version -d 'Print the version.'
complete -c flowerpower -n '__flowerpower_at \'\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'init\'' -l type -x -a 'apscheduler rq' -d 'The job queue\'s backend.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l example -x -a 'weather' -d 'Start from an example: weather.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'init\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a new -d 'Make a pipeline of one node, in two files to go on from.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a list -d 'List the project\'s pipelines.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a run -d 'Run a pipeline here and now and show its result.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a show -d 'Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a validate -d 'Check every pipeline without running it, and tell all faults in one go.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\' 0' -a delete -d 'Delete a pipeline: its configuration and its module.'
complete -c flowerpower -n '__flowerpower_at \'pipeline\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline new\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline list\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l progress -l no-progress -d 'Show progress on stderr.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l output -s o -r -F -d 'Write the result as JSON to FILE.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l dry-run -d 'Only say what would be done.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l input -s i -x -d 'One input: a JSON value, else text. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l inputs -x -a '(__flowerpower_at_files)' -d 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l final-vars -x -d 'The nodes to compute. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l config -x -d 'One setting of Hamilton\'s driver configuration. Repeatable.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l executor -x -a 'synchronous threadpool' -d 'How nodes are executed.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l max-workers -x -d 'Threads of the threadpool executor.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l cache -l no-cache -d 'Keep results of nodes between runs.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l max-retries -x -d 'Try again this often after a failure.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l retry-delay -x -d 'Wait before the first retry: 90s, 5m.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l jitter-factor -x -d 'Spread retry delays by up to this part of them.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline run\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline show\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline validate\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l yes -s y -d 'Do not ask.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l dry-run -d 'Only say what would be done.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'pipeline delete\' 0' -a '(__flowerpower_names pipelines)'

complete -c flowerpower -n '__flowerpower_at \'schedule\' 0' -a preview -d 'Show the next fires of a trigger, and what clock changes do to them.'
complete -c flowerpower -n '__flowerpower_at \'schedule\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l start -x -d 'Fires after this time, ISO 8601; by default now.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l count -x -d 'How many fires.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l cron -x -d 'Five fields, or @daily and the like.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l interval -x -d 'Real time between fires: 90s, 1h30m.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l date -x -d 'One fire at an ISO 8601 time.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l timezone -x -d 'Such as Europe/Berlin; by default the project\'s.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l base-dir -x -a '(__flowerpower_folders)' -d 'The project\'s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.'
complete -c flowerpower -n '__flowerpower_at \'schedule preview\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'completion\' 0' -a show -d 'Print the completion script of a shell.'
complete -c flowerpower -n '__flowerpower_at \'completion\' 0' -a install -d 'Put the completion script where the shell looks for it, for this user.'
complete -c flowerpower -n '__flowerpower_at \'completion\'' -l help -s h -d 'Show this message and exit.'

complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'completion show\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'completion show\' 0' -a 'bash zsh fish powershell'

complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l dry-run -d 'Only say what would be done.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l json -d 'Print the result as JSON.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l quiet -s q -d 'Print ids only, no messages.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l verbose -s v -d 'Say more; twice: the causes of errors too.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l no-color -d 'No colours.'
complete -c flowerpower -n '__flowerpower_at \'completion install\'' -l help -s h -d 'Show this message and exit.'
complete -c flowerpower -n '__flowerpower_at \'completion install\' 0' -a 'bash zsh fish powershell'
