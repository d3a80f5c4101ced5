# Pester 5 checks of the module, for a machine with PowerShell: Invoke-Pester packaging/powershell
BeforeAll { Import-Module "$PSScriptRoot/Fabric/Fabric.psd1" -Force }

Describe 'Module Fabric' {
    It 'parses without an error' {
        $errors = $null
        [System.Management.Automation.Language.Parser]::ParseFile(
            "$PSScriptRoot/Fabric/Fabric.psm1", [ref] $null, [ref] $errors) | Out-Null
        $errors | Should -BeNullOrEmpty
    }

    It 'documents <_> with a synopsis and an example' -ForEach @(
        'Install-FabricHost', 'Get-FabricHost', 'Set-VMNetworkAdapterFabricPort',
        'Enable-FabricExtension', 'Test-FabricHost') {
        $help = Get-Help $_
        $help.Synopsis | Should -Not -BeNullOrEmpty
        $help.Examples | Should -Not -BeNullOrEmpty
    }

    It 'refuses port names that Hyper-V would refuse' {
        { Set-VMNetworkAdapterFabricPort -VMNetworkAdapter 1 -PortName ('x' * 49) } |
            Should -Throw
    }
}
