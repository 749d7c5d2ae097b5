# Completion of flowerpower for PowerShell, generated from its tree of commands.

Register-ArgumentCompleter -Native -CommandName flowerpower -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Every command by its path. Many: it can be given more than once.
    $tree = @{
        '' = @{
            Commands = [ordered]@{
                'init' = 'Create a project, in a new folder or in the current one.'
                'status' = 'Show the job queue on one screen: workers, queues, running and failed jobs, next fires.'
                'doctor' = 'Check the project, its pipelines, its job queue and what they need; nothing runs.'
                'metrics' = 'Print the numbers of the job queue for Prometheus, as OpenMetrics.'
                'dashboard' = 'Show jobs, schedules, pipelines and workers as web pages, which follow what happens.'
                'report' = 'Write the dashboard''s pages as one HTML file that needs no server, no script and no network.'
                'pipeline' = 'Create, inspect and run the pipelines of a project.'
                'job-queue' = 'Run pipelines in the background: jobs and their workers.'
                'schedule' = 'Run pipelines on a schedule: cron, calendar, interval or date.'
                'notify' = 'Notices of what happens: who is told, and a test of that.'
                'service' = 'Files that run workers as services: systemd, launchd, containers.'
                'completion' = 'Shell completion of commands, options and names.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--version'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the version.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'init' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'text'; Words = @() } }
            )
            Options = @(
                @{ Names = @('--name'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Give it this name.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--example'); Many = $false; Value = @{ Kind = 'choices'; Words = @('weather') }; Help = 'Start from an example: weather.' }
                @{ Names = @('--from'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Start from an exported pipeline (folder or zip), or another project''s folder or URL.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A time zone such as Europe/Berlin; by default the project''s, or of a new project the machine''s.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'status' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'doctor' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--check'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Make only these checks: configuration, extras, versions, pipelines, backend, clock, status, schedules, worker, scheduler. Repeatable.' }
                @{ Names = @('--worker-id'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The worker that the check `worker` asks for, by default any of here.' }
                @{ Names = @('--strict'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'End with 1 if there are only warnings, too.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'metrics' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--textfile'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write to FILE instead, for node_exporter''s textfile collector.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'dashboard' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--host'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Listen at this address; any but this machine''s own needs a token.' }
                @{ Names = @('--port'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Listen at this port; 0 is any free one.' }
                @{ Names = @('--read-only'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show all, change nothing.' }
                @{ Names = @('--token-file'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'A file with the token to sign in with; by default FLOWERPOWER_DASHBOARD_TOKEN.' }
                @{ Names = @('--allow-host'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Names of hosts that browsers may call it by. Repeatable.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'report' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline' = @{
            Commands = [ordered]@{
                'new' = 'Create a pipeline of one node, in two files to start from.'
                'list' = 'List the project''s pipelines, and how their schedules stand.'
                'show' = 'Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule.'
                'validate' = 'Check every pipeline without running it, and show all faults at once.'
                'delete' = 'Delete a pipeline: its configuration and its module.'
                'export' = 'Write a pipeline''s YAML and modules to a zip or a folder, for import elsewhere.'
                'import' = 'Import a pipeline from a folder or zip into this project, without running any of it.'
                'dag' = 'Draw a pipeline''s DAG: in the terminal, as Mermaid or dot, or as a picture.'
                'run' = 'Run a pipeline here and now and show its result.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline new' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'text'; Words = @() } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline list' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline show' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--html'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'As a page for a browser, with the DAG drawn.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline validate' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline delete' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--with-schedules'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Delete its schedules too.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline export' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what exists already.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline import' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'text'; Words = @() } }
            )
            Options = @(
                @{ Names = @('--name'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Give it this name.' }
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what exists already.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline dag' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--format'); Many = $false; Value = @{ Kind = 'choices'; Words = @('text', 'mermaid', 'dot', 'svg', 'png', 'pdf') }; Help = 'The format of the drawing; by default that of the suffix of --output, else text.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--upstream'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this node and what it depends on. Repeatable.' }
                @{ Names = @('--downstream'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this node and what depends on it. Repeatable.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline run' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--scheduled-for'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The input scheduled_for, as the job of a fire at this ISO 8601 time has it.' }
                @{ Names = @('--progress', '--no-progress'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show progress on stderr.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: JSON, or text where the pipeline declares text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How to execute the nodes.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The executor''s number of threads or processes.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these nodes again; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use this value for a node instead of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How often to try again after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Change each retry delay at random by up to this fraction of it.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue' = @{
            Commands = [ordered]@{
                'add-job' = 'Add a run of a pipeline to the job queue; a worker runs it.'
                'list-jobs' = 'List jobs, the newest first.'
                'show-job' = 'Show all that is known of a job: its times, its nodes, its error or its result.'
                'wait' = 'Wait until jobs have ended, and show their results.'
                'cancel-job' = 'Cancel jobs: a waiting one at once, a running one within seconds.'
                'retry-job' = 'Queue failed or cancelled jobs again, with all of their retries.'
                'delete-job' = 'Delete jobs with their results and logs.'
                'prune' = 'Delete jobs whose history_ttl is over now; workers do so from time to time.'
                'logs' = 'Show what a job has printed, on stdout and stderr, in its last attempt.'
                'start-worker' = 'Start a worker: it takes jobs from the queue and runs each in a process of its own.'
                'workers' = 'List the workers that are alive, and what they do.'
                'start-scheduler' = 'Start a scheduler: it adds the jobs of schedules when they are due, and runs none.'
                'pause' = 'Pause queues: workers take no jobs from them until they are resumed.'
                'resume' = 'Let workers take jobs from paused queues again.'
                'watch' = 'Show what happens in the job queue, live: its jobs, queues, workers and next fires.'
                'migrate' = 'Move schedules and waiting jobs to another job queue, with their ids and next fires.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue add-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--wait'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Wait for the job and show its result.' }
                @{ Names = @('--progress', '--no-progress'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show progress on stderr.' }
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: JSON, or text where the pipeline declares text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How to execute the nodes.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The executor''s number of threads or processes.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these nodes again; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use this value for a node instead of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How often to try again after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Change each retry delay at random by up to this fraction of it.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--run-at'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Run not before this ISO 8601 time; without an offset, in the project''s zone.' }
                @{ Names = @('--run-in'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Run not before this delay: 10m.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--job-id'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The new job''s id; if there is such a job already, nothing is added.' }
                @{ Names = @('--result-ttl'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long to keep the result; 0: not at all, -1: as long as the job''s record.' }
                @{ Names = @('--priority'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = '-100 to 100, by default 0; of the due jobs in a queue the highest run first.' }
                @{ Names = @('--expires'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Cancel a job that has waited this long in its queue: 10m.' }
                @{ Names = @('--after'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Run once these jobs have finished. Repeatable.' }
                @{ Names = @('--on'); Many = $false; Value = @{ Kind = 'choices'; Words = @('success', 'failure', 'end') }; Help = 'Run once the jobs of --after have ended so, by default success.' }
                @{ Names = @('--unique'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Add nothing while a job of this pipeline and these inputs has not ended.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue list-jobs' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--status'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.' }
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--schedule'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'Only jobs of this schedule.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--until'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created before this time, or 2h ago.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue show-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--attempt'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this attempt; 1 is the first.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue wait' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--progress', '--no-progress'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show progress on stderr.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue cancel-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--status'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.' }
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--schedule'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'Only jobs of this schedule.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--until'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created before this time, or 2h ago.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue retry-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--from-failed'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Reuse what had finished in the last attempt; for runs that use the cache.' }
                @{ Names = @('--again'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Run ended jobs once more, as new jobs.' }
                @{ Names = @('--job-id'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The new job''s id; if there is such a job already, nothing is added.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--status'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.' }
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--schedule'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'Only jobs of this schedule.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--until'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created before this time, or 2h ago.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue delete-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--status'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.' }
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--schedule'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'Only jobs of this schedule.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--until'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Created before this time, or 2h ago.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue prune' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--all-ended'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Delete every ended job, however long it is to be kept.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue logs' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--attempt'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this attempt; 1 is the first.' }
                @{ Names = @('--all-attempts'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Of every attempt, each below a heading.' }
                @{ Names = @('--follow', '-f'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Go on until the job has ended.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue start-worker' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--num-workers', '-n'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Jobs at once; by default as conf/project.yml says.' }
                @{ Names = @('--queues'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Take jobs from these queues, the first one first; by default from all. Repeatable.' }
                @{ Names = @('--burst'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'End when no job is due.' }
                @{ Names = @('--max-jobs'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'End after N jobs.' }
                @{ Names = @('--jobs-per-child'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How many jobs a process runs before it is replaced.' }
                @{ Names = @('--with-scheduler'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Fire schedules too; on SQL every worker does.' }
                @{ Names = @('--log-format'); Many = $false; Value = @{ Kind = 'choices'; Words = @('text', 'json') }; Help = 'How to log (FLOWERPOWER_LOG_FORMAT); by default as text.' }
                @{ Names = @('--job-logs'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print what jobs print too, each line with its job.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue workers' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue start-scheduler' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--log-format'); Many = $false; Value = @{ Kind = 'choices'; Words = @('text', 'json') }; Help = 'How to log (FLOWERPOWER_LOG_FORMAT); by default as text.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue pause' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('queues') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue resume' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('queues') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue watch' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--refresh'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Look at the queue this often: 500ms, 5s.' }
                @{ Names = @('--for'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'End after this time: 10m.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue migrate' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--to'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The type of the queue to move to.' }
                @{ Names = @('--to-url'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Its address, or the variable that holds it; by default as conf/project.yml says, or where a queue of that type is without a url.' }
                @{ Names = @('--from-url'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Where to move from; by default the project''s queue, or if that is of the type --to already, where a queue of the other type is without a url.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule' = @{
            Commands = [ordered]@{
                'add' = 'Run a pipeline on a schedule: at the times of --cron, --every or --interval, or at --date.'
                'diff' = 'Show how the live schedules differ from those that YAML declares.'
                'apply' = 'Make the live schedules those that YAML declares: add them, and change them in place.'
                'list' = 'List schedules, the oldest first: when they fire, and what became of the last fire.'
                'show' = 'Show all that is known of a schedule: its next fires, and what became of the last ones.'
                'preview' = 'Show the next fires of a schedule or a trigger, and what clock changes do to them.'
                'pause' = 'Stop schedules from firing until they are resumed.'
                'resume' = 'Let paused schedules fire again, from now on; fires that they missed are not made up for.'
                'run-now' = 'Add a job of each schedule at once; when the schedules fire does not change.'
                'delete' = 'Delete schedules with their history; jobs that they added stay.'
                'history' = 'List the fires of a schedule and what became of each and of its job, the latest first.'
                'backfill' = 'Add jobs for past fires of a schedule that made none: a range of time, or what was missed.'
                'import' = 'Turn the lines of a crontab into declared schedules, and show what each means.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule add' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--schedule-id'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'The schedule''s id; by default the pipeline''s next number.' }
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what exists already.' }
                @{ Names = @('--cron'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Cron: five fields, or @daily and similar words.' }
                @{ Names = @('--every'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Days, weeks, months or years of the calendar from --start on: 2 weeks.' }
                @{ Names = @('--interval'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Elapsed time between fires: 90s, 1h30m.' }
                @{ Names = @('--date'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Fire once, at this ISO 8601 time.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A time zone such as Europe/Berlin; by default the project''s, or of a new project the machine''s.' }
                @{ Names = @('--except'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire on these dates. Repeatable.' }
                @{ Names = @('--start'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire before this ISO 8601 time; --every and --interval count from it. By default now.' }
                @{ Names = @('--end'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire after this time.' }
                @{ Names = @('--jitter'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Delay each fire at random by up to this long.' }
                @{ Names = @('--misfire-grace-time'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A fire later than this counts as missed; by default there is no limit.' }
                @{ Names = @('--coalesce', '--no-coalesce'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Make one fire of several missed ones (the default), or each of them.' }
                @{ Names = @('--max-instances'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A fire overlaps while N jobs of the schedule have not ended; by default 1.' }
                @{ Names = @('--overlap'); Many = $false; Value = @{ Kind = 'choices'; Words = @('skip', 'queue', 'replace') }; Help = 'What such a fire does: no job (the default), one that waits, or one in the place of the oldest.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'names'; Words = @('queues') }; Help = 'The name of a queue.' }
                @{ Names = @('--result-ttl'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long to keep the result; 0: not at all, -1: as long as the job''s record.' }
                @{ Names = @('--priority'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = '-100 to 100, by default 0; of the due jobs in a queue the highest run first.' }
                @{ Names = @('--expires'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Cancel a job that has waited this long in its queue: 10m.' }
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: JSON, or text where the pipeline declares text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How to execute the nodes.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The executor''s number of threads or processes.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these nodes again; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use this value for a node instead of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How often to try again after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Change each retry delay at random by up to this fraction of it.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule diff' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule apply' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('pipelines') } }
            )
            Options = @(
                @{ Names = @('--prune'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Delete those that YAML declares no more.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule list' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--state'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'active, paused, done. Repeatable.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule show' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule preview' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--start'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire before this ISO 8601 time; --every and --interval count from it. By default now.' }
                @{ Names = @('--count'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How many fires.' }
                @{ Names = @('--cron'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Cron: five fields, or @daily and similar words.' }
                @{ Names = @('--every'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Days, weeks, months or years of the calendar from --start on: 2 weeks.' }
                @{ Names = @('--interval'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Elapsed time between fires: 90s, 1h30m.' }
                @{ Names = @('--date'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Fire once, at this ISO 8601 time.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A time zone such as Europe/Berlin; by default the project''s, or of a new project the machine''s.' }
                @{ Names = @('--except'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire on these dates. Repeatable.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule pause' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule resume' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule run-now' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule delete' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $true; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule history' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule backfill' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') } }
            )
            Options = @(
                @{ Names = @('--from'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The first fire is not before this ISO 8601 time.' }
                @{ Names = @('--to'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The last fire is not after this time; by default now.' }
                @{ Names = @('--missed'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only fires that the history has as missed or skipped.' }
                @{ Names = @('--max-parallel'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most N of the jobs run at once; by default the schedule''s max_instances.' }
                @{ Names = @('--order'); Many = $false; Value = @{ Kind = 'choices'; Words = @('oldest', 'newest') }; Help = 'Which fire''s job runs first.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule import' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'file'; Words = @() } }
            )
            Options = @(
                @{ Names = @('--dialect'); Many = $false; Value = @{ Kind = 'choices'; Words = @('debian', 'busybox', 'systemd', 'quartz', 'kubernetes', 'apscheduler', 'airflow', 'bcron', 'mcron', 'systemd-cron') }; Help = 'The scheduler that it was written for.' }
                @{ Names = @('--to-pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Where lines go that run no pipeline.' }
                @{ Names = @('--system'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'The crontab has a column for the user.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A time zone such as Europe/Berlin; by default the project''s, or of a new project the machine''s.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'notify' = @{
            Commands = [ordered]@{
                'test' = 'Send one test notice to each configured target now, and say what happened.'
                'list' = 'Show who is told of what, and the notices that wait or could not be sent.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'notify test' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--on'); Many = $false; Value = @{ Kind = 'choices'; Words = @('failed', 'recovered', 'missed', 'late', 'lost', 'finished') }; Help = 'Only those that are told of this.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'notify list' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--on'); Many = $false; Value = @{ Kind = 'choices'; Words = @('failed', 'recovered', 'missed', 'late', 'lost', 'finished') }; Help = 'Only those that are told of this.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'service' = @{
            Commands = [ordered]@{
                'print' = 'Print the files that run this project''s workers as services.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'service print' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'text'; Words = @() } }
            )
            Options = @(
                @{ Names = @('--workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How many worker processes.' }
                @{ Names = @('--num-workers', '-n'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Jobs at once; by default as conf/project.yml says.' }
                @{ Names = @('--queues'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Take jobs from these queues, the first one first; by default from all. Repeatable.' }
                @{ Names = @('--scheduler', '--no-scheduler'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Run a scheduler too; by default where workers fire no schedules.' }
                @{ Names = @('--user'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The user to run as; by default the owner of the project.' }
                @{ Names = @('--grace'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long jobs may run on at a stop; by default 10m.' }
                @{ Names = @('--image'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The container image; by default of the project''s name.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder, or an address such as s3://bucket/project (FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds a project.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'completion' = @{
            Commands = [ordered]@{
                'show' = 'Print the completion script of a shell.'
                'install' = 'Write the completion script to where the shell looks for it, for this user alone.'
            }
            Arguments = @(
            )
            Options = @(
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'completion show' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'choices'; Words = @('bash', 'zsh', 'fish', 'powershell') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'completion install' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'choices'; Words = @('bash', 'zsh', 'fish', 'powershell') } }
            )
            Options = @(
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only show what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print only ids, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show more; given twice, the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print no colours.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
    }

    $offer = {
        param($text, $kind, $help)
        if (-not $help) { $help = $text }
        [System.Management.Automation.CompletionResult]::new($text, $text, $kind, $help)
    }

    # Values behind $before that begin with $typed. Nothing at all lets PowerShell offer files.
    $values = {
        param($value, $before, $typed, $baseDir)
        $words = @($value.Words)
        if ($value.Kind -ceq 'names') {
            $place = @()
            if ($baseDir) { $place = @('--base-dir', $baseDir) }
            $words = @(flowerpower --complete-names $value.Words[0] @place 2>$null) -cmatch
                '^[A-Za-z0-9_][A-Za-z0-9_-]*$'
        }
        foreach ($word in $words) {
            if ($word -and $word.StartsWith($typed, [StringComparison]::Ordinal)) {
                & $offer "$before$word" 'ParameterValue' ''
            }
        }
    }

    $read = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $path = ''
    $command = $tree[$path]
    $pending = $null
    $ended = $false
    $baseDir = ''
    $count = 0
    $used = @()
    foreach ($element in $read) {
        $word = $element.ToString()
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $word = $element.Value
        }
        $name, $given = $word -split '=', 2
        if ($pending) {
            if ($pending.Names -ccontains '--base-dir') { $baseDir = $word }
            $pending = $null
        } elseif ($ended -or -not $word.StartsWith('-') -or $word -ceq '-') {
            if (-not $command.Commands.Count) {
                $count++
            } elseif ($command.Commands.Contains($word)) {
                $path = "$path $word".Trim()
                $command = $tree[$path]
                $used = @()
                $ended = $false
            } else {
                return
            }
        } elseif ($word -ceq '--') {
            $ended = $true
        } else {
            $option = $command.Options | Where-Object { $_.Names -ccontains $name }
            if ($option) {
                $used += $option.Names
                if ($null -ne $given) {
                    if ($name -ceq '--base-dir') { $baseDir = $given }
                } elseif ($option.Value.Kind -cne 'flag') {
                    $pending = $option
                }
            }
        }
    }

    $name, $typed = $wordToComplete -split '=', 2
    $arguments = @($command.Arguments)
    if ($pending) {
        & $values $pending.Value '' $wordToComplete $baseDir
    } elseif (-not $ended -and $null -ne $typed -and $name.StartsWith('--')) {
        $option = $command.Options | Where-Object { $_.Names -ccontains $name }
        if ($option) { & $values $option.Value "$name=" $typed $baseDir }
    } elseif (-not $ended -and $wordToComplete.StartsWith('-')) {
        foreach ($option in $command.Options) {
            foreach ($each in $option.Names) {
                if ($each.StartsWith($wordToComplete, [StringComparison]::Ordinal) -and
                    ($option.Many -or $used -cnotcontains $each)) {
                    & $offer $each 'ParameterName' $option.Help
                }
            }
        }
    } elseif ($command.Commands.Count) {
        foreach ($each in $command.Commands.Keys) {
            if ($each.StartsWith($wordToComplete, [StringComparison]::Ordinal)) {
                & $offer $each 'ParameterValue' $command.Commands[$each]
            }
        }
    } elseif ($count -lt $arguments.Count) {
        & $values $arguments[$count].Value '' $wordToComplete $baseDir
    } elseif ($arguments.Count -and $arguments[-1].Many) {
        & $values $arguments[-1].Value '' $wordToComplete $baseDir
    }
}
