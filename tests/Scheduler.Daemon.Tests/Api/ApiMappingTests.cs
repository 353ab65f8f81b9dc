using Scheduler.Daemon.Api;

namespace Scheduler.Daemon.Tests.Api;

public class ApiMappingTests
{
    [Fact]
    public void Every_reason_of_the_planner_has_its_own_in_the_api()
    {
        var reasons = Enum.GetValues<Core.Planning.WaitReason>();
        var mapped = reasons.Select(ApiMapping.Reason).ToList();
        Assert.Equal(reasons.Length, mapped.Distinct().Count());
        Assert.DoesNotContain(Weir.V1.WaitReason.Unspecified, mapped);
        Assert.Contains(Weir.V1.WaitReason.WaitingForVictims, mapped);
    }
}
