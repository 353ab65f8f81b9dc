namespace Scheduler.TestKit;

/// <summary>Where things are in the checkout that the running test was built from.</summary>
public static class Repository
{
    /// <summary>The folder of Scheduler.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path inside the checkout.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>
    /// The folder of public traces: the environment variable WEIR_TRACES, else ../shared/traces beside the checkout;
    /// null where neither is there. The traces are not part of the project, so a test that reads them skips without them.
    /// </summary>
    public static string? TracesOrNull() => SharedOrNull("WEIR_TRACES", "traces");

    /// <summary>The folder of samples of other programs' output, in the same way: WEIR_SAMPLES, else ../shared/samples.</summary>
    public static string? SamplesOrNull() => SharedOrNull("WEIR_SAMPLES", "samples");

    private static string? SharedOrNull(string variable, string folder)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } configured)
            return Directory.Exists(configured) ? configured : null;
        var beside = Path.GetFullPath(Path.Combine(Root, "..", "shared", folder));
        return Directory.Exists(beside) ? beside : null;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Scheduler.sln"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"no folder above {AppContext.BaseDirectory} holds Scheduler.sln");
    }
}
