using System.Collections.Immutable;
using Scheduler.Daemon.Kubernetes;

namespace Scheduler.Daemon.Gpus;

/// <summary>The exporters that there are: those of the configuration, and the pods that the watches show.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class ExporterBook(IEnumerable<ExporterTarget> configured)
{
    private readonly Lock _gate = new();
    private readonly ImmutableArray<ExporterTarget> _configured = [.. configured];
    private readonly Dictionary<(int Watch, string Uid), ExporterTarget> _pods = [];
    private int _watches;

    /// <summary>Raised outside the lock after a change.</summary>
    public event Action? Changed;

    /// <summary>Each once, by address.</summary>
    public ImmutableArray<ExporterTarget> Targets
    {
        get
        {
            lock (_gate)
                return [.. _configured.Concat(_pods.Values).DistinctBy(target => target.Address).OrderBy(target => target.Address.AbsoluteUri, StringComparer.Ordinal)];
        }
    }

    /// <summary>Where a watch of exporters' pods writes; each has its own.</summary>
    public IReflectorSink<ExporterPod> NewSink() => new Sink(this, _watches++);

    private void Write(Action change)
    {
        lock (_gate)
            change();
        Changed?.Invoke();
    }

    private void Set(int watch, ExporterPod pod)
    {
        if (pod.Target is { } target)
            _pods[(watch, pod.Uid)] = target;
        else
            _pods.Remove((watch, pod.Uid));
    }

    private sealed class Sink(ExporterBook book, int watch) : IReflectorSink<ExporterPod>
    {
        public void Replace(IReadOnlyList<ExporterPod> items) => book.Write(() =>
        {
            foreach (var known in book._pods.Keys.Where(key => key.Watch == watch).ToList())
                book._pods.Remove(known);
            foreach (var item in items)
                book.Set(watch, item);
        });

        public void Upsert(ExporterPod item) => book.Write(() => book.Set(watch, item));

        public void Delete(ExporterPod item) => book.Write(() => book._pods.Remove((watch, item.Uid)));
    }
}
