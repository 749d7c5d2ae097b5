# Completion of flowerpower for bash 4 and later, generated from its tree of commands.

# Sets commands, options and arguments to those of the command with the path $1.
# An option: its names, once or many, what its value is, and the choices or what is named.
_flowerpower_load() {
    commands=() options=() arguments=()
    case $1 in
        '')
            commands=(init status doctor metrics dashboard report pipeline job-queue schedule notify service completion)
            options=(
                '--version once flag'
                '--help,-h once flag'
            )
            ;;
        init)
            arguments=(
                'once text'
            )
            options=(
                '--name once text'
                '--type once choices apscheduler rq'
                '--example once choices weather'
                '--from once text'
                '--timezone once text'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--help,-h once flag'
            )
            ;;
        status)
            options=(
                '--limit once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        doctor)
            options=(
                '--check many text'
                '--worker-id once text'
                '--strict once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        metrics)
            options=(
                '--textfile once file'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        dashboard)
            options=(
                '--host once text'
                '--port once text'
                '--read-only once flag'
                '--token-file once file'
                '--allow-host many text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        report)
            options=(
                '--output,-o once file'
                '--since once text'
                '--limit once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        pipeline)
            commands=(new list show validate delete export import dag run)
            options=(
                '--help,-h once flag'
            )
            ;;
        'pipeline new')
            arguments=(
                'once text'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        'pipeline list')
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'pipeline show')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--html once flag'
                '--output,-o once file'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'pipeline validate')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'pipeline delete')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--with-schedules once flag'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'pipeline export')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--output,-o once file'
                '--overwrite once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        'pipeline import')
            arguments=(
                'once text'
            )
            options=(
                '--name once text'
                '--overwrite once flag'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        'pipeline dag')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--format once choices text mermaid dot svg png pdf'
                '--output,-o once file'
                '--upstream many text'
                '--downstream many text'
                '--final-vars many text'
                '--config many text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        'pipeline run')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--scheduled-for once text'
                '--progress,--no-progress once flag'
                '--output,-o once file'
                '--dry-run once flag'
                '--input,-i many text'
                '--inputs once at_file'
                '--final-vars many text'
                '--config many text'
                '--executor once choices synchronous threadpool future processpool ray dask'
                '--max-workers once text'
                '--cache,--no-cache once flag'
                '--recompute many text'
                '--override many text'
                '--load many text'
                '--save many text'
                '--with-adapter many text'
                '--max-retries once text'
                '--retry-delay once text'
                '--jitter-factor once text'
                '--timeout once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        job-queue)
            commands=(add-job list-jobs show-job wait cancel-job retry-job delete-job prune logs start-worker workers start-scheduler pause resume watch migrate)
            options=(
                '--help,-h once flag'
            )
            ;;
        'job-queue add-job')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--wait once flag'
                '--progress,--no-progress once flag'
                '--input,-i many text'
                '--inputs once at_file'
                '--final-vars many text'
                '--config many text'
                '--executor once choices synchronous threadpool future processpool ray dask'
                '--max-workers once text'
                '--cache,--no-cache once flag'
                '--recompute many text'
                '--override many text'
                '--load many text'
                '--save many text'
                '--with-adapter many text'
                '--max-retries once text'
                '--retry-delay once text'
                '--jitter-factor once text'
                '--timeout once text'
                '--run-at once text'
                '--run-in once text'
                '--queue once names queues'
                '--job-id once text'
                '--result-ttl once text'
                '--priority once text'
                '--expires once text'
                '--after many text'
                '--on once choices success failure end'
                '--unique once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue list-jobs')
            options=(
                '--limit once text'
                '--status many text'
                '--pipeline once names pipelines'
                '--queue once names queues'
                '--schedule once names schedules'
                '--since once text'
                '--until once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue show-job')
            arguments=(
                'once names jobs'
            )
            options=(
                '--attempt once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue wait')
            arguments=(
                'many names jobs'
            )
            options=(
                '--timeout once text'
                '--progress,--no-progress once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue cancel-job')
            arguments=(
                'many names jobs'
            )
            options=(
                '--limit once text'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--status many text'
                '--pipeline once names pipelines'
                '--queue once names queues'
                '--schedule once names schedules'
                '--since once text'
                '--until once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue retry-job')
            arguments=(
                'many names jobs'
            )
            options=(
                '--limit once text'
                '--from-failed once flag'
                '--again once flag'
                '--job-id once text'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--status many text'
                '--pipeline once names pipelines'
                '--queue once names queues'
                '--schedule once names schedules'
                '--since once text'
                '--until once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue delete-job')
            arguments=(
                'many names jobs'
            )
            options=(
                '--limit once text'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--status many text'
                '--pipeline once names pipelines'
                '--queue once names queues'
                '--schedule once names schedules'
                '--since once text'
                '--until once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue prune')
            options=(
                '--all-ended once flag'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue logs')
            arguments=(
                'once names jobs'
            )
            options=(
                '--attempt once text'
                '--all-attempts once flag'
                '--follow,-f once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue start-worker')
            options=(
                '--num-workers,-n once text'
                '--queues many text'
                '--burst once flag'
                '--max-jobs once text'
                '--jobs-per-child once text'
                '--with-scheduler once flag'
                '--log-format once choices text json'
                '--job-logs once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue workers')
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue start-scheduler')
            options=(
                '--log-format once choices text json'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue pause')
            arguments=(
                'many names queues'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue resume')
            arguments=(
                'many names queues'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue watch')
            options=(
                '--refresh once text'
                '--for once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'job-queue migrate')
            options=(
                '--to once choices apscheduler rq'
                '--to-url once text'
                '--from-url once text'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        schedule)
            commands=(add diff apply list show preview pause resume run-now delete history backfill import)
            options=(
                '--help,-h once flag'
            )
            ;;
        'schedule add')
            arguments=(
                'once names pipelines'
            )
            options=(
                '--schedule-id once names schedules'
                '--overwrite once flag'
                '--cron once text'
                '--every once text'
                '--interval once text'
                '--date once text'
                '--timezone once text'
                '--except many text'
                '--start once text'
                '--end once text'
                '--jitter once text'
                '--misfire-grace-time once text'
                '--coalesce,--no-coalesce once flag'
                '--max-instances once text'
                '--overlap once choices skip queue replace'
                '--queue once names queues'
                '--result-ttl once text'
                '--priority once text'
                '--expires once text'
                '--input,-i many text'
                '--inputs once at_file'
                '--final-vars many text'
                '--config many text'
                '--executor once choices synchronous threadpool future processpool ray dask'
                '--max-workers once text'
                '--cache,--no-cache once flag'
                '--recompute many text'
                '--override many text'
                '--load many text'
                '--save many text'
                '--with-adapter many text'
                '--max-retries once text'
                '--retry-delay once text'
                '--jitter-factor once text'
                '--timeout once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule diff')
            arguments=(
                'many names pipelines'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule apply')
            arguments=(
                'many names pipelines'
            )
            options=(
                '--prune once flag'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule list')
            options=(
                '--pipeline once names pipelines'
                '--state many text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule show')
            arguments=(
                'once names schedules'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule preview')
            arguments=(
                'once names schedules'
            )
            options=(
                '--start once text'
                '--count once text'
                '--cron once text'
                '--every once text'
                '--interval once text'
                '--date once text'
                '--timezone once text'
                '--except many text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule pause')
            arguments=(
                'many names schedules'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule resume')
            arguments=(
                'many names schedules'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule run-now')
            arguments=(
                'many names schedules'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule delete')
            arguments=(
                'many names schedules'
            )
            options=(
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule history')
            arguments=(
                'once names schedules'
            )
            options=(
                '--limit once text'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule backfill')
            arguments=(
                'once names schedules'
            )
            options=(
                '--from once text'
                '--to once text'
                '--missed once flag'
                '--max-parallel once text'
                '--order once choices oldest newest'
                '--yes,-y once flag'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'schedule import')
            arguments=(
                'once file'
            )
            options=(
                '--dialect once choices debian busybox systemd quartz kubernetes apscheduler airflow bcron mcron systemd-cron'
                '--to-pipeline once names pipelines'
                '--system once flag'
                '--timezone once text'
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--help,-h once flag'
            )
            ;;
        notify)
            commands=(test list)
            options=(
                '--help,-h once flag'
            )
            ;;
        'notify test')
            options=(
                '--pipeline once names pipelines'
                '--on once choices failed recovered missed late lost finished'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        'notify list')
            options=(
                '--pipeline once names pipelines'
                '--on once choices failed recovered missed late lost finished'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        service)
            commands=(print)
            options=(
                '--help,-h once flag'
            )
            ;;
        'service print')
            arguments=(
                'once text'
            )
            options=(
                '--workers once text'
                '--num-workers,-n once text'
                '--queues many text'
                '--scheduler,--no-scheduler once flag'
                '--user once text'
                '--grace once text'
                '--image once text'
                '--output,-o once file'
                '--yes,-y once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--base-dir once folder'
                '--type once choices apscheduler rq'
                '--help,-h once flag'
            )
            ;;
        completion)
            commands=(show install)
            options=(
                '--help,-h once flag'
            )
            ;;
        'completion show')
            arguments=(
                'once choices bash zsh fish powershell'
            )
            options=(
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--help,-h once flag'
            )
            ;;
        'completion install')
            arguments=(
                'once choices bash zsh fish powershell'
            )
            options=(
                '--dry-run once flag'
                '--json once flag'
                '--quiet,-q once flag'
                '--verbose,-v many flag'
                '--no-color once flag'
                '--help,-h once flag'
            )
            ;;
    esac
}

# Sets words to the line up to the cursor, split at blanks; COMP_WORDS is split at = and @ too.
_flowerpower_words() {
    local rest=${COMP_LINE:0:COMP_POINT} word blank i last=-1
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blank=${rest%%[![:space:]]*}
        rest=${rest#"$blank"}
        word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$rest
        if [[ $i == 0 || $blank ]]; then
            words[++last]=$word
        else
            words[last]+=$word
        fi
        rest=${rest#"$word"}
    done
}

# Sets option to the entry of the option $1.
_flowerpower_find() {
    local each
    for each in "${options[@]}"; do
        option=$each
        [[ ",${each%% *}," == *",$1,"* ]] && return 0
    done
    option=''
    return 1
}

_flowerpower_is_flag() {
    set -- $option
    [[ $3 == flag ]]
}

# Takes in the value $2 of the option $1. It is read as it stands: nothing in it is expanded.
_flowerpower_given() {
    [[ $1 == --base-dir ]] || return 0
    base_dir=$2
    case $2 in
        \"*\" | \'*\') base_dir=${2:1:${#2}-2} ;;
        *) base_dir=${2//\\/} ;;
    esac
}

# Takes in a word in front of the cursor; false if nothing can follow it.
_flowerpower_read() {
    local word=$1
    if [[ $pending ]]; then
        _flowerpower_given "$pending" "$word"
        pending=''
    elif [[ $ended || $word != -?* ]]; then
        if ((${#commands[@]})); then
            [[ " ${commands[*]} " == *" $word "* ]] || return 1
            path=${path:+$path }$word used='' ended=''
            _flowerpower_load "$path"
        else
            position=$((position + 1))
        fi
    elif [[ $word == -- ]]; then
        ended=yes
    elif [[ $word == --* ]]; then
        _flowerpower_find "${word%%=*}" || return 0
        used+=" ${option%% *}"
        if [[ $word == *=* ]]; then
            _flowerpower_given "${word%%=*}" "${word#*=}"
        else
            _flowerpower_is_flag || pending=$word
        fi
    else
        _flowerpower_read_letters "$word"
    fi
    return 0
}

_flowerpower_read_letters() {
    local word=$1
    while [[ $word == -?* ]] && _flowerpower_find "${word:0:2}"; do
        used+=" ${option%% *}"
        if ! _flowerpower_is_flag; then
            ((${#word} > 2)) || pending=$word
            return
        fi
        word=-${word:2}
    done
}

# Offers those of $3... that begin with $2, each behind $1.
_flowerpower_offer() {
    local before=$1 typed=$2 each
    shift 2
    for each; do
        [[ $each == "$typed"* ]] && COMPREPLY+=("$before$each")
    done
}

_flowerpower_offer_options() {
    local each names
    for each in "${options[@]}"; do
        names=${each%% *}
        [[ $each == *' once '* && " $used " == *" $names "* ]] && continue
        _flowerpower_offer '' "$1" ${names//,/ }
    done
}

_flowerpower_offer_names() {
    local name place=()
    [[ $base_dir ]] && place=(--base-dir "$base_dir")
    while IFS= read -r name; do
        [[ $name == [A-Za-z0-9_]* && $name != *[!A-Za-z0-9_-]* ]] || continue
        _flowerpower_offer "$1" "$2" "$name"
    done <<< "$(command flowerpower --complete-names "$3" "${place[@]}" 2> /dev/null < /dev/null)"
}

# Readline completes no file behind an @.
_flowerpower_offer_at_files() {
    local file
    while IFS= read -r file; do
        [[ -e $file ]] || continue
        [[ -d $file ]] && file+=/ && compopt -o nospace 2> /dev/null
        printf -v file %q "$file"
        COMPREPLY+=("$1@$file")
    done <<< "$(compgen -f -- "${2//\\/}")"
}

# Offers values behind $1 that begin with $2; $3 says what they are.
_flowerpower_offer_values() {
    case $3 in
        choices) _flowerpower_offer "$1" "$2" "${@:4}" ;;
        names) _flowerpower_offer_names "$1" "$2" "$4" ;;
        file) compopt -o default 2> /dev/null ;;
        at_file) [[ $2 == @* ]] && _flowerpower_offer_at_files "$1" "${2:1}" ;;
        folder) compopt -o dirnames 2> /dev/null ;;
    esac
}

_flowerpower_complete() {
    local current=$1
    if [[ $pending ]]; then
        _flowerpower_find "$pending"
        set -- $option
        _flowerpower_offer_values '' "$current" "${@:3}"
    elif [[ ! $ended && $current == --*=* ]]; then
        _flowerpower_find "${current%%=*}" || return
        set -- $option
        _flowerpower_offer_values "${current%%=*}=" "${current#*=}" "${@:3}"
    elif [[ ! $ended && $current == -* ]]; then
        _flowerpower_offer_options "$current"
    elif ((${#commands[@]})); then
        _flowerpower_offer '' "$current" "${commands[@]}"
    elif ((position < ${#arguments[@]})); then
        set -- ${arguments[position]}
        _flowerpower_offer_values '' "$current" "${@:2}"
    elif [[ ${arguments[*]: -1} == many* ]]; then
        set -- ${arguments[*]: -1}
        _flowerpower_offer_values '' "$current" "${@:2}"
    fi
}

_flowerpower() {
    local IFS=$' \t\n' path='' pending='' ended='' used='' base_dir='' option='' position=0 i
    local words commands options arguments
    COMPREPLY=()
    _flowerpower_words
    _flowerpower_load ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        _flowerpower_read "${words[i]}" || return 0
    done
    _flowerpower_complete "${words[i]}"
    # Readline replaces only what stands behind the last = of the word.
    [[ ${words[i]} != *"$2" ]] || COMPREPLY=("${COMPREPLY[@]#"${words[i]%"$2"}"}")
}

complete -F _flowerpower flowerpower
