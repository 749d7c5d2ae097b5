"""`flowerpower dashboard` and `flowerpower report`: the job queue as pages for a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command, report_unexpected
from flowerpower_cli.inputs import words
from flowerpower_cli.option_values import whole_number
from flowerpower_cli.options import Limit, OutputFile, QueueOptions, Since, Strings, option

DEFAULT_PORT = 8642


@command("dashboard", example="--read-only", options=QueueOptions)
def dashboard(
    context: CommandContext,
    host: Annotated[
        str, option("ADDRESS", "Listen at this address; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, option("N", "Listen at this port; 0 is any free one.", whole_number)
    ] = DEFAULT_PORT,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show all, change nothing.")
    ] = False,
    token_file: Annotated[
        Path | None,
        option(
            "FILE",
            "A file with the token to sign in with; by default FLOWERPOWER_DASHBOARD_TOKEN.",
        ),
    ] = None,
    allow_host: Annotated[
        Strings,
        option("NAME[,NAME]", "Names of hosts that browsers may call it by. Repeatable."),
    ] = None,
) -> None:
    """Show jobs, schedules, pipelines and workers as web pages, which follow what happens.

    From there jobs can be added, retried and cancelled, schedules and queues paused. It is for this
    machine alone, unless --host says otherwise. Ctrl-C or SIGTERM ends it.
    """
    from flowerpower_cli.views.tables import line
    from flowerpower_cli.web import open_web

    _ = context.job_queue
    web = open_web("server")
    token = web.read_token(token_file, os.environ.get(web.TOKEN_VARIABLE))
    web.check_address(host, token)
    with web.open_socket(host, port) as listener:
        free_port = listener.getsockname()[1]
        url = web.url_of(host, free_port)
        site = web.Site(context.manager)
        server = web.make_server(
            site,
            free_port,
            token=token,
            hosts=words(allow_host),
            read_only=read_only,
            on_unexpected=lambda error: report_unexpected(error, context.output),
        )

        def announce() -> None:
            context.output.result({"url": url, "read_only": read_only}, lambda: [line(url)], [url])
            context.output.message("Ctrl-C ends it.")

        web.serve(server, listener, announce)


@command("report", example="-o report.html --since 7d", options=QueueOptions)
def report(
    context: CommandContext,
    output: OutputFile = None,
    since: Since = None,
    limit: Limit = 1000,
) -> None:
    """Write the dashboard's pages as one HTML file that needs no server, no script and no network.

    --since and --limit say which jobs it lists. Without --output it goes to stdout.
    """
    from flowerpower.pipeline.overrides import due_time
    from flowerpower_cli.views.output import check_writable
    from flowerpower_cli.web import open_web

    if context.output.json and output is None:
        raise UsageError("--json needs --output: stdout cannot hold the page and JSON.")
    check_writable(output)
    _ = context.job_queue
    web = open_web("report")
    begin = due_time(context.manager.project, since)
    page = web.report(context.manager, begin, limit).encode()
    context.output.write(page, output)
    if context.output.json:
        context.output.result({"path": str(output), "bytes": len(page)}, lambda: [])
