using System.Collections.Immutable;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>
/// Who ran where and when: nodes one below the other, their devices as lanes, runs as bars on the devices that they held, those that
/// were cut short with a mark at their end.
/// </summary>
internal sealed class GanttPlot
{
    /// <summary>The most nodes that are drawn.</summary>
    public const int MostNodes = 16;

    private const double Top = 6;
    private const double Bottom = 40;
    private const double Right = 14;
    private const double Gap = 8;

    private readonly SimulationResult _result;
    private readonly TenantColors _colors;
    private readonly GanttWindow _window;
    private readonly ImmutableArray<Lane> _lanes;

    /// <summary>Finds out what is to be drawn.</summary>
    public GanttPlot(SimulationResult result, ImmutableArray<RunSpan> runs, TenantColors colors, GanttWindow window)
    {
        (_result, _colors, _window) = (result, colors, window);
        var nodes = runs.SelectMany(run => run.Parts, (run, part) => (Run: run, Part: part))
            .Where(held => !held.Part.Devices.IsEmpty && held.Part.FromSeconds < window.ToSeconds && held.Part.ToSeconds > window.FromSeconds)
            .ToLookup(held => held.Part.Node);
        Nodes = nodes.Count;
        _lanes = [.. nodes.OrderByDescending(group => group.Count(held => IsCutShort(held.Run))).ThenByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Take(MostNodes).Select(group => Pack(group.Key, group)).OrderBy(lane => lane.Node.Length).ThenBy(lane => lane.Node, StringComparer.Ordinal)];
    }

    /// <summary>Nodes on which something ran.</summary>
    public int Nodes { get; }

    /// <summary>Those of them that are drawn.</summary>
    public int DrawnNodes => _lanes.Length;

    /// <summary>Whether a run ended before its work was done.</summary>
    public static bool IsCutShort(RunSpan run) => run.EndedBy is not (null or StopCause.Done);

    public string Draw(double width, string cssClass, bool hasTips)
    {
        var left = Math.Min(width / 4, 18 + (_lanes.Select(lane => lane.Node.Length).DefaultIfEmpty().Max() * Svg.CharacterWidth));
        var thickness = (double)Math.Clamp(380 / Math.Max(1, _lanes.Sum(lane => lane.Gpus)), 3, 12);
        var height = Top + Bottom + _lanes.Sum(HeightOf);
        var svg = new Svg(width, height, $"Runs on each node, under {_result.Scheduler}", cssClass);
        var y = Top;
        foreach (var lane in _lanes)
        {
            svg.Line(4, y + HeightOf(lane) - (Gap / 2), width - Right, y + HeightOf(lane) - (Gap / 2), "grid");
            svg.Text(left - 8, y + ((HeightOf(lane) - Gap) / 2) + 4, Svg.Fit(lane.Node, left - 10), Anchor.End, "m", lane.Node);
            foreach (var piece in lane.Pieces)
            {
                DrawRun(piece, y + (thickness * (double)piece.Offset), Math.Max(1.2, (thickness * (double)piece.Gpus) - 1));
            }

            y += HeightOf(lane);
        }

        svg.Line(left, y, width - Right, y, "ax");
        PlotFrame.TimeAxis(svg, left, width - Right, y, _window.FromSeconds, _window.ToSeconds);
        return svg.ToString();

        double HeightOf(Lane lane) => Math.Max(14, thickness * (double)lane.Gpus) + Gap;

        double X(decimal seconds) =>
            left + ((width - Right - left) * (double)((Math.Clamp(seconds, _window.FromSeconds, _window.ToSeconds) - _window.FromSeconds) / (_window.ToSeconds - _window.FromSeconds)));

        void DrawRun(Piece piece, double top, double size)
        {
            var (run, part) = (piece.Run, piece.Part);
            var (from, to) = (X(part.FromSeconds), X(part.ToSeconds));
            svg.Rectangle(from, top, Math.Max(0.8, to - from - 0.5), size, "a " + _colors.Of(run.Tenant), hasTips ? Tip(run) : null);
            if (IsCutShort(run) && part.ToSeconds == run.ToSeconds && run.ToSeconds <= _window.ToSeconds)
            {
                var isFault = run.EndedBy is StopCause.NodeFailure or StopCause.DeviceFailure;
                svg.Path(Mark(isFault, to, top + (size / 2)), isFault ? "cut fault" : "cut");
            }
        }
    }

    /// <summary>A cross for a preemption, a square for a fault.</summary>
    public static string Mark(bool isFault, double x, double y) => isFault
        ? $"M{Svg.Number(x - 3.5)} {Svg.Number(y - 3.5)}h7v7h-7Z"
        : $"M{Svg.Number(x - 3.5)} {Svg.Number(y - 3.5)}l7 7m0 -7l-7 7";

    private static string Tip(RunSpan run) =>
        $"{run.Job} ({run.Tenant ?? "no tenant"}), {Wording.Number(run.Gpus)} GPUs on {Wording.Count(run.Nodes.Length, "node")}: "
        + $"{Wording.Time(run.FromSeconds)} to {Wording.Time(run.ToSeconds)}, {Wording.HowItEnded(run.EndedBy)}";

    /// <summary>
    /// Gives each part the place of its devices. Whole devices that lie side by side are one piece; pieces of a device lie one below
    /// the other, the first in which they fit.
    /// </summary>
    private static Lane Pack(string node, IEnumerable<(RunSpan Run, RunPart Part)> parts)
    {
        var pieces = ImmutableArray.CreateBuilder<Piece>();
        var active = new List<Piece>();
        foreach (var (run, part) in parts.OrderBy(held => held.Part.FromSeconds).ThenBy(held => held.Run.Job, StringComparer.Ordinal))
        {
            active.RemoveAll(other => other.Part.ToSeconds <= part.FromSeconds);
            var devices = part.Devices.Distinct().Order().ToArray();
            var each = Math.Min(1, part.Gpus / devices.Length);
            for (var index = 0; index < devices.Length; index++)
            {
                var first = index;
                while (each == 1 && index + 1 < devices.Length && devices[index + 1] == devices[index] + 1)
                {
                    index++;
                }

                active.Add(new Piece(run, part, PlaceOn(devices[first], each, active), each == 1 ? index - first + 1 : each));
                pieces.Add(active[^1]);
            }
        }

        return new Lane(node, pieces.Max(piece => Math.Ceiling(piece.Offset + piece.Gpus)), pieces.ToImmutable());
    }

    private static decimal PlaceOn(int device, decimal size, List<Piece> active)
    {
        var offset = (decimal)device;
        foreach (var other in active.OrderBy(piece => piece.Offset).Where(piece => piece.Offset + piece.Gpus > device && piece.Offset < device + 1))
        {
            if (offset + size <= other.Offset)
            {
                break;
            }

            offset = Math.Max(offset, other.Offset + other.Gpus);
        }

        // Pieces of one device that came and went can leave gaps into which the next does not fit; it then hides a bit of another.
        return Math.Min(offset, device + 1 - size);
    }

    private readonly record struct Piece(RunSpan Run, RunPart Part, decimal Offset, decimal Gpus);

    private sealed record Lane(string Node, decimal Gpus, ImmutableArray<Piece> Pieces);
}
