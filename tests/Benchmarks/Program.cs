using Fabric.Benchmarks;

// `fabric bench [--quick] [--json] [NAME...]`; `--micro` hands the rest to BenchmarkDotNet.
if (args is ["--micro", ..])
{
    BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args[1..]);
    return 0;
}

return BenchmarkCommand.Run(args, Console.Out, Console.Error);
