using System.Runtime.CompilerServices;

// Fuzzers and micro-benchmarks drive the parsers and caches themselves.
[assembly: InternalsVisibleTo("Fabric.Fuzz")]
[assembly: InternalsVisibleTo("Fabric.Benchmarks")]
