using System.Reflection;

namespace Scheduler.Daemon.Hosting;

/// <summary>Which version of Weir this is.</summary>
public static class ProgramVersion
{
    /// <summary>The version, and the commit that it was built from if the build knew it.</summary>
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
