using System.IO.Compression;
using Scheduler.Core.Model;
using Scheduler.Simulation.Traces;
using Xunit;

namespace Scheduler.Simulation.Tests.Traces;

public sealed class TraceReaderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("weir-traces-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Openb_pods_are_read_with_fractions_models_and_times()
    {
        var pods = OpenbPodList.Read(Write("pods.csv", """
            name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
            p0,12000,16384,1,460,,LS,Running,5,300,100
            p1,6000,12288,2,1000,V100M16|V100M32,BE,Running,7,,
            p2,6000,12288,0,0,,BE,Running,9,,
            """));

        Assert.Equal([GpuRequest.Fraction(460), GpuRequest.Whole(2), GpuRequest.None], pods.Select(pod => pod.Gpu));
        Assert.Equal(new ResourceVector(12_000, 16_384L << 20), pods[0].Requests);
        Assert.Equal((5L, 200L), (pods[0].CreatedSeconds, pods[0].RunSeconds));
        Assert.Null(pods[1].RunSeconds);
        Assert.Equal(["V100M16", "V100M32"], pods[1].GpuModels);
        Assert.Equal("V100M16,V100M32", string.Join(',', Assert.Single(Assert.Single(pods[1].ToShape().RequiredTerms).Labels).Values));
    }

    [Fact]
    public void Compressed_files_are_read_as_plain_ones_are()
    {
        var path = Path.Combine(_folder.FullName, "seed7.csv.gz");
        using (var writer = new StreamWriter(new GZipStream(File.Create(path), CompressionLevel.Fastest)))
        {
            writer.Write("row\n2\n0\n1\n");
        }

        Write("seedless.csv", "row\n0\n");
        Assert.Equal((7, path), Assert.Single(OpenbArrivals.FilesIn(_folder.FullName)));
        Assert.Equal([2, 0, 1], OpenbArrivals.Read(path, rows: 3));
    }

    [Fact]
    public void Openb_nodes_are_sorted_and_carry_their_model()
    {
        var nodes = OpenbNodeList.Read(Write("nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nb,64000,262144,2,P100\na,32000,1024,0,\n"));

        Assert.Equal(["a", "b"], nodes.Select(node => node.Name.Value));
        Assert.Equal((2, "P100", "P100"), (nodes[1].Devices.Length, nodes[1].Flavor.Value, nodes[1].Labels[OpenbNodeList.ModelLabel]));
    }

    [Fact]
    public void Pollux_jobs_are_gangs_of_one_gpu_pods_whose_first_start_counts()
    {
        var path = Write("w.csv", "name,submit_s,application,num_gpus,batch_size,runtime_packed_s,runtime_spread_s\nncf-1,90,ncf,6,32,45.9,50\nbert-0,53,bert,1,8,10,10\n");
        var jobs = PolluxWorkload.Read(path, new TenantId("t"), isDurationDeclared: false);

        Assert.Equal(["bert-0", "ncf-1"], jobs.Select(job => job.Workload.Name));
        Assert.Equal((6, 6, "ncf"), (jobs[1].Workload.Pods.Length, jobs[1].Workload.MinMember, jobs[1].Application));
        Assert.Equal((75.9, 80.0), (jobs[1].Duration.TotalSeconds, jobs[1].SpreadDuration!.Value.TotalSeconds));
        Assert.Null(jobs[1].Workload.ExpectedDuration);
    }

    [Fact]
    public void Philly_jobs_beyond_a_node_become_gangs_of_equal_pods()
    {
        var jobs = PhillyTrace.Read(Write("philly.csv", """
            timestamp,duration,num_gpus,gpu_time,cluster
            2017-09-07 03:58:57,60.5,12,0,6214e9
            2017-09-04 10:30:41,100,4,0,7f04ca
            2017-09-04 10:30:42,0,4,0,7f04ca
            """));
        var simulated = PhillyTrace.ToJobs(jobs, jobs[0].SubmittedAt);

        Assert.Equal([4, 12], jobs.Select(job => job.Gpus));
        Assert.Equal([(1, 4), (2, 6)], simulated.Select(job => (job.Workload.Pods.Length, job.Workload.Pods[0].Shape.Gpu.Count)));
        Assert.Equal(TimeSpan.Zero, simulated[0].SubmitAt);
        Assert.Equal(60.5, simulated[1].Duration.TotalSeconds);
    }

    [Fact]
    public void A_bad_row_is_told_in_one_line_with_its_place()
    {
        var path = Write("pods.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\np0,1000,1024,one,1000\np0,1000,1024,2,500\n");

        var mistake = Assert.Throws<TraceException>(() => OpenbPodList.Read(path));

        Assert.Equal($"{path}:2: num_gpu: 'one' is not a number from 0 to 1024 (and 2 more mistakes)", mistake.Message);
    }

    [Theory]
    [InlineData("row\n3\n", ":2: row: '3' is not a number from 0 to 2")]
    [InlineData("line\n3\n", ":1: has no column row; the first line must name the columns row")]
    [InlineData("row\n", ": has no rows")]
    public void A_wrong_arrival_order_is_refused(string text, string message)
    {
        var path = Write("seed1.csv", text);

        Assert.Equal(path + message, Assert.Throws<TraceException>(() => OpenbArrivals.Read(path, rows: 3)).Message);
    }

    [Fact]
    public void A_moment_that_is_none_and_a_file_that_is_not_there_are_told()
    {
        var path = Write("philly.csv", "timestamp,duration,num_gpus,cluster\nyesterday,1,1,a\n");

        Assert.Equal($"{path}:2: timestamp: 'yesterday' is not a moment like 2017-09-04 10:30:41", Assert.Throws<TraceException>(() => PhillyTrace.Read(path)).Message);
        Assert.Contains("there is no such file", Assert.Throws<TraceException>(() => PhillyTrace.Read(path + "x")).Message, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
