using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Core.Tests.Properties;

/// <summary>Something that happens to a cluster. Closed.</summary>
public abstract record Happening
{
    /// <summary>A workload comes.</summary>
    public sealed record Arrival(Workload Workload) : Happening
    {
        public override string ToString() => WorkloadText.Write(Workload);
    }

    /// <summary>A workload ends, whichever is at a place of the list, counted around.</summary>
    public sealed record End(int Which) : Happening;

    /// <summary>Time passes; what has reached its expected duration ends.</summary>
    public sealed record Passing(int Seconds) : Happening;

    /// <summary>A node is cordoned, or opened again.</summary>
    public sealed record Cordon(int Which) : Happening;
}

/// <summary>A cluster, and what happens to it one after the other. After each a cycle plans.</summary>
public sealed record Story(ClusterCase Start, ImmutableArray<Happening> Happenings)
{
    public override string ToString()
    {
        var text = new StringBuilder(Start.ToString());
        foreach (var happening in Happenings)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  then {happening}");
        }

        return text.ToString();
    }

    /// <summary>Lets it happen. Each plan is checked, and shown together with the cluster that it led to.</summary>
    public void Play(Action<LivingCluster, Plan> show)
    {
        var cluster = Start.Living();
        show(cluster, cluster.Cycle());
        foreach (var happening in Happenings)
        {
            Happen(cluster, happening);
            show(cluster, cluster.Cycle());
        }
    }

    private static void Happen(LivingCluster cluster, Happening happening)
    {
        switch (happening)
        {
            case Happening.Arrival arrival:
                cluster.Submit(arrival.Workload);
                break;
            case Happening.End end when cluster.Workloads.Count > 0:
                cluster.End(cluster.Workloads.ElementAt(end.Which % cluster.Workloads.Count).Id);
                break;
            case Happening.Passing passing:
                cluster.Pass(TimeSpan.FromSeconds(passing.Seconds));
                cluster.EndDue();
                break;
            case Happening.Cordon cordon:
                var node = cordon.Which % cluster.Nodes.Length;
                cluster.Nodes = cluster.Nodes.SetItem(node, cluster.Nodes[node] with { IsCordoned = !cluster.Nodes[node].IsCordoned });
                break;
        }
    }
}

/// <summary>How stories are made and shrunk.</summary>
public static class Stories
{
    public static Arbitrary<Story> Arbitrary() => Arb.From(Generator, Shrink);

    private static Gen<Story> Generator =>
        from start in ClusterCases.Generator
        from length in Gen.Choose(1, 12)
        from happenings in Gen.CollectToArray(Enumerable.Range(0, length), index => HappeningGen(index, start.Tenants))
        select new Story(start, [.. happenings]);

    private static Gen<Happening> HappeningGen(int index, ImmutableArray<Tenant> tenants) =>
        from kind in Gen.Choose(0, 9)
        from which in Gen.Choose(0, 30)
        from seconds in Gen.Elements(0, 30, 120, 600)
        from workload in ClusterCases.WorkloadGen(50 + index, tenants)
        select kind switch
        {
            < 4 => new Happening.Arrival(workload with { StartedAt = null, CheckpointedAt = null }),
            < 6 => new Happening.End(which),
            < 9 => new Happening.Passing(seconds),
            _ => (Happening)new Happening.Cordon(which),
        };

    private static IEnumerable<Story> Shrink(Story value)
    {
        for (var kept = 0; kept < value.Happenings.Length; kept++)
        {
            yield return value with { Happenings = value.Happenings[..kept] };
        }

        for (var index = 0; index < value.Happenings.Length; index++)
        {
            yield return value with { Happenings = value.Happenings.RemoveAt(index) };
        }

        foreach (var start in ClusterCases.Shrink(value.Start))
        {
            yield return value with { Start = start };
        }
    }
}
