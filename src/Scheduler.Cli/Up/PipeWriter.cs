using System.Globalization;
using Scheduler.Cli.Rendering;
using Scheduler.Core.Quota;

namespace Scheduler.Cli.Up;

/// <summary>
/// Writes plain lines for a pipe: events as they come, and a status line every few seconds. In a flood, what is beyond
/// <see cref="LinesPerSecond"/> is counted in one line instead. Safe for concurrent use.
/// </summary>
internal sealed class PipeWriter(TextWriter writer, TimeProvider time)
{
    public const int LinesPerSecond = 40;

    public static readonly TimeSpan StatusEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, int> _skipped = new(StringComparer.Ordinal);
    private long _secondStarted = time.GetTimestamp();
    private int _inSecond;

    public void Event(StyledLine line)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_secondStarted) >= TimeSpan.FromSeconds(1))
            {
                Flush();
                _secondStarted = time.GetTimestamp();
                _inSecond = 0;
            }

            if (++_inSecond <= LinesPerSecond)
            {
                writer.WriteLine(line.ToString());
                return;
            }

            var verb = line.Pieces[1].Text.Trim();
            _skipped[verb] = _skipped.GetValueOrDefault(verb) + 1;
        }
    }

    public void Status(DashboardModel model)
    {
        var tenants = model.Tenants.Where(tenant => tenant.Depth == 0).Select(tenant =>
            $"{tenant.Name} {GpuAmount.Format(tenant.UsedGuaranteedMilli)}+{GpuAmount.Format(tenant.UsedBurstMilli)}"
            + (tenant.LimitMilli is { } limit ? $"/{GpuAmount.Format(limit)}" : ""));
        lock (_gate)
        {
            Flush();
            writer.WriteLine(string.Create(
                NumberFormatInfo.InvariantInfo,
                $"{model.Elapsed.TotalSeconds,6:0.0}s  status   {GpuAmount.Format(model.UsedMilli)} of {GpuAmount.Format(model.CapacityMilli)} GPUs in use, {model.Running} pods running, {model.Finished} finished, {model.Queue.Length} waiting; guaranteed+burst/limit: {string.Join(", ", tenants)}"));
        }
    }

    /// <summary>Writes what was only counted.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_skipped.Count > 0)
            {
                writer.WriteLine($"         … and {string.Join(", ", _skipped.Select(pair => $"{pair.Value} × {pair.Key}"))} in the same second");
                _skipped.Clear();
            }
        }
    }
}
