# Completion of flowerpower for PowerShell, generated from its tree of commands.

Register-ArgumentCompleter -Native -CommandName flowerpower -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Every command by its path. Many: it can be given more than once.
    $tree = @{
@TREE@
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
