using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Results;

/// <summary>Keeps what the pods of a job's run hold and have held, until the run is over.</summary>
internal sealed class RunRecorder
{
    private readonly Dictionary<PodId, (Pod Pod, TimeSpan Since)> _open = [];
    private readonly List<(PodId Pod, RunPart Part)> _parts = [];

    /// <summary>Pods of the job may have been placed.</summary>
    public void Placed(SimulatedJob job, TimeSpan now)
    {
        foreach (var pod in job.Workload.Pods)
        {
            if (pod.Placement is not null)
            {
                _open.TryAdd(pod.Id, (pod, now));
            }
        }
    }

    /// <summary>Pods are gone.</summary>
    public void Left(ImmutableArray<Pod> pods, TimeSpan now)
    {
        foreach (var pod in pods)
        {
            Close(pod.Id, now);
        }
    }

    /// <summary>The run is over: all that was held in it.</summary>
    public ImmutableArray<RunPart> End(TimeSpan now)
    {
        foreach (var pod in _open.Keys.ToArray())
        {
            Close(pod, now);
        }

        ImmutableArray<RunPart> parts = [.. _parts.OrderBy(held => held.Part.FromSeconds).ThenBy(held => held.Pod).Select(held => held.Part)];
        _parts.Clear();
        return parts;
    }

    private void Close(PodId id, TimeSpan now)
    {
        if (_open.Remove(id, out var held))
        {
            var placement = held.Pod.Placement!;
            _parts.Add((id, new RunPart(
                placement.Node.Value, placement.Devices, Figures.Gpus(held.Pod.Shape.Gpu.MilliGpu), Figures.Seconds(held.Since), Figures.Seconds(now))));
        }
    }
}
