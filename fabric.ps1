# fabric.ps1: builds what changed, then runs the host node's command line. `./fabric.ps1 --help` lists the verbs.
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$out = Join-Path $root 'artifacts/fabric'
$stamp = Join-Path $root 'artifacts/.built'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:FABRIC_LAUNCHER = $PSCommandPath

function Test-Changed {
    if (-not (Test-Path $stamp)) { return $true }
    $built = (Get-Item $stamp).LastWriteTimeUtc
    $sources = @('src', 'driver', 'Directory.Build.props', 'Directory.Packages.props') |
        ForEach-Object { Join-Path $root $_ }
    $newer = Get-ChildItem -Path $sources -Recurse -File |
        Where-Object { $_.FullName -notmatch '[\\/](bin|obj)[\\/]' -and $_.LastWriteTimeUtc -gt $built } |
        Select-Object -First 1
    return $null -ne $newer
}

if (Test-Changed) {
    [Console]::Error.WriteLine('fabric: building')
    New-Item -ItemType Directory -Force (Join-Path $root 'artifacts') | Out-Null
    $project = Join-Path $root 'src/HostNode/HostNode.csproj'
    $log = & dotnet publish $project -c Release -o $out -v quiet -clp:NoSummary --nologo 2>&1
    if ($LASTEXITCODE -ne 0) {
        [Console]::Error.WriteLine(($log | Out-String) + 'fabric: the build failed')
        exit 1
    }
    Set-Content -Path $stamp -Value ''
}

& dotnet (Join-Path $out 'Fabric.HostNode.dll') @args
exit $LASTEXITCODE
