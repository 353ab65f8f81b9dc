using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// Chooses devices on a node. Whole GPUs take the lowest-numbered idle devices, as the kubelet usually does; a fraction
/// takes the fullest device that it fits on, so that whole ones stay whole.
/// </summary>
internal static class DeviceAllocator
{
    /// <summary>The devices for a request, ascending, or default if they do not fit. Empty for MIG and for no GPU.</summary>
    public static ImmutableArray<int> Choose(NodePlane node, PlacementRequest request) => request.Shape.Gpu.Kind switch
    {
        GpuRequestKind.Whole => ChooseWhole(node, request.Shape.Gpu.Count),
        GpuRequestKind.Fraction => FindForFraction(node, request) is >= 0 and var device ? [device] : default,
        GpuRequestKind.Mig => HasMig(node, request.Shape.Gpu) ? [] : default,
        _ => [],
    };

    /// <summary>Whether the GPU part of a request fits, without choosing.</summary>
    public static bool Fits(NodePlane node, PlacementRequest request) => request.Shape.Gpu.Kind switch
    {
        GpuRequestKind.Whole => node.IdleDevices >= request.Shape.Gpu.Count,
        GpuRequestKind.Fraction => FindForFraction(node, request) >= 0,
        GpuRequestKind.Mig => HasMig(node, request.Shape.Gpu),
        _ => true,
    };

    /// <summary>The fullest device on which a fraction fits, the lowest-numbered among equals, or -1.</summary>
    public static int FindForFraction(NodePlane node, PlacementRequest request)
    {
        var best = -1;
        var bestFree = int.MaxValue;
        for (var device = 0; device < node.DeviceFree.Length; device++)
        {
            var free = node.DeviceFree[device];
            if (free >= request.Shape.Gpu.MilliEach && free < bestFree && node.IsHealthy(device)
                && request.MayJoin(node.DeviceOwner[device]))
            {
                best = device;
                bestFree = free;
            }
        }

        return best;
    }

    private static ImmutableArray<int> ChooseWhole(NodePlane node, int count)
    {
        var chosen = ImmutableArray.CreateBuilder<int>(count);
        for (var device = 0; device < node.DeviceFree.Length && chosen.Count < count; device++)
        {
            if (node.IsIdle(device))
            {
                chosen.Add(device);
            }
        }

        return chosen.Count == count ? chosen.MoveToImmutable() : default;
    }

    private static bool HasMig(NodePlane node, GpuRequest gpu) =>
        node.IndexOfMig(gpu.MigProfile!) is >= 0 and var mig && node.MigFree[mig] >= gpu.Count;
}
