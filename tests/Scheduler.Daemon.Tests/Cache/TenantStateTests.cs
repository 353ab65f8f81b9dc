using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Cache;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Cache;

public class TenantStateTests
{
    private readonly TenantState _state = new();

    [Fact]
    public void A_valid_set_is_in_force()
    {
        Assert.True(_state.Replace([Tenant("a", "ns-a", 4), Tenant("b", "ns-b", 2)]));
        Assert.All(_state.Verdicts, verdict => Assert.True(verdict.IsAccepted));
        Assert.Equal(new TenantId("b"), _state.Tree.OwnerOf("ns-b"));
    }

    [Fact]
    public void An_invalid_set_keeps_the_last_accepted_one_and_says_why_where_it_matters()
    {
        _state.Replace([Tenant("a", "ns-a", 4), Tenant("b", "ns-b", 2)]);
        Assert.False(_state.Upsert(Tenant("b", "ns-a", 2, generation: 2, parent: "nobody")));
        Assert.Equal(new TenantId("b"), _state.Tree.OwnerOf("ns-b"));
        Assert.Equal(2, _state.Errors.Length);
        Assert.Equal([true, false], _state.Verdicts.Select(verdict => verdict.IsAccepted));
        Assert.Contains("nobody", _state.Verdicts[1].Message, StringComparison.Ordinal);
        Assert.Contains("ns-a", _state.Verdicts[1].Message, StringComparison.Ordinal);
        // Another change, valid by itself, waits for the set to be mended.
        _state.Upsert(Tenant("a", "ns-a", 8, generation: 2));
        Assert.Equal("SetRefused", _state.Verdicts[0].Reason);
        Assert.True(_state.Upsert(Tenant("b", "ns-b", 2, generation: 3)));
        Assert.All(_state.Verdicts, verdict => Assert.True(verdict.IsAccepted));
    }

    [Fact]
    public void Before_the_first_accepted_set_one_mistake_does_not_leave_the_others_without_a_tenant()
    {
        Assert.True(_state.Replace([Tenant("a", "ns-a", 4), Tenant("b", "ns-b", 2, parent: "nobody"), Tenant("c", "ns-c", 2, parent: "b")]));
        Assert.Equal(["a"], _state.Tree.Nodes.Select(node => node.Id.Value));
        Assert.Equal([true, false, false], _state.Verdicts.Select(verdict => verdict.IsAccepted));
    }

    [Fact]
    public void What_cannot_be_read_in_one_tenant_is_its_error()
    {
        var broken = Tenant("b", "ns-b", 2, generation: 2) with { Errors = [new ConfigurationError("tenant/b.quotas[0].burst", "is odd")] };
        _state.Replace([Tenant("a", "ns-a", 4), Tenant("b", "ns-b", 2)]);
        _state.Upsert(broken);
        Assert.Equal("tenant/b.quotas[0].burst: is odd", _state.Verdicts[1].Message);
    }

    [Fact]
    public void An_error_of_a_tenant_whose_name_begins_like_another_is_not_the_others()
    {
        _state.Replace([Tenant("a", "ns-a", 4), Tenant("a.quotas", "ns-b", 2, parent: "nobody")]);
        Assert.Equal([true, false], _state.Verdicts.Select(verdict => verdict.IsAccepted));
    }

    [Fact]
    public void A_status_write_changes_nothing() => Assert.False(With(Tenant("a", "ns-a", 4)).Upsert(Tenant("a", "ns-a", 4)));

    [Fact]
    public void A_deleted_tenant_is_gone()
    {
        var state = With(Tenant("a", "ns-a", 4));
        Assert.True(state.Delete(Tenant("a", "ns-a", 4)));
        Assert.Null(state.Tree.OwnerOf("ns-a"));
    }

    private TenantState With(Scheduler.Daemon.Kubernetes.Mapping.TenantRecord record)
    {
        _state.Replace([record]);
        return _state;
    }
}
