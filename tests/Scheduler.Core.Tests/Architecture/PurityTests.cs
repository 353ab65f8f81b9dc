using System.Reflection;
using Scheduler.Core.Planning;
using Xunit;

namespace Scheduler.Core.Tests.Architecture;

/// <summary>What the banned symbols cannot say about the core.</summary>
public class PurityTests
{
    private static readonly Assembly Core = typeof(Planner).Assembly;

    [Fact]
    public void The_core_references_nothing_but_the_base_class_library()
    {
        var foreign = Core.GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && name is not ("System" or "netstandard"));

        Assert.Empty(foreign);
    }

    [Theory]
    [InlineData("System.Net")]
    [InlineData("System.IO.FileSystem")]
    [InlineData("System.Threading.Tasks.Parallel")]
    [InlineData("System.Console")]
    [InlineData("System.Diagnostics.Process")]
    public void The_core_references_no_assembly_for_the_outside_world(string prefix) =>
        Assert.DoesNotContain(
            Core.GetReferencedAssemblies(), name => name.Name!.StartsWith(prefix, StringComparison.Ordinal));

    [Fact]
    public void Nothing_in_the_core_holds_mutable_static_state()
    {
        var mutable = Core.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsInitOnly && !field.IsLiteral && !field.Name.Contains('<', StringComparison.Ordinal))
            .Select(field => $"{field.DeclaringType}.{field.Name}");

        Assert.Empty(mutable);
    }

    [Fact]
    public void Decisions_are_a_closed_set()
    {
        var constructors = typeof(Decision).GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        var kinds = Core.GetTypes().Where(type => type.IsSubclassOf(typeof(Decision))).ToArray();

        // private protected: nobody outside the assembly can derive. The copy constructor of a record is protected.
        Assert.Contains(constructors, constructor => constructor.IsFamilyAndAssembly);
        Assert.DoesNotContain(constructors, constructor => constructor.IsPublic);
        Assert.Equal(["Bind", "Evict", "Reserve", "Wait", "Withdraw"], kinds.Select(type => type.Name).Order());
        Assert.All(kinds, type => Assert.True(type.IsSealed));
    }
}
