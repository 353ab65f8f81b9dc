using System.Collections.Immutable;
using Scheduler.Cli.Workloads;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Tests.Workloads;

public sealed class WorkloadFileTests
{
    private static readonly ImmutableArray<Tenant> Tenants =
    [
        new Tenant { Id = new TenantId("vision"), Namespaces = ["vision"] },
        new Tenant { Id = new TenantId("language"), Namespaces = ["train", "serve"] },
    ];

    private static (WorkloadSchedule? Schedule, ImmutableArray<FileError> Errors) Read(string workload, double? speed = null)
    {
        var errors = new FileErrors();
        var schedule = WorkloadFile.OfText("w.yaml", "workloads:\n- name: train\n" + workload, Tenants, speed, errors);
        return (schedule, errors.Sorted);
    }

    [Fact]
    public void A_gang_becomes_a_job_whose_pods_name_their_group()
    {
        var (schedule, errors) = Read("""
              tenant: vision
              at: 2s
              pods: 4
              gpus: 2
              gpuModel: [A, B]
              cpu: 4
              memory: 1Gi
              duration: 30s
              priorityClass: weir-training
            """);

        Assert.Empty(errors);
        var submission = Assert.Single(schedule!.Submissions);
        Assert.Equal(TimeSpan.FromSeconds(2), submission.At);
        Assert.Equal(4, submission.Pods);
        var job = submission.Manifest();
        Assert.Equal("Job", (string?)job["kind"]);
        Assert.Equal(4, (int?)job["spec"]!["parallelism"]);
        var template = job["spec"]!["template"]!;
        Assert.Equal("4", (string?)template["metadata"]!["annotations"]!["weir.scheduler/min-member"]);
        Assert.Equal("train", (string?)template["metadata"]!["annotations"]!["weir.scheduler/pod-group"]);
        Assert.Equal("30s", (string?)template["metadata"]!["annotations"]!["weir.scheduler/expected-duration"]);
        Assert.Equal("weir", (string?)template["spec"]!["schedulerName"]);
        Assert.Equal("weir-training", (string?)template["spec"]!["priorityClassName"]);
        var resources = template["spec"]!["containers"]![0]!["resources"]!;
        Assert.Equal("2", (string?)resources["limits"]!["nvidia.com/gpu"]);
        Assert.Equal("2", (string?)resources["requests"]!["nvidia.com/gpu"]);
        Assert.Equal("4000m", (string?)resources["requests"]!["cpu"]);
        Assert.Contains("""["A","B"]""", template["spec"]!["affinity"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Repeated_workloads_are_numbered_and_speed_divides_all_times()
    {
        var (schedule, errors) = Read("  tenant: vision\n  at: 10s\n  every: 4s\n  count: 3\n  duration: 1m\n  fraction: 0.25\n", speed: 2);

        Assert.Empty(errors);
        Assert.Equal(["train-1", "train-2", "train-3"], schedule!.Submissions.Select(submission => submission.Name));
        Assert.Equal([5, 7, 9], schedule.Submissions.Select(submission => submission.At.TotalSeconds));
        var annotations = schedule.Submissions[0].Manifest()["spec"]!["template"]!["metadata"]!["annotations"]!;
        Assert.Equal("30s", (string?)annotations["weir.scheduler/expected-duration"]);
        Assert.Equal("0.25", (string?)annotations["weir.scheduler/gpu-fraction"]);
        Assert.Null(annotations["weir.scheduler/min-member"]);
    }

    [Fact]
    public void A_speed_that_leaves_nothing_of_a_duration_still_leaves_a_millisecond()
    {
        var (schedule, errors) = Read("  tenant: vision\n  duration: 30s\n  gpus: 1\n", speed: 1_000_000_000);

        Assert.Empty(errors);
        var annotations = Assert.Single(schedule!.Submissions).Manifest()["spec"]!["template"]!["metadata"]!["annotations"]!;
        Assert.Equal("0.001s", (string?)annotations["weir.scheduler/expected-duration"]);
    }

    [Theory]
    [InlineData("  tenant: vison\n", 3, "workloads[0].tenant", "there is no tenant 'vison'; did you mean 'vision'?")]
    [InlineData("  tenant: language\n", 3, "workloads[0].tenant", "'language' has several namespaces; add namespace: with one of train, serve")]
    [InlineData("  tenant: vision\n  gpu: 1\n", 4, "workloads[0].gpu", "unknown field; did you mean 'gpus'?")]
    [InlineData("  tenant: vision\n  gpus: -1\n", 4, "workloads[0].gpus", "is '-1'; it must be a whole number from 0 to 1024")]
    [InlineData("  tenant: vision\n  cpu: -1\n", 4, "workloads[0].cpu", "is negative; it must be 0 or more")]
    [InlineData("  tenant: vision\n  memory: -1Gi\n", 4, "workloads[0].memory", "must be an amount of memory above 0 such as 512Mi or 16Gi")]
    [InlineData("  tenant: vision\n  duration: soon\n", 4, "workloads[0].duration", "is 'soon'; it must be a duration such as 500ms, 30s, 1h30m or 2d, above zero")]
    [InlineData("  tenant: vision\n  fraction: 1.5\n", 4, "workloads[0].fraction", "must be between 0 and 1, such as 0.25; for whole GPUs use gpus")]
    [InlineData("  tenant: vision\n  gpus: 1\n  fraction: 0.5\n", 5, "workloads[0].fraction", "stands beside gpus; keep one of gpus, fraction and mig")]
    [InlineData("  tenant: vision\n  mig: {profile: 9g.1gb}\n", 4, "workloads[0].mig.profile", "'9g.1gb' is not a MIG profile such as 1g.10gb")]
    [InlineData("  tenant: vision\n  pods: 2\n  minMember: 3\n", 5, "workloads[0].minMember", "is 3, more than the 2 of pods; it could never start")]
    [InlineData("  tenant: vision\n  kind: deployment\n  duration: 3s\n", 5, "workloads[0].duration", "a deployment runs until it is deleted; use kind: job, or leave it out")]
    [InlineData("  tenant: vision\n  kind: daemonset\n", 4, "workloads[0].kind", "'daemonset' is none of job, deployment, pod")]
    [InlineData("  tenant: vision\n  count: 3\n", 2, "workloads[0].every", "is missing; it is the time between two of them, needed when count is more than 1")]
    [InlineData("  tenant: vision\n  priorityClass: weir-trainning\n", 4, "workloads[0].priorityClass", "there is no priority class 'weir-trainning'; did you mean 'weir-training'?")]
    [InlineData("  tenant: vision\n- name: train\n  tenant: vision\n", 4, "workloads[1].name", "'train' is taken by the workload on line 2; give each its own name")]
    [InlineData("  tenant: vision\n  annotations: {weir.scheduler/gpu-fraction: \"2\"}\n", 4, "workloads[0].annotations", "'weir.scheduler/gpu-fraction' has a field of its own here; use fraction")]
    [InlineData("  cpu: 1\n", 2, "workloads[0].tenant", "is missing; it is who it belongs to; or name a namespace")]
    public void A_mistake_has_its_line_path_and_remedy(string workload, int line, string path, string message)
    {
        var (schedule, errors) = Read(workload);

        Assert.Null(schedule);
        Assert.Equal(new FileError("w.yaml", line, path, message), Assert.Single(errors));
    }

    [Fact]
    public void The_example_of_the_documentation_is_right()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Scheduler.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the repository is not above the tests");
        }

        var text = File.ReadAllText(Path.Combine(folder, "docs", "workloads.md"));
        var example = text.Split("```yaml\n")[1].Split("```")[0];
        var errors = new FileErrors();
        ImmutableArray<Tenant> tenants = [.. new[] { "vision", "language", "search" }.Select(name => new Tenant { Id = new TenantId(name), Namespaces = [name] })];

        var schedule = WorkloadFile.OfText("example.yaml", example, tenants, null, errors);

        Assert.Empty(errors.Sorted);
        Assert.Equal(7, schedule!.Submissions.Length);
    }
}
