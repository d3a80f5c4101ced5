# Hyper-V hosts in a Fabric network. Windows PowerShell 5.1 and PowerShell 7.
Set-StrictMode -Version 2.0

# Extensions with Fabric's contract: OVSEXT, and our own.
$script:ExtensionId = '583CC151-73EC-4A6A-8B47-578297AD7623',
    '6E2B4A5C-0D0B-4B57-9A40-7F3C1D5E8A21'
$script:ServiceName = 'Fabric'
$script:FirewallRule = 'Fabric-Cluster'
$script:ClusterPort = 2552
$script:PortNameMax = 48
$script:Virtualization = 'root\virtualization\v2'

function Get-FabricProgram {
    $found = Get-Command 'fabric.exe' -ErrorAction SilentlyContinue
    if ($found) { return $found.Source }
    $usual = Join-Path $env:ProgramFiles 'Fabric\fabric.exe'
    if (Test-Path $usual) { return $usual }
    throw 'fabric.exe is not installed: run the MSI, or put its folder on PATH.'
}

function Get-FabricExtensionOf {
    param([Parameter(Mandatory)] [string] $SwitchName)
    Get-VMSwitchExtension -VMSwitchName $SwitchName |
        Where-Object { $_.Id.Trim('{', '}') -in $script:ExtensionId } |
        Sort-Object Enabled -Descending | Select-Object -First 1
}

<#
.SYNOPSIS
Makes this Hyper-V host a Fabric host.
.DESCRIPTION
Writes the configuration if there is none, opens the cluster's port, enables the forwarding
extension on the virtual switch, installs the service (automatic start, restart after a crash) and
starts it. Running it again changes only what differs.
.PARAMETER SwitchName
The external virtual switch that machines are connected to.
.PARAMETER EncapIp
The address of this host that other hosts reach: the end of its tunnels.
.PARAMETER Seed
Addresses of hosts that are in the cluster already; none forms a new cluster.
.PARAMETER HostId
What the cluster calls this host, and its certificate: by default the computer's name in small
letters.
.PARAMETER CertificateFolder
Where ca.pem and this host's own .pem and .key are, as `fabric pki issue` makes them; by default
%ProgramData%\Fabric\pki.
.PARAMETER ConfigurationPath
Where the configuration is; by default below %ProgramData%\Fabric.
.EXAMPLE
Install-FabricHost -SwitchName 'vs0' -EncapIp 192.0.2.10
The first host of a new cluster.
.EXAMPLE
Install-FabricHost -SwitchName 'vs0' -EncapIp 192.0.2.11 -Seed 192.0.2.10
A further host.
#>
function Install-FabricHost {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $SwitchName,
        [Parameter(Mandatory)] [System.Net.IPAddress] $EncapIp,
        [string[]] $Seed = @(),
        [string] $HostId = $env:COMPUTERNAME.ToLowerInvariant(),
        [string] $CertificateFolder = (Join-Path $env:ProgramData 'Fabric\pki'),
        [string] $ConfigurationPath = (Join-Path $env:ProgramData 'Fabric\fabric.conf')
    )

    foreach ($file in 'ca.pem', "$HostId.pem", "$HostId.key") {
        if (-not (Test-Path (Join-Path $CertificateFolder $file))) {
            throw ("$file is not in $($CertificateFolder): make it with fabric pki issue where " +
                'the authority is, and copy it here.')
        }
    }

    $program = Get-FabricProgram
    $form = if ($Seed.Count -eq 0) { 'on' } else { 'off' }
    $seeds = ($Seed | ForEach-Object { '"' + $_ + '"' }) -join ', '
    $pki = $CertificateFolder.Replace('\', '/')
    $text = @"
fabric {
  host.id = "$HostId"
  datapath.system = ovsext
  chassis { encap-ip = "$EncapIp", encap-type = geneve }
  cluster {
    address = "$EncapIp"
    form = $form
    seeds = [$seeds]
    tls { ca = "$pki/ca.pem", certificate = "$pki/$HostId.pem", key = "$pki/$HostId.key" }
  }
}
"@
    if ($PSCmdlet.ShouldProcess($ConfigurationPath, 'Write configuration')) {
        $folder = Split-Path $ConfigurationPath
        if (-not (Test-Path $folder)) { New-Item -ItemType Directory $folder | Out-Null }
        if ((Test-Path $ConfigurationPath) -and
            (Get-Content $ConfigurationPath -Raw) -match '(?m)^\s*chassis\s*\{') {
            Write-Verbose "$ConfigurationPath names a chassis already and is kept."
        } else {
            Set-Content -Path $ConfigurationPath -Value $text -Encoding UTF8
        }
    }

    if (-not (Get-NetFirewallRule -Name $script:FirewallRule -ErrorAction SilentlyContinue) -and
        $PSCmdlet.ShouldProcess($script:FirewallRule, 'Open the port of the cluster')) {
        New-NetFirewallRule -Name $script:FirewallRule -DisplayName 'Fabric cluster' `
            -Direction Inbound -Action Allow -Protocol TCP -LocalPort $script:ClusterPort `
            -Program $program | Out-Null
    }

    Enable-FabricExtension -SwitchName $SwitchName
    if ($PSCmdlet.ShouldProcess($script:ServiceName, 'Install and start service')) {
        & $program service install --config $ConfigurationPath
        if ($LASTEXITCODE -ne 0) { throw "fabric service install: exit code $LASTEXITCODE" }
        # The MSI has started it with an empty configuration: it reads this one now.
        Restart-Service $script:ServiceName
    }
}

<#
.SYNOPSIS
Shows this host as Fabric sees it.
.DESCRIPTION
The service, the switch with the extension, the ports of virtual machines and the cluster.
.EXAMPLE
Get-FabricHost | Format-List
#>
function Get-FabricHost {
    [CmdletBinding()]
    param()

    $service = Get-Service $script:ServiceName -ErrorAction SilentlyContinue
    $switches = @(Get-VMSwitch | Where-Object {
        Get-FabricExtensionOf $_.Name | Where-Object Enabled })
    $cluster = $null
    if ($service -and $service.Status -eq 'Running') {
        $cluster = (& (Get-FabricProgram) cluster show) -join [Environment]::NewLine
    }

    [pscustomobject]@{
        Service = if ($service) { [string] $service.Status } else { 'not installed' }
        Switch = @($switches | ForEach-Object Name)
        Port = @(Get-CimInstance -Namespace $script:Virtualization `
            -ClassName Msvm_EthernetPortAllocationSettingData |
            Where-Object { $_.InstanceID -notlike '*Definition*' } |
            ForEach-Object ElementName)
        Cluster = $cluster
    }
}

<#
.SYNOPSIS
Gives the switch port of a virtual machine's network adapter the name that Fabric knows it by.
.DESCRIPTION
The service names ports that nobody named by itself (MACHINE-eth0). This is for names of one's
own. The adapter is disconnected while its port is renamed, and connected again.
.PARAMETER VMNetworkAdapter
The adapter, from Get-VMNetworkAdapter.
.PARAMETER PortName
1 to 48 characters, unique on this host.
.EXAMPLE
Get-VMNetworkAdapter web | Set-VMNetworkAdapterFabricPort -PortName web-eth0
#>
function Set-VMNetworkAdapterFabricPort {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, ValueFromPipeline)] $VMNetworkAdapter,
        [Parameter(Mandatory)] [ValidateLength(1, 48)] [string] $PortName
    )

    process {
        $ports = @(Get-CimInstance -Namespace $script:Virtualization `
            -ClassName Msvm_EthernetPortAllocationSettingData)
        if ($ports | Where-Object ElementName -eq $PortName) {
            throw "A port is named $PortName already."
        }

        $id = $VMNetworkAdapter.Id
        $port = $ports | Where-Object { $_.InstanceID -like "$id\*" } | Select-Object -First 1
        if (-not $port) { throw "The adapter $($VMNetworkAdapter.Name) has no switch port." }
        if (-not $PSCmdlet.ShouldProcess($VMNetworkAdapter.Name, "Name port $PortName")) { return }

        $switchName = $VMNetworkAdapter.SwitchName
        if ($switchName) { $VMNetworkAdapter | Disconnect-VMNetworkAdapter }
        try {
            $port.ElementName = $PortName
            $serializer = [Microsoft.Management.Infrastructure.Serialization.CimSerializer]::Create()
            $bytes = $serializer.Serialize(
                $port,
                [Microsoft.Management.Infrastructure.Serialization.InstanceSerializationOptions]::None)
            $service = Get-CimInstance -Namespace $script:Virtualization `
                -ClassName Msvm_VirtualSystemManagementService
            $result = Invoke-CimMethod -InputObject $service -MethodName ModifyResourceSettings `
                -Arguments @{ ResourceSettings = @([Text.Encoding]::Unicode.GetString($bytes)) }
            if ($result.ReturnValue -notin 0, 4096) {
                throw "Hyper-V refuses the name (code $($result.ReturnValue))."
            }
        } finally {
            if ($switchName) {
                $VMNetworkAdapter | Connect-VMNetworkAdapter -SwitchName $switchName
            }
        }
    }
}

<#
.SYNOPSIS
Enables the forwarding extension on a virtual switch.
.PARAMETER SwitchName
The virtual switch; only one on a host can have the extension.
.EXAMPLE
Enable-FabricExtension -SwitchName vs0
#>
function Enable-FabricExtension {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string] $SwitchName)

    $extension = Get-FabricExtensionOf $SwitchName
    if (-not $extension) {
        throw ('No driver of an extension is installed: netcfg -l ovsext.inf -c s -i OVSExt, ' +
            'or netcfg -l fabricext.inf -c s -i FabricExt.')
    }

    $other = Get-VMSwitch | Where-Object Name -ne $SwitchName |
        Where-Object { Get-FabricExtensionOf $_.Name | Where-Object Enabled }
    if ($other) { throw "The extension is enabled on $($other.Name) already: one switch only." }
    if ($extension.Enabled) { return }
    if ($PSCmdlet.ShouldProcess($SwitchName, 'Enable extension')) {
        $extension | Enable-VMSwitchExtension | Out-Null
    }
}

<#
.SYNOPSIS
Checks everything that a Fabric host needs; one object for each check.
.DESCRIPTION
Nothing is changed. A failed check says in Remedy what to do.
.EXAMPLE
Test-FabricHost | Where-Object { -not $_.Passed }
#>
function Test-FabricHost {
    [CmdletBinding()]
    param()

    function Check {
        param([string] $Name, [scriptblock] $Holds, [string] $Remedy)
        $passed = $false
        try { $passed = [bool] (& $Holds) } catch { $Remedy = "$Remedy ($_)" }
        [pscustomobject]@{
            Check = $Name; Passed = $passed; Remedy = if ($passed) { '' } else { $Remedy }
        }
    }

    Check 'administrator' {
        $me = [Security.Principal.WindowsPrincipal]`
            [Security.Principal.WindowsIdentity]::GetCurrent()
        $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    } 'Start PowerShell as administrator.'
    Check 'Windows Server 2016 or later' {
        [Environment]::OSVersion.Version -ge [Version] '10.0.14393'
    } 'Windows Server 2012 and 2012 R2 are not supported.'
    Check 'Hyper-V' { Get-Command Get-VMSwitch -ErrorAction Stop } `
        'Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart'
    Check 'program' { Test-Path (Get-FabricProgram) } 'Install the Fabric MSI.'
    Check 'driver' {
        Get-VMSwitch | Where-Object { Get-FabricExtensionOf $_.Name }
    } 'netcfg -l ovsext.inf -c s -i OVSExt, or netcfg -l fabricext.inf -c s -i FabricExt'
    Check 'extension enabled' {
        Get-VMSwitch | Where-Object {
            Get-FabricExtensionOf $_.Name | Where-Object Enabled }
    } 'Enable-FabricExtension -SwitchName NAME'
    Check 'port of the cluster is open' {
        (Get-NetFirewallRule -Name $script:FirewallRule -ErrorAction Stop).Enabled -eq 'True'
    } 'Install-FabricHost opens TCP 2552, by which hosts find each other.'
    Check 'service runs' {
        (Get-Service $script:ServiceName -ErrorAction Stop).Status -eq 'Running'
    } 'Start-Service Fabric; errors are in the Application event log, source Fabric.'
    Check 'port names are unique' {
        $names = Get-CimInstance -Namespace $script:Virtualization `
            -ClassName Msvm_EthernetPortAllocationSettingData |
            Where-Object { $_.InstanceID -notlike '*Definition*' } | ForEach-Object ElementName
        -not ($names | Group-Object | Where-Object Count -gt 1)
    } 'The service names ports by itself while it runs; see Set-VMNetworkAdapterFabricPort.'
}

Export-ModuleMember -Function Install-FabricHost, Get-FabricHost, `
    Set-VMNetworkAdapterFabricPort, Enable-FabricExtension, Test-FabricHost
