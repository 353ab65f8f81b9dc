using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>How many equal pods fit on a node at once: in closed form, since they do not get in each other's way.</summary>
internal static class PodRoom
{
    /// <summary>Pods of a request that fit a view; what cannot change within a cycle is not asked.</summary>
    public static int Count(NodePlane plane, PlacementRequest request)
    {
        var shape = request.Shape;
        var count = Math.Min(Math.Max(0, plane.FreePods), GpuCount(plane, request));
        count = Limit(count, plane.Free.MilliCpu, shape.Requests.MilliCpu);
        count = Limit(count, plane.Free.MemoryBytes, shape.Requests.MemoryBytes);
        count = Limit(count, plane.Free.EphemeralStorageBytes, shape.Requests.EphemeralStorageBytes);
        foreach (var scalar in shape.Scalars)
        {
            var index = plane.IndexOfScalar(scalar.Name);
            count = index < 0 ? 0 : Limit(count, plane.ScalarFree[index], scalar.Amount);
        }

        return shape.Rules is { IsAlone: true } ? Math.Min(1, count) : count;
    }

    /// <summary>Whether a pod fits on devices that are given.</summary>
    public static bool Fits(NodePlane plane, PodShape shape, ImmutableArray<int> devices, int owner)
    {
        if (plane.FreePods < 1 || !shape.Requests.FitsIn(plane.Free))
        {
            return false;
        }

        foreach (var scalar in shape.Scalars)
        {
            if (plane.IndexOfScalar(scalar.Name) is >= 0 and var index && plane.ScalarFree[index] < scalar.Amount)
            {
                return false;
            }
        }

        if (shape.Gpu.Kind == GpuRequestKind.Mig)
        {
            return plane.IndexOfMig(shape.Gpu.MigProfile!) is not (>= 0 and var mig) || plane.MigFree[mig] >= shape.Gpu.Count;
        }

        foreach (var device in devices)
        {
            if (plane.DeviceFree[device] < shape.Gpu.MilliEach
                || (plane.DeviceOwner[device] != NodePlane.NoOwner && plane.DeviceOwner[device] != owner))
            {
                return false;
            }
        }

        return true;
    }

    private static int Limit(int count, long free, long each) =>
        count == 0 || each <= 0 ? count : (int)Math.Min(count, Math.Max(0, free / each));

    private static int GpuCount(NodePlane plane, PlacementRequest request)
    {
        var gpu = request.Shape.Gpu;
        switch (gpu.Kind)
        {
            case GpuRequestKind.Whole:
                return plane.IdleDevices / gpu.Count;
            case GpuRequestKind.Mig:
                return plane.IndexOfMig(gpu.MigProfile!) is >= 0 and var mig ? Math.Max(0, plane.MigFree[mig] / gpu.Count) : 0;
            case GpuRequestKind.Fraction:
                var count = 0;
                for (var device = 0; device < plane.DeviceFree.Length; device++)
                {
                    if (plane.DeviceFree[device] >= gpu.MilliEach && plane.IsHealthy(device) && request.MayJoin(plane.DeviceOwner[device]))
                    {
                        count += plane.DeviceFree[device] / gpu.MilliEach;
                    }
                }

                return count;
            default:
                return int.MaxValue;
        }
    }
}
