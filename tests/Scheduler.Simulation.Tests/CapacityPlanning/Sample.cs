using Scheduler.Input;
using Scheduler.Simulation.CapacityPlanning;
using Scheduler.Simulation.Scenarios;
using Xunit;

namespace Scheduler.Simulation.Tests.CapacityPlanning;

/// <summary>A small scenario that more nodes make faster.</summary>
internal static class Sample
{
    public static Scenario Scenario(string more = "")
    {
        var errors = new FileErrors();
        var scenario = ScenarioReader.OfText("sample.yaml", $$"""
            apiVersion: weir.scheduler/v1
            kind: Scenario
            metadata: {name: sample}
            spec:
              horizon: 12h
              cluster:
              - {name: h100, count: 2, gpus: 8}
              workloads:
              - {name: query, tenant: search, arrivals: {pattern: poisson, perHour: 6}, duration: {distribution: exponential, mean: 50m}, shapes: [{gpus: 4}]}
              - {name: batch, tenant: guests, arrivals: {pattern: poisson, perHour: 1}, duration: 2h, shapes: [{gpus: 8}], grace: 1m}
              {{more}}
            ---
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: search}
            spec: {namespaces: [search], quotas: [{flavor: "*", guaranteed: 8, burst: 40}]}
            ---
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: guests}
            spec: {namespaces: [guests], quotas: [{flavor: "*", guaranteed: 0, burst: 40}]}
            """, errors);
        Assert.Empty(errors.ToLines());
        return scenario!;
    }

    public static Goal Goal(string text) => GoalParser.Parse(text, out var error) ?? throw new ArgumentException(error!.Message);

    public static Knob Knob(string text) => KnobParser.Parse(text, out var error) ?? throw new ArgumentException(error!.Message);

    public static CapacityPlan Plan(string[] goals, string[] knobs, bool runsAll = false, int seeds = 4) =>
        new(Scenario(), [.. goals.Select(Goal)], [.. knobs.Select(Knob)]) { Seed = 1, Seeds = seeds, RunsAll = runsAll };

    public static PlanReport Run(this CapacityPlan plan, int mostAtATime = 2)
    {
        var setups = plan.MakeSetups(out var mistakes);
        Assert.Empty(mistakes);
        return plan.Run(setups, mostAtATime, ended: null, TestContext.Current.CancellationToken);
    }
}
