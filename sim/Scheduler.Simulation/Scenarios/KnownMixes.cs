using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Scenarios;

/// <summary>
/// Jobs like those of clusters about which figures were published. The figures only: no job of theirs is here.
/// </summary>
public static class KnownMixes
{
    /// <summary>Names that a scenario may use.</summary>
    public static readonly ImmutableArray<string> Names = ["openb", "philly"];

    /// <summary>Finds a mix.</summary>
    public static ImmutableArray<JobShape> Shapes(string name) => name switch
    {
        "openb" => Openb,
        "philly" => Philly,
        _ => throw new ArgumentException($"there is no mix '{name}'", nameof(name)),
    };

    /// <summary>
    /// Pods of an inference and training cluster that shares devices: how many GPUs they ask for, in thousandths, and the median
    /// CPU and memory beside them, of the 8,152 pods of the default list of Alibaba's cluster-trace-gpu-v2023 (Weng et al.: Beware of
    /// Fragmentation, USENIX ATC 2023). The list gives no running times worth the name: the durations are Philly's of one GPU.
    /// </summary>
    private static ImmutableArray<JobShape> Openb =>
    [
        Pod(1335, GpuRequest.None, 12_500, 51_200, PhillySingle),
        Pod(1322, GpuRequest.Fraction(810), 4000, 15_258, PhillySingle),
        Pod(920, GpuRequest.Fraction(470), 4000, 15_258, PhillySingle),
        Pod(402, GpuRequest.Fraction(320), 4000, 15_258, PhillySingle),
        Pod(310, GpuRequest.Fraction(650), 4000, 15_258, PhillySingle),
        Pod(172, GpuRequest.Fraction(230), 4000, 15_258, PhillySingle),
        Pod(157, GpuRequest.Fraction(460), 4000, 15_258, PhillySingle),
        Pod(92, GpuRequest.Fraction(590), 4000, 15_258, PhillySingle),
        Pod(91, GpuRequest.Fraction(160), 4000, 15_258, PhillySingle),
        Pod(88, GpuRequest.Fraction(550), 4000, 15_258, PhillySingle),
        Pod(76, GpuRequest.Fraction(220), 4000, 15_258, PhillySingle),
        Pod(4798, GpuRequest.Whole(1), 11_400, 48_128, PhillySingle),
        Pod(20, GpuRequest.Whole(2), 16_200, 66_560, PhillySmall),
        Pod(18, GpuRequest.Whole(4), 32_200, 132_096, PhillySmall),
        Pod(54, GpuRequest.Whole(8), 88_000, 327_680, PhillyNode),
    ];

    /// <summary>
    /// Training jobs: how many GPUs they ask for, in ten-thousandths, and quantiles of how long they ran, of the 52,849 jobs of
    /// September and October 2017 in Microsoft's Philly traces (Jeon et al.: Analysis of Large-Scale Multi-Tenant GPU Clusters,
    /// USENIX ATC 2019). Jobs of more than 8 GPUs are gangs of pods with 8.
    /// </summary>
    private static ImmutableArray<JobShape> Philly =>
    [
        Gang(9496, pods: 1, gpus: 1, PhillySingle),
        Gang(171, pods: 1, gpus: 2, PhillySmall),
        Gang(179, pods: 1, gpus: 4, PhillySmall),
        Gang(135, pods: 1, gpus: 8, PhillyNode),
        Gang(13, pods: 2, gpus: 8, PhillyNode),
        Gang(5, pods: 4, gpus: 8, PhillyNode),
    ];

    private static Distribution.Empirical PhillySingle => Quantiles(1, 53, 65, 275, 1477, 2753, 7236, 14_784, 113_808, 1_042_241, 3_256_045);

    private static Distribution.Empirical PhillySmall => Quantiles(2, 11, 13, 19, 689, 79_708, 206_380, 386_982, 1_127_338, 2_641_566, 2_750_674);

    private static Distribution.Empirical PhillyNode => Quantiles(17, 182, 436, 5670, 106_099, 231_337, 505_166, 722_186, 2_014_843, 4_628_226, 4_628_226);

    /// <summary>Seconds at 0, 5, 10, 25, 50, 75, 90, 95, 99, 99.9 and 100 %.</summary>
    private static Distribution.Empirical Quantiles(params ReadOnlySpan<double> seconds)
    {
        ReadOnlySpan<double> parts = [0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];
        var points = ImmutableArray.CreateBuilder<QuantilePoint>(parts.Length);
        for (var index = 0; index < parts.Length; index++)
        {
            points.Add(new QuantilePoint(parts[index], seconds[index]));
        }

        return new Distribution.Empirical(points.MoveToImmutable());
    }

    private static JobShape Pod(double weight, GpuRequest gpu, long milliCpu, long memoryMiB, Distribution seconds) =>
        new(weight, Pods: 1, MinMember: 1, PodShape.Create(new ResourceVector(milliCpu, memoryMiB << 20), gpu), seconds);

    /// <summary>CPU and memory of Philly's jobs were not published: so much that all GPUs of a usual node can be used.</summary>
    private static JobShape Gang(double weight, int pods, int gpus, Distribution seconds) =>
        new(weight, pods, pods, PodShape.Create(new ResourceVector(4000L * gpus, 32L * gpus << 30), GpuRequest.Whole(gpus)), seconds);
}
