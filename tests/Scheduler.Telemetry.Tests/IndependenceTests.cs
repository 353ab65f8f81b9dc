using Scheduler.Telemetry.Health;
using Xunit;

namespace Scheduler.Telemetry.Tests;

public class IndependenceTests
{
    [Fact]
    public void The_library_references_nothing_but_the_base_class_library_and_nothing_of_the_outside_world()
    {
        var referenced = typeof(GpuHealth).Assembly.GetReferencedAssemblies().Select(name => name.Name!).ToArray();
        Assert.All(referenced, name => Assert.StartsWith("System.", name, StringComparison.Ordinal));
        Assert.DoesNotContain(referenced, name => name.StartsWith("System.Net", StringComparison.Ordinal) || name.StartsWith("System.Diagnostics.Process", StringComparison.Ordinal));
    }
}
