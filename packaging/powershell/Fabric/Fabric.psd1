@{
    RootModule = 'Fabric.psm1'
    ModuleVersion = '0.1.0'
    GUID = '6d1b7b5e-5b0e-4e7c-9c33-7a1e0c6c2f20'
    Author = 'The Fabric authors'
    CompanyName = 'The Fabric authors'
    Description = 'Hyper-V hosts in a Fabric network: installation, extension, ports, checks.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Install-FabricHost', 'Get-FabricHost', 'Set-VMNetworkAdapterFabricPort',
        'Enable-FabricExtension', 'Test-FabricHost')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
