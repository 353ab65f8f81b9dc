using Scheduler.Telemetry.Exposition;

namespace Scheduler.Telemetry.Devices;

/// <summary>
/// Collects the devices of one scrape from its samples. For one body; memory is bounded by <see cref="ReadingLimits"/>.
/// The same series repeated for each pod of a shared device adds a holder; the value is that of the first.
/// </summary>
public sealed class GpuReader(ReadingLimits limits) : ISampleSink
{
    private readonly ReadingLimits _limits = limits.Checked();
    private readonly Dictionary<byte[], Collected> _byKey = new(DeviceKeyComparer.Instance);
    private readonly List<Collected> _inOrder = [];
    private int _last = -1;
    private bool _isThroughPrometheus;
    private long _blank;
    private long _withoutDevice;
    private long _beyond;

    /// <summary>Reads the body of one scrape.</summary>
    public static async Task<NodeReading> ReadAsync(Stream body, ExpositionLimits bodyLimits, ReadingLimits limits, CancellationToken cancellation)
    {
        var reader = new GpuReader(limits);
        return reader.Finish(await ExpositionParser.ReadAsync(body, reader, bodyLimits, cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Take(in ExpositionSample sample)
    {
        var isXidCount = sample.Name.SequenceEqual("DCGM_EXP_XID_ERRORS_COUNT"u8);
        var metric = default(GpuMetric);
        if (!isXidCount && !GpuMetrics.TryFind(sample.Name, out metric))
        {
            return;
        }

        var labels = SeriesLabels.Read(sample.Labels);
        _isThroughPrometheus |= labels.HasExported;
        if (labels.Uuid.IsEmpty && labels.Index is null)
        {
            _withoutDevice++;
            return;
        }

        if (labels.Longest > _limits.MaxLabelBytes || Find(labels) is not { } gpu)
        {
            _beyond++;
            return;
        }

        gpu.Describe(labels);
        _beyond += gpu.AddHolder(labels, _limits.MaxHolders) ? 0 : 1;
        if (GpuMetrics.IsBlank(sample.Value))
        {
            _blank++;
        }
        else if (isXidCount)
        {
            if (SeriesLabels.TryNumber(labels.Xid, out var code))
            {
                _beyond += gpu.AddXid(new XidCount(code, sample.Value), _limits.MaxXidCounts) ? 0 : 1;
            }
        }
        else if (double.IsNaN(gpu.Values[(int)metric]))
        {
            gpu.Values[(int)metric] = sample.Value;
        }
    }

    /// <summary>The devices, after the last sample.</summary>
    public NodeReading Finish(ExpositionOutcome body) => new()
    {
        Gpus = [.. _inOrder.Select(gpu => gpu.ToReading(_isThroughPrometheus))],
        BlankSamples = _blank,
        SamplesWithoutDevice = _withoutDevice,
        SamplesBeyondLimits = _beyond,
        Body = body,
    };

    private Collected? Find(in SeriesLabels labels)
    {
        var device = labels.Uuid.IsEmpty ? labels.Gpu.IsEmpty ? labels.Device : labels.Gpu : labels.Uuid;
        Span<byte> key = stackalloc byte[device.Length + 1 + labels.MigInstance.Length];
        device.CopyTo(key);
        key[device.Length] = 0;
        labels.MigInstance.CopyTo(key[(device.Length + 1)..]);

        // The devices come in the same order for every metric, so most often it is the next one.
        var next = _last + 1 < _inOrder.Count ? _last + 1 : 0;
        if (next < _inOrder.Count && key.SequenceEqual(_inOrder[next].Key))
        {
            _last = next;
            return _inOrder[next];
        }

        if (_byKey.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var found))
        {
            _last = found.Order;
            return found;
        }

        if (_inOrder.Count >= _limits.MaxGpus)
        {
            return null;
        }

        var added = new Collected(key.ToArray(), _inOrder.Count);
        _byKey.Add(added.Key, added);
        _inOrder.Add(added);
        _last = added.Order;
        return added;
    }

    /// <summary>A device while its scrape is read.</summary>
    private sealed class Collected
    {
        private readonly List<(GpuHolder Holder, GpuHolder? Exported, byte[] Raw)> _holders = [];
        private readonly List<XidCount> _xids = [];
        private string _uuid = "", _mig = "", _profile = "", _model = "", _bus = "", _host = "";
        private int? _index;

        public Collected(byte[] key, int order)
        {
            (Key, Order) = (key, order);
            Array.Fill(Values, double.NaN);
        }

        public byte[] Key { get; }

        public int Order { get; }

        public double[] Values { get; } = new double[GpuMetrics.Count];

        /// <summary>Keeps what a series says about the device, the first word of each.</summary>
        public void Describe(in SeriesLabels labels)
        {
            _index ??= labels.Index;
            Keep(ref _uuid, labels.Uuid);
            Keep(ref _mig, labels.MigInstance);
            Keep(ref _profile, labels.MigProfile);
            Keep(ref _model, labels.Model);
            Keep(ref _bus, labels.PciBusId);
            Keep(ref _host, labels.Host);
        }

        /// <summary>Adds the series' pod unless it is there. False if there is no room for it.</summary>
        public bool AddHolder(in SeriesLabels labels, int limit)
        {
            if (labels.Pod.IsEmpty && labels.ExportedPod.IsEmpty)
            {
                return true;
            }

            var length = labels.Pod.Length + labels.Namespace.Length + labels.ExportedPod.Length + labels.ExportedNamespace.Length
                + labels.PodUid.Length + labels.VirtualGpu.Length + 5;
            Span<byte> raw = stackalloc byte[length];
            var at = 0;
            Append(raw, ref at, labels.Pod);
            Append(raw, ref at, labels.Namespace);
            Append(raw, ref at, labels.ExportedPod);
            Append(raw, ref at, labels.ExportedNamespace);
            Append(raw, ref at, labels.PodUid);
            labels.VirtualGpu.CopyTo(raw[at..]);
            foreach (var known in _holders)
            {
                if (raw.SequenceEqual(known.Raw))
                {
                    return true;
                }
            }

            if (_holders.Count >= limit)
            {
                return false;
            }

            var uid = ExpositionLabels.Text(labels.PodUid);
            var replica = ExpositionLabels.Text(labels.VirtualGpu);
            _holders.Add((
                new GpuHolder(
                    ExpositionLabels.Text(labels.Namespace), ExpositionLabels.Text(labels.Pod), ExpositionLabels.Text(labels.Container), uid, replica),
                labels.ExportedPod.IsEmpty ? null : new GpuHolder(
                    ExpositionLabels.Text(labels.ExportedNamespace), ExpositionLabels.Text(labels.ExportedPod),
                    ExpositionLabels.Text(labels.ExportedContainer), uid, replica),
                raw.ToArray()));
            return true;
        }

        public bool AddXid(XidCount count, int limit)
        {
            if (_xids.Exists(known => known.Code == count.Code))
            {
                return true;
            }

            if (_xids.Count >= limit)
            {
                return false;
            }

            _xids.Add(count);
            return true;
        }

        public GpuReading ToReading(bool isThroughPrometheus) => new([.. Values])
        {
            Uuid = _uuid,
            Index = _index,
            MigInstance = _mig,
            MigProfile = _profile,
            Model = _model,
            PciBusId = _bus,
            Host = _host,

            // Once one series has exported_pod, label pod is the exporter's own, on idle devices too.
            Holders = [.. _holders.Select(holder => isThroughPrometheus ? holder.Exported : holder.Holder)
                .OfType<GpuHolder>().Where(holder => holder.Pod.Length > 0).Distinct()],
            XidCounts = [.. _xids],
        };

        private static void Keep(ref string kept, ReadOnlySpan<byte> told)
        {
            if (kept.Length == 0 && !told.IsEmpty)
            {
                kept = ExpositionLabels.Text(told);
            }
        }

        private static void Append(Span<byte> raw, ref int at, ReadOnlySpan<byte> part)
        {
            part.CopyTo(raw[at..]);
            at += part.Length;
            raw[at++] = 0;
        }
    }

    /// <summary>Compares keys by their bytes, and looks spans up without a copy.</summary>
    private sealed class DeviceKeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly DeviceKeyComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
