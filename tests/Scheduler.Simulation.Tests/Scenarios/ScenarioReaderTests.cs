using Scheduler.Input;
using Scheduler.Simulation.Checking;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Scenarios;
using Scheduler.Simulation.Schedulers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.Simulation.Tests.Scenarios;

public class ScenarioReaderTests
{
    private const string Tenants =
        """
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: lab}
        spec: {namespaces: [lab], quotas: [{flavor: "*", guaranteed: 8}]}
        """;

    private static Scenario? Read(string spec, FileErrors errors) => ScenarioReader.OfText(
        "scenario.yaml", $"apiVersion: weir.scheduler/v1\nkind: Scenario\nmetadata: {{name: test}}\nspec:\n{spec}\n{Tenants}", errors);

    private static Scenario Good(string spec)
    {
        var errors = new FileErrors();
        var scenario = Read(spec, errors);
        Assert.Empty(errors.ToLines());
        return scenario!;
    }

    [Theory]
    [InlineData("{pattern: regular, every: 1ms, until: 999d}", "about 86313600000 jobs")]
    [InlineData("{pattern: poisson, perHour: 1000000, until: 10h}", "about 10000000 jobs")]
    public void More_jobs_than_can_be_simulated_are_refused_before_they_are_made(string arrivals, string about)
    {
        var errors = new FileErrors();
        Read($"  cluster: [{{name: n, gpus: 8}}]\n  workloads: [{{name: w, tenant: lab, arrivals: {arrivals}, duration: 1h, shapes: [{{gpus: 1}}]}}]", errors);

        var line = Assert.Single(errors.ToLines());
        Assert.StartsWith("scenario.yaml:6: scenario.workloads[0].arrivals.pattern: brings " + about, line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_count_bounds_what_would_be_too_many()
    {
        var scenario = Good("  cluster: [{name: n, gpus: 8}]\n  workloads: [{name: w, tenant: lab, arrivals: {pattern: regular, every: 1ms, until: 999d, count: 5}, duration: 1h, shapes: [{gpus: 1}]}]");

        Assert.Equal(5, scenario.Make(1).Jobs.Length);
    }

    [Fact]
    public void A_mistake_in_the_nodes_is_not_told_a_second_time_as_guarantees_without_room()
    {
        var errors = new FileErrors();
        Read("  cluster: [{name: n, gpus: 1000000000000000000}]\n  workloads: [{name: w, tenant: lab, arrivals: {pattern: burst, count: 1}, duration: 1h, shapes: [{gpus: 1}]}]", errors);

        Assert.Contains("scenario.cluster[0].gpus: is '1000000000000000000'", Assert.Single(errors.ToLines()), StringComparison.Ordinal);
    }

    [Fact]
    public void MIG_taints_topology_and_a_tree_of_tenants_are_said_as_the_planner_knows_them()
    {
        var errors = new FileErrors();
        var scenario = ScenarioReader.OfText(
            "scenario.yaml",
            """
            apiVersion: weir.scheduler/v1
            kind: Scenario
            metadata: {name: test}
            spec:
              cluster:
              - {name: mig, count: 1, mig: {1g.5gb: 7}}
              - {name: rack, count: 8, gpus: 2, domains: {example.com/zone: 4, example.com/rack: 2}, taints: ["dedicated=gangs:NoSchedule"]}
              workloads:
              - {name: slice, tenant: leaf, namespace: second, arrivals: {pattern: burst, count: 8}, duration: 1h, shapes: [{mig: {1g.5gb: 1}}]}
              - {name: together, tenant: leaf, topology: required=rack, arrivals: {pattern: burst, count: 3}, duration: 1h, shapes: [{pods: 2, gpus: 2, tolerations: ["dedicated=gangs"]}]}
              - {name: apart, tenant: leaf, topology: preferred=example.com/zone, arrivals: {pattern: burst, from: 3h, count: 1}, duration: 1h, shapes: [{pods: 2, gpus: 2}]}
            ---
            apiVersion: weir.scheduler/v1
            kind: SchedulingPolicy
            topologyLevels: [example.com/zone, example.com/rack]
            ---
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: top}
            spec: {quotas: [{flavor: "*", guaranteed: 17}]}
            ---
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: leaf}
            spec: {parent: top, namespaces: [first, second], quotas: [{flavor: "*", guaranteed: 16}]}
            """,
            errors);
        Assert.Empty(errors.ToLines());
        var scheduler = new WeirScheduler(scenario!.Policy);
        var (collector, checker) = (new ResultCollector("weir", keepsRuns: true), new InvariantChecker(scheduler));
        Simulator.Run(scenario.Make(1), scheduler, [collector, checker], TestContext.Current.CancellationToken);

        Assert.Empty(checker.Violations);
        var runs = collector.Result.Runs!.Value;
        // Of eight instances a device has seven; the eighth comes after them.
        Assert.Equal((7, 1), (runs.Count(run => run.Job.StartsWith("second/slice", StringComparison.Ordinal) && run.FromSeconds == 0),
            runs.Count(run => run.Job.StartsWith("second/slice", StringComparison.Ordinal) && run.FromSeconds == 3600)));
        Assert.All(
            runs.Where(run => run.Job.StartsWith("first/together", StringComparison.Ordinal)),
            run => Assert.Single(run.Nodes.Select(node => (int.Parse(node[^5..], System.Globalization.CultureInfo.InvariantCulture) - 1) / 2).Distinct()));
        Assert.DoesNotContain(runs, run => run.Job.StartsWith("first/apart", StringComparison.Ordinal));
        Assert.Equal(["top", "leaf"], collector.Result.Tenants.Select(tenant => tenant.Name));
    }

    [Fact]
    public void Mistakes_in_MIG_taints_and_topology_are_told()
    {
        var errors = new FileErrors();
        Read(
            """
              cluster:
              - {name: a, mig: {8g.5gb: 1, 1g.5gb: 0}, taints: [dedicated], labels: {rack: r1}, domains: {rack: 2}}
              workloads:
              - {name: w, tenant: lab, topology: rack, arrivals: {pattern: burst, count: 1}, duration: 1h, shapes: [{gpus: 1, mig: {1g.5gb: 1, 2g.10gb: 1}}]}
              - {name: v, tenant: lab, topology: required=rack, arrivals: {pattern: burst, count: 1}, duration: 1h, shapes: [{gpus: 1, tolerations: ["a b"]}]}
            """,
            errors);

        Assert.Equal(
            [
                "scenario.yaml:6: scenario.cluster[0].mig.8g.5gb: '8g.5gb' is not a MIG profile; it starts with 1g to 7g, like 3g.40gb",
                "scenario.yaml:6: scenario.cluster[0].mig.1g.5gb: is '0'; it must be a whole number from 1 to 10000",
                "scenario.yaml:6: scenario.cluster[0].taints: 'dedicated' is not a taint such as dedicated=search:NoSchedule; the effects are NoSchedule, PreferNoSchedule, NoExecute",
                "scenario.yaml:6: scenario.cluster[0].domains.rack: stands in labels too, with one value for all nodes; keep one of the two",
            ],
            errors.ToLines().Where(line => line.Contains(":6:", StringComparison.Ordinal)));
        var others = string.Join('\n', errors.ToLines());
        Assert.All(
            [
                "scenario.workloads[0].topology: 'rack' is neither required=LEVEL nor preferred=LEVEL",
                "scenario.workloads[0].shapes[0].mig: stands beside gpus; keep one of them",
                "scenario.workloads[0].shapes[0].mig: names 2 profiles",
                "scenario.workloads[1].shapes[0].tolerations: 'a b' is not a toleration",
            ],
            expected => Assert.Contains(expected, others, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_mistake_is_told_at_once_with_its_line_its_field_and_what_would_mend_it()
    {
        var errors = new FileErrors();
        var scenario = Read(
            """
              horizn: 1d
              cluster:
              - {name: a, count: 2, gpus: 4}
              workloads:
              - name: train
                tenant: lap
                arrivals: {pattern: poisson}
                duration: {distribution: lognormal, median: 1h}
                shapes: [{gpus: 1, fraction: 0.5}]
                checkpointEvery: soon
              - name: train
                tenant: lab
                arrivals: {pattern: burst}
                duration: 1h
              faults:
                planned: [{at: 1h, node: a-00003, for: 1h}, {at: 1h, node: a-00001, gpu: 4, for: 1h}]
            """,
            errors);

        Assert.Null(scenario);
        Assert.Equal(
            [
                "scenario.yaml:5: scenario.horizn: unknown field; did you mean 'horizon'?",
                "scenario.yaml:10: scenario.workloads[0].tenant: there is no tenant 'lap'; did you mean 'lab'?",
                "scenario.yaml:11: scenario.workloads[0].arrivals.perHour: is missing; it is how many jobs come in an hour",
                "scenario.yaml:12: scenario.workloads[0].duration.sigma: is missing; it is a number above 0 such as 1.5",
                "scenario.yaml:13: scenario.workloads[0].shapes[0].fraction: stands beside gpus; keep one of them",
                "scenario.yaml:14: scenario.workloads[0].checkpointEvery: is 'soon'; it must be a duration such as 500ms, 30s, 1h30m or 2d, above zero",
                "scenario.yaml:15: scenario.workloads[1].name: 'train' is taken by the workload on line 9; give each its own name",
                "scenario.yaml:15: scenario.workloads[1].shapes: is missing; it is a list of what the jobs ask for, such as [{gpus: 1, cpu: 4, memory: 16Gi}]; or mix names a known one",
                "scenario.yaml:17: scenario.workloads[1].arrivals.count: is missing; it is how many jobs come at once",
                "scenario.yaml:20: scenario.faults.planned[0].node: there is no node 'a-00003'; did you mean 'a-00001'?",
                "scenario.yaml:20: scenario.faults.planned[1].gpu: node 'a-00001' has 4 GPUs; they are counted from 0",
            ],
            errors.ToLines().Select(line => line).Order(Comparer<string>.Create((a, b) => LineOf(a) != LineOf(b) ? LineOf(a) - LineOf(b) : string.CompareOrdinal(a, b))));

        static int LineOf(string error) => int.Parse(error.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Guarantees_beyond_the_cluster_and_faults_without_an_end_are_refused()
    {
        var errors = new FileErrors();
        Read(
            """
              cluster: [{name: a, gpus: 4}]
              workloads: []
              faults: {gpus: {timeToFailure: {distribution: exponential, mean: 1d}}}
            """,
            errors);

        Assert.Contains(errors.ToLines(), line => line.Contains("scenario.horizon: is missing", StringComparison.Ordinal));
        Assert.Equal(2, errors.Count);
    }

    [Fact]
    public void Arrivals_follow_the_hour_and_the_day_of_the_week()
    {
        var hours = string.Join(", ", Enumerable.Range(0, 24).Select(hour => hour is 9 or 10 ? "1" : "0"));
        var scenario = Good(
            $$"""
              horizon: 28d
              cluster: [{name: a, gpus: 8}]
              workloads:
              - name: office
                tenant: lab
                arrivals: {pattern: poisson, perHour: 10, byHour: [{{hours}}], byWeekday: [1, 1, 1, 1, 1, 0, 0.5]}
                duration: 1m
                shapes: [{gpus: 1}]
            """);

        var times = scenario.Make(seed: 3).Jobs.Select(job => job.SubmitAt).ToArray();

        Assert.InRange(times.Length, 380, 500);
        Assert.All(times, at => Assert.True(at.Hours is 9 or 10 && at.Days % 7 != 5));
        Assert.InRange(times.Count(at => at.Days % 7 == 6), 20, 70);
        Assert.NotEqual(times, scenario.Make(seed: 4).Jobs.Select(job => job.SubmitAt));
    }

    [Fact]
    public void A_workload_more_leaves_the_jobs_of_the_others_as_they_were()
    {
        const string One = "  horizon: 7d\n  cluster: [{name: a, gpus: 8}]\n  workloads:\n  - {name: one, tenant: lab, arrivals: {pattern: poisson, perHour: 2}, mix: philly}";
        var alone = Good(One).Make(1).Jobs;
        var both = Good(One + "\n  - {name: two, tenant: lab, arrivals: {pattern: poisson, perHour: 2}, mix: openb}").Make(1).Jobs;

        Assert.Equal(
            alone.Select(job => (job.Workload.Id, job.SubmitAt, job.Duration)),
            both.Where(job => job.Workload.Name.StartsWith("one", StringComparison.Ordinal)).Select(job => (job.Workload.Id, job.SubmitAt, job.Duration)));
    }

    [Theory]
    [InlineData("faults")]
    [InlineData("research-cluster")]
    [InlineData("philly-like")]
    public void Examples_are_right_and_give_the_same_bytes_twice(string example)
    {
        var errors = new FileErrors();
        var scenario = ScenarioReader.Read(Path.Combine(Repository.Root, "sim", "examples", $"{example}.yaml"), errors);
        Assert.Empty(errors.ToLines());
        var day = scenario! with { Horizon = TimeSpan.FromHours(12) };

        Assert.Equal(Run(day), Run(day));

        static string Run(Scenario scenario)
        {
            var collector = new ResultCollector("weir", seriesPoints: 64, keepsRuns: true);
            Simulator.Run(scenario.Make(5), new WeirScheduler(scenario.Policy), [collector], TestContext.Current.CancellationToken);
            return SimulationJson.Write(collector.Result);
        }
    }
}
