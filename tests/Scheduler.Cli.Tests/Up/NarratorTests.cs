using System.Text.Json;
using Scheduler.Cli.Up;
using Scheduler.Core.Quota;

namespace Scheduler.Cli.Tests.Up;

public sealed class NarratorTests
{
    [Theory]
    [InlineData("search/pod/ranker", "evicted  ns/p from n1, to make room")]
    [InlineData("gpu-health", "evicted  ns/p from n1, because its GPU is out of service")]
    public void An_eviction_says_what_it_was_for(string beneficiary, string told)
    {
        var narrator = new Narrator(TenantTree.Empty, () => TimeSpan.Zero, onLine: null);
        using var pod = JsonDocument.Parse($$"""
            {"metadata":{"uid":"u","namespace":"ns","name":"p","annotations":{"weir.scheduler/preempted-for":"{{beneficiary}}"} },
             "spec":{"nodeName":"n1","containers":[] } }
            """);
        narrator.Tell(new PodEvent(PodEventKind.Evicted, ObservedPod.Of(pod.RootElement)));
        Assert.EndsWith(told, narrator.Recent.Single().ToString(), StringComparison.Ordinal);
    }
}
