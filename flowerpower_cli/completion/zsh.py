"""The completion script for zsh."""

from __future__ import annotations

from flowerpower_cli.completion.tree import Command, Parameter, Value

_SCRIPT = r"""#compdef flowerpower
# Completion of flowerpower for zsh, generated from its tree of commands.

__flowerpower_names() {
    local -a names place
    (( $+opt_args[--base-dir] )) && place=(--base-dir "${(Q)opt_args[--base-dir]}")
    names=(${(f)"$(command flowerpower --complete-names $@[-1] $place 2>/dev/null </dev/null)"})
    names=(${(M)names:#[A-Za-z0-9_][A-Za-z0-9_-]#})
    (( $#names )) && compadd "${@[1,-2]}" -a names
}

__flowerpower_at_file() {
    compset -P '@' && _files "$@"
}

@FUNCTIONS@
if [[ $funcstack[1] == _flowerpower ]]; then
    _flowerpower "$@"
else
    compdef _flowerpower flowerpower
fi
"""
_GROUP = r"""@NAME@() {
    local curcontext="$curcontext" context state state_descr line
    local -A opt_args
    local -a commands=(
@COMMANDS@
    )
    _arguments -C -s -S \
@OPTIONS@
        '(-): :->command' \
        '(-)*:: :->rest' && return
    case $state in
        command) _describe -t commands 'command' commands ;;
        rest)
            curcontext="${curcontext%:*}-$words[1]:"
            (( $+functions[@NAME@_$words[1]] )) && @NAME@_$words[1]
            ;;
    esac
}
"""
_COMMAND = r"""@NAME@() {
    local context state state_descr line
    local -A opt_args
    _arguments -s -S \
@SPECS@
}
"""
_ACTIONS = {"file": "_files", "folder": "_files -/", "at_file": "__flowerpower_at_file"}


def render(root: Command) -> str:
    """The script for the tree of commands at `root`."""
    return _SCRIPT.replace("@FUNCTIONS@", "\n".join(map(_function, root.walk())))


def _function(command: Command) -> str:
    name = "_".join(["_flowerpower", *command.path])
    specs = [_option(option) for option in command.options]
    if command.commands:
        rows = [
            f"        {_quoted(f'{subcommand.name}:{subcommand.help}')}"
            for subcommand in command.commands
        ]
        text = _GROUP.replace("@COMMANDS@", "\n".join(rows))
        return text.replace("@OPTIONS@", _lines(specs) + " \\").replace("@NAME@", name)
    specs.extend(
        _quoted(("*" if argument.repeatable else "") + _action(argument.value))
        for argument in command.arguments
    )
    return _COMMAND.replace("@SPECS@", _lines(specs)).replace("@NAME@", name)


def _lines(specs: list[str]) -> str:
    return " \\\n".join(f"        {spec}" for spec in specs)


def _option(option: Parameter) -> str:
    names = [_name(name, option) for name in option.names]
    before = "*" if option.repeatable else f"({' '.join(option.names)})"
    after = f"[{_escaped(option.help)}]"
    if option.takes_value:
        after += _action(option.value)
    if len(names) == 1:
        return _quoted(("*" if option.repeatable else "") + names[0] + after)
    return f"{_quoted(before)}{{{','.join(names)}}}{_quoted(after)}"


def _name(name: str, option: Parameter) -> str:
    if not option.takes_value:
        return name
    return f"{name}=" if name.startswith("--") else f"{name}+"


def _action(value: Value) -> str:
    if value.kind == "choices":
        action = f"({' '.join(value.words)})"
    elif value.kind == "names":
        action = f"__flowerpower_names {value.words[0]}"
    else:
        action = _ACTIONS.get(value.kind, " ")
    return f":{_escaped(value.metavar)}:{action}"


def _escaped(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"
