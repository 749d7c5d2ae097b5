"""The completion script for fish."""

from __future__ import annotations

from collections.abc import Iterator

from flowerpower_cli.completion.tree import Command, Parameter, Value

_SCRIPT = r"""# Completion of flowerpower for fish, generated from its tree of commands.

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
"""


def render(root: Command) -> str:
    """The script for the tree of commands at `root`."""
    commands = list(root.walk())
    valued = [
        f"{' '.join(command.path)}:{name}"
        for command in commands
        for option in command.options
        if option.takes_value
        for name in option.names
    ]
    paths = [" ".join(command.path) for command in commands if command.path]
    lines = "\n".join(line for command in commands for line in _lines(command))
    script = _SCRIPT.replace("@COMMANDS@", _list(paths)).replace("@VALUED@", _list(valued))
    return script.replace("@LINES@", lines)


def _list(words: list[str]) -> str:
    return "".join(f" \\\n    {_quoted(word)}" for word in words).lstrip(" ")


def _lines(command: Command) -> Iterator[str]:
    path = _quoted(" ".join(command.path))
    yield ""
    for subcommand in command.commands:
        yield _complete(f"__flowerpower_at {path} 0", f"-a {subcommand.name}", subcommand.help)
    for option in command.options:
        yield _complete(f"__flowerpower_at {path}", _names(option) + _value(option), option.help)
    for index, argument in enumerate(command.arguments):
        candidates = _candidates(argument.value)
        place = f"__flowerpower_at {path}" + ("" if argument.repeatable else f" {index}")
        if argument.value.kind == "file":
            yield _complete(place, "-F")
        elif candidates:
            yield _complete(place, f"-a {candidates}")


def _complete(condition: str, what: str, description: str = "") -> str:
    line = f"complete -c flowerpower -n {_quoted(condition)} {what}"
    return f"{line} -d {_quoted(description)}" if description else line


def _names(option: Parameter) -> str:
    return " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    )


def _value(option: Parameter) -> str:
    if not option.takes_value:
        return ""
    if option.value.kind == "file":
        return " -r -F"
    candidates = _candidates(option.value)
    return f" -x -a {candidates}" if candidates else " -x"


def _candidates(value: Value) -> str:
    if value.kind == "choices":
        return _quoted(" ".join(value.words))
    if value.kind == "names":
        return f"'(__flowerpower_names {value.words[0]})'"
    return {"folder": "'(__flowerpower_folders)'", "at_file": "'(__flowerpower_at_files)'"}.get(
        value.kind, ""
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
