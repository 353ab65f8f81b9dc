using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Kubernetes;

public sealed class LeaseElectionTests : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private readonly BarrierTimeProvider _time = new();
    private readonly LeaseServer _server = new();
    private readonly List<Replica> _replicas = [];

    [Fact]
    public async Task The_first_one_creates_the_lease_and_leads()
    {
        var a = await StartAsync("a");
        Assert.True(a.Election.Term!.IsHeld);
        Assert.Equal(("a", 15, 0), (_server.Lease!.Spec.HolderIdentity, _server.Lease.Spec.LeaseDurationSeconds, _server.Lease.Spec.LeaseTransitions));
        Assert.Matches(@"^2026-01-01T00:00:00\.000000Z$", _server.Lease.Spec.RenewTime!);
    }

    [Fact]
    public async Task A_leader_renews_and_stays()
    {
        var a = await StartAsync("a");
        var term = a.Election.Term;
        for (var round = 0; round < 20; round++)
            await NextRoundAsync();
        Assert.Same(term, a.Election.Term);
        Assert.Equal("2026-01-01T00:00:40.000000Z", _server.Lease!.Spec.RenewTime);
        Assert.Equal("2026-01-01T00:00:00.000000Z", _server.Lease.Spec.AcquireTime);
    }

    [Fact]
    public async Task A_second_replica_stands_by_and_knows_who_leads()
    {
        await StartAsync("a");
        var b = await StartAsync("b");
        Assert.Null(b.Election.Term);
        Assert.Equal("a", b.Election.Holder);
    }

    [Fact]
    public async Task A_holder_is_judged_by_the_local_clock_and_not_by_the_times_in_its_record()
    {
        // The other machine's clock is a year ahead: its record must not keep the lease for a year.
        _server.Write(_ => new LeaseSpec { HolderIdentity = "gone", LeaseDurationSeconds = 15, RenewTime = "2027-01-01T00:00:00.000000Z", LeaseTransitions = 4 });
        var b = await StartAsync("b");
        for (var round = 0; round < 7; round++)
        {
            await NextRoundAsync();
            Assert.Null(b.Election.Term);
        }

        await NextRoundAsync();
        Assert.NotNull(b.Election.Term);
        Assert.Equal(5, _server.Lease!.Spec.LeaseTransitions);
    }

    [Fact]
    public async Task A_holder_whose_clock_is_far_behind_keeps_its_lease_as_long_as_it_renews()
    {
        var renewals = 0;
        _server.Write(_ => new LeaseSpec { HolderIdentity = "slow", LeaseDurationSeconds = 15, RenewTime = "2020-01-01T00:00:00.000000Z" });
        var b = await StartAsync("b");
        for (var round = 0; round < 30; round++)
        {
            var number = ++renewals;
            _server.Write(spec => spec with { RenewTime = $"2020-01-01T00:00:{number:00}.000000Z" });
            await NextRoundAsync();
            Assert.Null(b.Election.Term);
        }
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_stops_before_anybody_else_may_start()
    {
        var a = await StartAsync("a");
        var term = a.Election.Term!;
        _server.Failure = HttpStatusCode.InternalServerError;
        for (var second = 0; second < 8; second += 2)
            await NextRoundAsync();
        Assert.True(term.IsHeld);
        await NextRoundAsync();
        Assert.False(term.IsHeld);
        Assert.True(term.Lost.IsCancellationRequested);
        Assert.Null(a.Election.Term);
    }

    [Fact]
    public async Task A_leader_that_recovers_after_losing_leads_in_a_new_term()
    {
        var a = await StartAsync("a");
        var term = a.Election.Term!;
        _server.Failure = HttpStatusCode.InternalServerError;
        for (var round = 0; round < 6; round++)
            await NextRoundAsync();
        _server.Failure = null;
        await NextRoundAsync();
        Assert.NotNull(a.Election.Term);
        Assert.NotSame(term, a.Election.Term);
        Assert.False(term.IsHeld);
    }

    [Fact]
    public async Task A_leader_that_sees_another_holder_stops_at_once()
    {
        var a = await StartAsync("a");
        var term = a.Election.Term!;
        _server.Write(spec => spec with { HolderIdentity = "usurper" });
        await NextRoundAsync();
        Assert.False(term.IsHeld);
        Assert.Equal("usurper", a.Election.Holder);
    }

    [Fact]
    public async Task A_conflict_while_renewing_is_looked_at_again_and_does_not_end_the_term()
    {
        var a = await StartAsync("a");
        var term = a.Election.Term;
        _server.ConflictOnce = true;
        await NextRoundAsync();
        await NextRoundAsync();
        Assert.Same(term, a.Election.Term);
    }

    [Fact]
    public async Task At_shutdown_the_lease_is_released_and_the_next_one_starts_without_waiting()
    {
        var a = await StartAsync("a");
        var b = await StartAsync("b");
        var term = a.Election.Term!;
        await a.StopAsync();
        Assert.False(term.IsHeld);
        Assert.Equal("", _server.Lease!.Spec.HolderIdentity);
        await NextRoundAsync();
        Assert.NotNull(b.Election.Term);
    }

    [Fact]
    public async Task A_standby_that_stops_leaves_the_lease_alone()
    {
        await StartAsync("a");
        var b = await StartAsync("b");
        await b.StopAsync();
        Assert.Equal("a", _server.Lease!.Spec.HolderIdentity);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        _server.Dispose();
    }

    private async Task<Replica> StartAsync(string identity)
    {
        var election = new LeaseElection(_server.Client(_time), new LeaseSettings { Namespace = "ns", Name = "weir", Identity = identity },
            _time, NullLogger.Instance, () => 0);
        var replica = new Replica(election);
        _replicas.Add(replica);
        await _time.UntilArmedAsync(Retry);
        return replica;
    }

    private Task NextRoundAsync()
    {
        _time.Advance(Retry);
        return _time.UntilArmedAsync(Retry);
    }

    private sealed class Replica : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Replica(LeaseElection election)
        {
            Election = election;
            _run = election.RunAsync(_stop.Token);
        }

        public LeaseElection Election { get; }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _run;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
            Election.Dispose();
        }
    }
}
