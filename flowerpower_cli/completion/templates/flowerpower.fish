# Completion of flowerpower for fish, generated from its tree of commands.

set -g __flowerpower_commands @COMMANDS@
set -g __flowerpower_valued @VALUED@

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
@LINES@
