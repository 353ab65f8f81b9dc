using System.IO.Compression;
using System.Text;
using Scheduler.Cli.Tests.Support;
using Scheduler.Cli.Workloads;
using Scheduler.Input;

namespace Scheduler.Cli.Tests.Workloads;

public sealed class OpenbPodsTests : IDisposable
{
    private const string List = """
        name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
        serve,6000,12288,1,460,,LS,Running,100,1100,100
        train,8000,1024,2,1000,V100M16|V100M32,BE,Running,150,250,150
        note,1000,512,0,0,,Burstable,Pending,200,,

        """;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private (WorkloadSchedule? Schedule, FileErrors Errors) Read(string text, int? limit = null, double? speed = 10)
    {
        var errors = new FileErrors();
        return (OpenbPods.Read(_folder.Write("pods.csv", text), ["a", "b"], limit, speed, errors), errors);
    }

    [Fact]
    public void A_row_becomes_a_pod_with_its_GPUs_model_priority_and_run_time()
    {
        var (schedule, errors) = Read(List);

        Assert.False(errors.Any);
        var pods = schedule!.Submissions.Select(submission => submission.Manifest()).ToArray();
        Assert.Equal(["serve", "train", "note"], pods.Select(pod => (string?)pod["metadata"]!["name"]));
        Assert.Equal(["a", "b", "a"], pods.Select(pod => (string?)pod["metadata"]!["namespace"]));
        Assert.Equal(["weir-inference", "weir-training", "weir-interactive"], pods.Select(pod => (string?)pod["spec"]!["priorityClassName"]));
        Assert.All(pods, pod => Assert.Equal("true", (string?)pod["metadata"]!["annotations"]!["weir.scheduler/preemptible"]));

        var fraction = pods[0];
        Assert.Equal("0.46", (string?)fraction["metadata"]!["annotations"]!["weir.scheduler/gpu-fraction"]);
        Assert.Equal("100s", (string?)fraction["metadata"]!["annotations"]!["weir.scheduler/expected-duration"]);
        var requests = fraction["spec"]!["containers"]![0]!["resources"]!["requests"]!;
        Assert.Null(requests["nvidia.com/gpu"]);
        Assert.Equal("6000m", (string?)requests["cpu"]);
        Assert.Equal("12884901888", (string?)requests["memory"]);

        var whole = pods[1];
        Assert.Equal("2", (string?)whole["spec"]!["containers"]![0]!["resources"]!["limits"]!["nvidia.com/gpu"]);
        Assert.Contains("""{"key":"nvidia.com/gpu.product","operator":"In","values":["V100M16","V100M32"]}""", whole["spec"]!["affinity"]!.ToJsonString(), StringComparison.Ordinal);

        Assert.Null(pods[2]["metadata"]!["annotations"]!["weir.scheduler/expected-duration"]);
    }

    [Fact]
    public void A_speed_divides_arrivals_and_run_times()
    {
        var (schedule, _) = Read(List, speed: 10);
        Assert.Equal([0, 5, 10], schedule!.Submissions.Select(submission => submission.At.TotalSeconds));
    }

    [Fact]
    public void Without_a_speed_arrivals_take_25_seconds_and_the_middle_pod_runs_10()
    {
        var (schedule, _) = Read(List, speed: null);
        Assert.Equal(OpenbPods.ArrivalsTake, schedule!.Length);
        var duration = (string?)schedule.Submissions[0].Manifest()["metadata"]!["annotations"]!["weir.scheduler/expected-duration"];
        Assert.Equal("10s", duration);
    }

    [Fact]
    public void A_limit_takes_the_first_rows() => Assert.Equal(2, Read(List, limit: 2).Schedule!.Submissions.Length);

    [Fact]
    public void A_list_without_times_arrives_evenly_and_does_not_end()
    {
        var (schedule, errors) = Read("name,cpu_milli,memory_mib,num_gpu,gpu_milli\np1,1000,1024,1,1000\np2,1000,1024,0,0\n", speed: null);

        Assert.False(errors.Any);
        Assert.Equal([0, 12.5], schedule!.Submissions.Select(submission => submission.At.TotalSeconds));
        Assert.Null(schedule.Submissions[0].Manifest()["metadata"]!["annotations"]!["weir.scheduler/expected-duration"]);
    }

    [Fact]
    public void A_compressed_list_is_read()
    {
        var path = _folder.Write("pods.csv.gz", "");
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(List));
        }

        var errors = new FileErrors();
        Assert.Equal(3, OpenbPods.Read(path, ["a"], null, null, errors)!.Submissions.Length);
    }

    [Fact]
    public void Every_wrong_row_is_told_with_its_line()
    {
        var (schedule, errors) = Read("""
            name,cpu_milli,memory_mib,num_gpu,gpu_milli
            p1,-5,1024,1,1000
            p2,1000,1024,1
            p3,1000,1024,2,500
            p3,1000,1024,one,1000
            """);

        Assert.Null(schedule);
        Assert.Equal([2, 3, 4, 5, 5], errors.Sorted.Select(error => error.Line).Order());
    }
}
