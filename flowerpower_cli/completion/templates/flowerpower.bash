# Completion of flowerpower for bash 4 and later, generated from its tree of commands.

# Sets commands, options and arguments to those of the command with the path $1.
# An option: its names, once or many, what its value is, and the choices or what is named.
_flowerpower_load() {
    commands=() options=() arguments=()
    case $1 in
@TABLE@
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
