"""Completion scripts for four shells, made from the tree of commands.

They contain the whole tree. Only names of pipelines, jobs, queues and schedules are looked up while
somebody types, by `flowerpower --complete-names` (see `flowerpower_cli.completion.names`). Each
script is a template in `templates/`, in which what stands between two @ is filled in here.

`make completions` writes the files in completions/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

from flowerpower_cli.completion.tree import Command, Parameter, Value, command_tree

FILES = {
    "bash": "flowerpower.bash",
    "zsh": "_flowerpower",
    "fish": "flowerpower.fish",
    "powershell": "flowerpower.ps1",
}
_ZSH_GROUP = r"""@NAME@() {
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
_ZSH_COMMAND = r"""@NAME@() {
    local context state state_descr line
    local -A opt_args
    _arguments -s -S \
@SPECS@
}
"""
_ZSH_ACTIONS = {"file": "_files", "folder": "_files -/", "at_file": "__flowerpower_at_file"}
_FISH_CANDIDATES = {"folder": "'(__flowerpower_folders)'", "at_file": "'(__flowerpower_at_files)'"}


def script(shell: str, root: Any) -> str:
    """The completion script of a shell in `FILES` for the parser's tree of commands at `root`."""
    from importlib import resources

    commands = list(command_tree(root).walk())
    template = resources.files(__package__) / "templates" / FILES[shell]
    text = template.read_text("utf-8")
    if shell == "bash":
        return text.replace("@TABLE@", _joined(map(_bash_entry, commands)))
    if shell == "zsh":
        return text.replace("@FUNCTIONS@", "\n".join(map(_zsh_function, commands)))
    if shell == "powershell":
        return text.replace("@TREE@", _joined(map(_ps_entry, commands)))
    text = text.replace("@LINES@", _joined(map(_fish_lines, commands)))
    paths = [" ".join(command.path) for command in commands if command.path]
    return text.replace("@COMMANDS@", _fish_list(paths)).replace(
        "@VALUED@", _fish_list(_options_with_value(commands))
    )


def _joined(entries: Iterable[Iterable[str]]) -> str:
    return "\n".join(line for lines in entries for line in lines)


def _bash_entry(command: Command) -> list[str]:
    lines = [f"        {quote(' '.join(command.path))})"]
    if command.commands:
        lines.append(
            f"            commands=({' '.join(subcommand.name for subcommand in command.commands)})"
        )
    if command.arguments:
        lines.append("            arguments=(")
        lines.extend(
            f"                {quote(_bash_place(argument))}" for argument in command.arguments
        )
        lines.append("            )")
    lines.append("            options=(")
    entries = (f"{','.join(option.names)} {_bash_place(option)}" for option in command.options)
    lines.extend(f"                {quote(entry)}" for entry in entries)
    return [*lines, "            )", "            ;;"]


def _bash_place(place: Parameter) -> str:
    """How often it can be given, what its value is, and the words for it."""
    times = "many" if place.repeatable else "once"
    return " ".join([times, place.value.kind, *place.value.words])


def _zsh_function(command: Command) -> str:
    name = "_".join(["_flowerpower", *command.path])
    specs = [_zsh_option(option) for option in command.options]
    if command.commands:
        rows = [
            f"        {_zsh_quoted(f'{subcommand.name}:{subcommand.help}')}"
            for subcommand in command.commands
        ]
        text = _ZSH_GROUP.replace("@COMMANDS@", "\n".join(rows))
        return text.replace("@OPTIONS@", _zsh_lines(specs) + " \\").replace("@NAME@", name)
    specs.extend(
        _zsh_quoted(("*" if argument.repeatable else "") + _zsh_action(argument.value))
        for argument in command.arguments
    )
    return _ZSH_COMMAND.replace("@SPECS@", _zsh_lines(specs)).replace("@NAME@", name)


def _zsh_lines(specs: list[str]) -> str:
    return " \\\n".join(f"        {spec}" for spec in specs)


def _zsh_option(option: Parameter) -> str:
    names = [_zsh_name(name, option) for name in option.names]
    before = "*" if option.repeatable else f"({' '.join(option.names)})"
    after = f"[{_zsh_escaped(option.help)}]"
    if option.takes_value:
        after += _zsh_action(option.value)
    if len(names) == 1:
        return _zsh_quoted(("*" if option.repeatable else "") + names[0] + after)
    return f"{_zsh_quoted(before)}{{{','.join(names)}}}{_zsh_quoted(after)}"


def _zsh_name(name: str, option: Parameter) -> str:
    if not option.takes_value:
        return name
    return f"{name}=" if name.startswith("--") else f"{name}+"


def _zsh_action(value: Value) -> str:
    if value.kind == "choices":
        action = f"({' '.join(value.words)})"
    elif value.kind == "names":
        action = f"__flowerpower_names {value.words[0]}"
    else:
        action = _ZSH_ACTIONS.get(value.kind, " ")
    return f":{_zsh_escaped(value.metavar)}:{action}"


def _zsh_escaped(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"


def _fish_list(words: list[str]) -> str:
    return "".join(f" \\\n    {_fish_quoted(word)}" for word in words).lstrip(" ")


def _fish_lines(command: Command) -> Iterator[str]:
    path = _fish_quoted(" ".join(command.path))
    yield ""
    for subcommand in command.commands:
        yield _fish_complete(f"__flowerpower_at {path} 0", f"-a {subcommand.name}", subcommand.help)
    for option in command.options:
        yield _fish_complete(
            f"__flowerpower_at {path}", _fish_names(option) + _fish_value(option), option.help
        )
    for index, argument in enumerate(command.arguments):
        candidates = _fish_candidates(argument.value)
        place = f"__flowerpower_at {path}" + ("" if argument.repeatable else f" {index}")
        if argument.value.kind == "file":
            yield _fish_complete(place, "-F")
        elif candidates:
            yield _fish_complete(place, f"-a {candidates}")


def _options_with_value(commands: list[Command]) -> list[str]:
    return [
        f"{' '.join(command.path)}:{name}"
        for command in commands
        for option in command.options
        if option.takes_value
        for name in option.names
    ]


def _fish_complete(condition: str, what: str, description: str = "") -> str:
    line = f"complete -c flowerpower -n {_fish_quoted(condition)} {what}"
    return f"{line} -d {_fish_quoted(description)}" if description else line


def _fish_names(option: Parameter) -> str:
    return " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    )


def _fish_value(option: Parameter) -> str:
    if not option.takes_value:
        return ""
    if option.value.kind == "file":
        return " -r -F"
    candidates = _fish_candidates(option.value)
    return f" -x -a {candidates}" if candidates else " -x"


def _fish_candidates(value: Value) -> str:
    if value.kind == "choices":
        return _fish_quoted(" ".join(value.words))
    if value.kind == "names":
        return f"'(__flowerpower_names {value.words[0]})'"
    return _FISH_CANDIDATES.get(value.kind, "")


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _ps_entry(command: Command) -> list[str]:
    lines = [f"        {_ps_quoted(' '.join(command.path))} = @{{"]
    lines.append("            Commands = [ordered]@{")
    lines.extend(
        f"                {_ps_quoted(subcommand.name)} = {_ps_quoted(subcommand.help)}"
        for subcommand in command.commands
    )
    lines.extend(["            }", "            Arguments = @("])
    for argument in command.arguments:
        many = _ps_boolean(argument.repeatable)
        lines.append(f"                @{{ Many = {many}; Value = {_ps_value(argument.value)} }}")
    lines.extend(["            )", "            Options = @("])
    lines.extend(f"                {_ps_option(option)}" for option in command.options)
    return [*lines, "            )", "        }"]


def _ps_option(option: Parameter) -> str:
    return (
        f"@{{ Names = {_ps_list(option.names)}; Many = {_ps_boolean(option.repeatable)}; "
        f"Value = {_ps_value(option.value)}; Help = {_ps_quoted(option.help)} }}"
    )


def _ps_value(value: Value) -> str:
    return f"@{{ Kind = {_ps_quoted(value.kind)}; Words = {_ps_list(value.words)} }}"


def _ps_list(words: tuple[str, ...]) -> str:
    return f"@({', '.join(map(_ps_quoted, words))})"


def _ps_boolean(value: bool) -> str:
    return "$true" if value else "$false"


def _ps_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
