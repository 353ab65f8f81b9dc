using System.Globalization;
using System.Runtime.CompilerServices;
using FsCheck.Xunit;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// A property over generated clusters: 200 cases from a fixed seed, so that the suite gives the same result every time.
/// WEIR_CASES sets another number, WEIR_SEED another seed (or "random"); a failure prints the seed that replays it.
/// </summary>
public sealed class CasesAttribute : PropertyAttribute
{
    private const string FixedSeed = "20261124,20261125";

    public CasesAttribute([CallerFilePath] string? sourceFile = null, [CallerLineNumber] int sourceLine = -1)
    {
        // The base class takes no source information; xunit asks every attribute for the parameters all the same.
        _ = (sourceFile, sourceLine);
        Arbitrary = [typeof(ClusterCases), typeof(Stories), typeof(DivisionCases)];
        MaxTest = int.TryParse(Environment.GetEnvironmentVariable("WEIR_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var cases)
            ? cases
            : 200;
        var seed = Environment.GetEnvironmentVariable("WEIR_SEED");
        if (seed != "random")
        {
            Replay = string.IsNullOrEmpty(seed) ? FixedSeed : seed;
        }
    }
}
