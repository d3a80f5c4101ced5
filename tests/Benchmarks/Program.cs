// `actors` measures the actor runtime; anything else is BenchmarkDotNet's own command line.
if (args is ["actors"])
{
    Fabric.Benchmarks.ActorMessaging.Run(Console.Out);
    return;
}

BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
