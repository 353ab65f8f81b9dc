using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Loop;

public class BindingCheckTests
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Overdue = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_binding_that_the_api_server_does_not_know_gives_its_room_back()
    {
        await using var fixture = new WriterFixture();
        await AssumeAsync(fixture);
        fixture.Server.Answer("""{"metadata":{"name":"p","namespace":"ns","uid":"uid-p"},"spec":{}}""");
        fixture.Time.Advance(Overdue);
        await fixture.Server.NextRequestAsync();
        await fixture.Time.UntilArmedAsync(Every);
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public async Task Neither_a_yes_nor_silence_gives_room_back()
    {
        await using var fixture = new WriterFixture();
        await AssumeAsync(fixture);
        fixture.Server.Refuse(HttpStatusCode.ServiceUnavailable)
            .Answer("""{"metadata":{"name":"p","namespace":"ns","uid":"uid-p"},"spec":{"nodeName":"n0"}}""");
        for (var time = 0; time < 2; time++)
        {
            fixture.Time.Advance(Overdue);
            await fixture.Server.NextRequestAsync();
            await fixture.Time.UntilArmedAsync(Every);
            Assert.Equal(1, fixture.Cache.AssumedCount);
        }
    }

    private static async Task AssumeAsync(WriterFixture fixture)
    {
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        var view = fixture.Cache.View();
        var plan = Core.Planning.Planner.Compute(view.Snapshot, Core.Planning.SchedulingPolicy.Default);
        Assert.Null(fixture.Cache.TryAssume(Assert.Single(plan.Decisions.OfType<Core.Planning.Bind>()), out _));
        fixture.Cache.FinishBinding(new PodId("uid-p"));
        var binder = new PodBinder(fixture.Server.Client(fixture.Time), new BinderSettings(), fixture.Time, NullLogger.Instance, () => 1);
        fixture.Run(new BindingCheck(binder, fixture.Cache, fixture.Time, NullLogger.Instance).RunAsync);
        await fixture.Time.UntilArmedAsync(Every);
    }
}
