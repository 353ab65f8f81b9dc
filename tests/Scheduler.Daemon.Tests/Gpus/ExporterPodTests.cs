using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Tests.Gpus;

public class ExporterPodTests
{
    [Fact]
    public void Without_a_word_about_it_the_port_is_the_default_and_the_path_the_usual_one() =>
        Assert.Equal("http://10.0.0.7:9400/metrics", Address(Pod("10.0.0.7")));

    [Fact]
    public void The_container_port_named_metrics_is_the_port() =>
        Assert.Equal("http://10.0.0.7:9500/metrics", Address(Pod("10.0.0.7", new ContainerPort { Name = "debug", Number = 1 }, new ContainerPort { Name = "metrics", Number = 9500 })));

    [Fact]
    public void The_annotations_for_Prometheus_go_first()
    {
        var pod = Pod("10.0.0.7", new ContainerPort { Name = "metrics", Number = 9500 });
        pod.Metadata = pod.Metadata with { Annotations = new() { ["prometheus.io/port"] = "80", ["prometheus.io/path"] = "/gpus" } };
        Assert.Equal("http://10.0.0.7/gpus", Address(pod));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("70000")]
    [InlineData("http")]
    public void A_port_that_is_none_is_left_aside(string port)
    {
        var pod = Pod("10.0.0.7");
        pod.Metadata = pod.Metadata with { Annotations = new() { ["prometheus.io/port"] = port, ["prometheus.io/path"] = "no path" } };
        Assert.Equal("http://10.0.0.7:9400/metrics", Address(pod));
    }

    [Fact]
    public void An_IPv6_address_is_put_in_brackets() => Assert.Equal("http://[fd00::7]:9400/metrics", Address(Pod("fd00::7")));

    [Fact]
    public void A_pod_that_does_not_run_or_has_no_address_is_not_read()
    {
        Assert.Null(Address(Pod("")));
        var pod = Pod("10.0.0.7");
        pod.Status = pod.Status with { Phase = "Pending" };
        Assert.Null(Address(pod));
    }

    private static string? Address(PodObject pod)
    {
        var mapped = ExporterPod.Map(pod, 9400);
        Assert.True(mapped.Target is null || mapped.Target.Node == "n0");
        return mapped.Target?.Address.ToString();
    }

    private static PodObject Pod(string address, params ContainerPort[] ports) => new()
    {
        Metadata = new ObjectMeta { Name = "e", Namespace = "gpu-operator", Uid = "u" },
        Spec = new PodSpec { NodeName = "n0", Containers = [new Container { Name = "c", Ports = [.. ports] }] },
        Status = new PodStatus { Phase = "Running", PodIP = address },
    };
}
