# Completion of flowerpower for PowerShell, generated from its tree of commands.

Register-ArgumentCompleter -Native -CommandName flowerpower -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Every command by its path. Many: it can be given more than once.
    $tree = @{
        '' = @{
            Commands = [ordered]@{
                'init' = 'Make a new project, in a new folder or in the current one.'
                'pipeline' = 'Make, look at and run the pipelines of a project.'
                'job-queue' = 'Run pipelines in the background: jobs and their workers.'
                'schedule' = 'Run pipelines by themselves: cron, intervals, dates.'
                'completion' = 'Completion of commands, options and names in your shell.'
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
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--example'); Many = $false; Value = @{ Kind = 'choices'; Words = @('weather') }; Help = 'Start from an example: weather.' }
                @{ Names = @('--from'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Start from an exported pipeline (folder or zip), or another project''s folder.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'pipeline' = @{
            Commands = [ordered]@{
                'new' = 'Make a pipeline of one node, in two files to go on from.'
                'list' = 'List the project''s pipelines.'
                'show' = 'Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule.'
                'validate' = 'Check every pipeline without running it, and tell all faults in one go.'
                'delete' = 'Delete a pipeline: its configuration and its module.'
                'export' = 'Write a pipeline''s YAML and modules into a zip, or a folder, to be imported elsewhere.'
                'import' = 'Take a pipeline from a folder or zip into this project; nothing of it is run.'
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what is there already.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--name'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Give the pipeline this name.' }
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what is there already.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--format'); Many = $false; Value = @{ Kind = 'choices'; Words = @('text', 'mermaid', 'dot', 'svg', 'png', 'pdf') }; Help = 'What to draw it as; by default as the suffix of --output says, else text.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--upstream'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this node and what it depends on. Repeatable.' }
                @{ Names = @('--downstream'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Only this node and what depends on it. Repeatable.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--progress', '--no-progress'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show progress on stderr.' }
                @{ Names = @('--output', '-o'); Many = $false; Value = @{ Kind = 'file'; Words = @() }; Help = 'Write the result to FILE.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: a JSON value, else text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How nodes are executed.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Threads or processes it has.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'A node''s value, in place of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Try again this often after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Spread retry delays by up to this part of them.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue' = @{
            Commands = [ordered]@{
                'add-job' = 'Hand a run of a pipeline to the job queue; a worker does it.'
                'list-jobs' = 'List jobs, the newest first.'
                'show-job' = 'Show all that is known of a job: its times, its nodes, its error or its result.'
                'wait' = 'Wait until jobs have ended, and show their results.'
                'cancel-job' = 'Cancel jobs: one that waits at once, one that runs within seconds.'
                'retry-job' = 'Queue a failed or cancelled job again, with all its retries.'
                'delete-job' = 'Forget jobs, their results and their logs.'
                'prune' = 'Forget jobs whose history has ended now, not at the next occasion.'
                'logs' = 'Show what a job has printed, on stdout and stderr.'
                'start-worker' = 'Start a worker: it takes jobs from the queue and runs each in a process of its own.'
                'workers' = 'List the workers that live, and what they do.'
                'start-scheduler' = 'Start a scheduler: it makes the jobs of schedules when they are due, and runs none.'
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
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: a JSON value, else text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How nodes are executed.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Threads or processes it has.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'A node''s value, in place of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Try again this often after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Spread retry delays by up to this part of them.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--run-at'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Not before this time, ISO 8601; without an offset in the project''s zone.' }
                @{ Names = @('--run-in'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Not before so long from now: 10m.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The name of a queue.' }
                @{ Names = @('--job-id'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The job''s id: asking again with it gives the first job back.' }
                @{ Names = @('--result-ttl'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long its result is kept; 0: not at all, -1: as long as its record.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--status'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'scheduled, queued, running, finished, failed, cancelled. Repeatable.' }
                @{ Names = @('--pipeline'); Many = $false; Value = @{ Kind = 'names'; Words = @('pipelines') }; Help = 'Only those of this pipeline.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The name of a queue.' }
                @{ Names = @('--schedule'); Many = $false; Value = @{ Kind = 'names'; Words = @('schedules') }; Help = 'Only jobs of this schedule.' }
                @{ Names = @('--since'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Not before this ISO 8601 time, or 2h ago.' }
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most so many.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'job-queue retry-job' = @{
            Commands = [ordered]@{
            }
            Arguments = @(
                @{ Many = $false; Value = @{ Kind = 'names'; Words = @('jobs') } }
            )
            Options = @(
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--all-ended'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Also those whose history has not ended yet.' }
                @{ Names = @('--yes', '-y'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Do not ask.' }
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--attempt'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Of this attempt; by default the last one.' }
                @{ Names = @('--follow', '-f'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Go on until the job has ended.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--queues'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Take jobs from these; by default from all. Repeatable.' }
                @{ Names = @('--burst'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'End when no job is due.' }
                @{ Names = @('--max-jobs'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'End after so many jobs.' }
                @{ Names = @('--jobs-per-child'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Jobs that one process does before it is replaced.' }
                @{ Names = @('--with-scheduler'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Fire schedules too; on SQL every worker does.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'schedule' = @{
            Commands = [ordered]@{
                'add' = 'Let a pipeline run by itself: at the times of --cron or --interval, or once at --date.'
                'list' = 'List schedules, the oldest first: when they fire, in words, and when next.'
                'show' = 'Show all that is known of a schedule: its next fires, and what became of the last.'
                'preview' = 'Show the next fires of a schedule or a trigger, and what clock changes do to them.'
                'pause' = 'Let schedules fire no more until they are resumed.'
                'resume' = 'Let paused schedules fire again, from now on; what they missed is not made up for.'
                'run-now' = 'Make a job as schedules would make it, at once; their calendar stays as it is.'
                'delete' = 'Forget schedules and their history; jobs that they made stay.'
                'history' = 'List the fires of a schedule and what became of each, the latest first.'
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
                @{ Names = @('--overwrite'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Replace what is there already.' }
                @{ Names = @('--cron'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Five fields, or @daily and the like.' }
                @{ Names = @('--interval'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Real time between fires: 90s, 1h30m.' }
                @{ Names = @('--date'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'One fire at an ISO 8601 time.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Such as Europe/Berlin; by default the project''s.' }
                @{ Names = @('--start'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire before this time, ISO 8601; an interval counts from it. By default now.' }
                @{ Names = @('--end'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire after this time.' }
                @{ Names = @('--jitter'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Each fire is up to so long late, at random.' }
                @{ Names = @('--misfire-grace-time'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'A fire that is later than this is missed; by default there is no limit.' }
                @{ Names = @('--coalesce', '--no-coalesce'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Make one fire of several that were missed (the default), or each.' }
                @{ Names = @('--max-instances'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Skip a fire while so many jobs of the schedule are not done; by default 1.' }
                @{ Names = @('--queue'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'The name of a queue.' }
                @{ Names = @('--result-ttl'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long its result is kept; 0: not at all, -1: as long as its record.' }
                @{ Names = @('--input', '-i'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One input: a JSON value, else text. Repeatable.' }
                @{ Names = @('--inputs'); Many = $false; Value = @{ Kind = 'at_file'; Words = @() }; Help = 'Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.' }
                @{ Names = @('--final-vars'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'The nodes to compute. Repeatable.' }
                @{ Names = @('--config'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'One setting of Hamilton''s driver configuration. Repeatable.' }
                @{ Names = @('--executor'); Many = $false; Value = @{ Kind = 'choices'; Words = @('synchronous', 'threadpool', 'future', 'processpool', 'ray', 'dask') }; Help = 'How nodes are executed.' }
                @{ Names = @('--max-workers'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Threads or processes it has.' }
                @{ Names = @('--cache', '--no-cache'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Keep results of nodes between runs.' }
                @{ Names = @('--recompute'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Use the cache, but compute these; * is every node. Repeatable.' }
                @{ Names = @('--override'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'A node''s value, in place of computing it. Repeatable.' }
                @{ Names = @('--load'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Read a node from a CSV, Parquet, JSON or other file. Repeatable.' }
                @{ Names = @('--save'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.' }
                @{ Names = @('--with-adapter'); Many = $true; Value = @{ Kind = 'text'; Words = @() }; Help = 'Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, print, type_check; in a run also package.module:Class. Repeatable.' }
                @{ Names = @('--max-retries'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Try again this often after a failure.' }
                @{ Names = @('--retry-delay'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Wait before the first retry: 90s, 5m.' }
                @{ Names = @('--jitter-factor'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Spread retry delays by up to this part of them.' }
                @{ Names = @('--timeout'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How long it may take: 90s, 5m, 2h.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--start'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'No fire before this time, ISO 8601; an interval counts from it. By default now.' }
                @{ Names = @('--count'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'How many fires.' }
                @{ Names = @('--cron'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Five fields, or @daily and the like.' }
                @{ Names = @('--interval'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Real time between fires: 90s, 1h30m.' }
                @{ Names = @('--date'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'One fire at an ISO 8601 time.' }
                @{ Names = @('--timezone'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'Such as Europe/Berlin; by default the project''s.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
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
                @{ Names = @('--limit'); Many = $false; Value = @{ Kind = 'text'; Words = @() }; Help = 'At most so many.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
                @{ Names = @('--base-dir'); Many = $false; Value = @{ Kind = 'folder'; Words = @() }; Help = 'The project''s folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.' }
                @{ Names = @('--type'); Many = $false; Value = @{ Kind = 'choices'; Words = @('apscheduler', 'rq') }; Help = 'The job queue''s backend.' }
                @{ Names = @('--help', '-h'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Show this message and exit.' }
            )
        }
        'completion' = @{
            Commands = [ordered]@{
                'show' = 'Print the completion script of a shell.'
                'install' = 'Put the completion script where the shell looks for it, for this user.'
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
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
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
                @{ Names = @('--dry-run'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Only say what would be done.' }
                @{ Names = @('--json'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print the result as JSON.' }
                @{ Names = @('--quiet', '-q'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Print ids only, no messages.' }
                @{ Names = @('--verbose', '-v'); Many = $true; Value = @{ Kind = 'flag'; Words = @() }; Help = 'Say more; twice: the causes of errors too.' }
                @{ Names = @('--no-color'); Many = $false; Value = @{ Kind = 'flag'; Words = @() }; Help = 'No colours.' }
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
