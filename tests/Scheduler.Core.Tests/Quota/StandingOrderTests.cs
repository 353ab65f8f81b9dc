using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Quota;

public class StandingOrderTests
{
    private static readonly Workload Base = Make.Waiting("m", "t", Make.Shape(1), priority: 5, submittedMinutesAgo: 10) with { StartedAt = Make.Now.AddMinutes(-5) };

    /// <summary>Each comes before <see cref="Base"/> by one rule, and would come after it by every later one.</summary>
    public static TheoryData<string> Rules => ["not preemptible", "not managed", "priority", "started", "submitted", "id"];

    [Theory, MemberData(nameof(Rules))]
    public void Earlier_rules_decide_first(string rule)
    {
        var late = Make.Now.AddMinutes(1);
        var first = rule switch
        {
            "not preemptible" => Base with { IsPreemptible = false, Priority = 0, StartedAt = late, SubmittedAt = late, Id = new("z") },
            "not managed" => Base with { IsManaged = false, Priority = 0, StartedAt = late, SubmittedAt = late, Id = new("z") },
            "priority" => Base with { Priority = 6, StartedAt = late, SubmittedAt = late, Id = new("z") },
            "started" => Base with { StartedAt = Base.StartedAt!.Value.AddSeconds(-1), SubmittedAt = late, Id = new("z") },
            "submitted" => Base with { SubmittedAt = Base.SubmittedAt.AddSeconds(-1), Id = new("z") },
            _ => Base with { Id = new("a") },
        };
        Assert.True(StandingOrder.Instance.Compare(first, Base) < 0);
        Assert.True(StandingOrder.Instance.Compare(Base, first) > 0);
    }

    [Fact]
    public void What_has_not_started_comes_after_what_has_and_equals_are_equal()
    {
        Assert.True(StandingOrder.Instance.Compare(Base, Base with { StartedAt = null }) < 0);
        Assert.Equal(0, StandingOrder.Instance.Compare(Base, Base with { Name = "other" }));
        Assert.Throws<ArgumentNullException>("x", () => StandingOrder.Instance.Compare(null, Base));
        Assert.Throws<ArgumentNullException>("y", () => StandingOrder.Instance.Compare(Base, null));
    }
}
