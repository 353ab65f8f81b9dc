using System.Collections.Immutable;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>
/// Who ran where and when: nodes one below the other, runs as bars as thick as the GPUs that they held there, those that were cut
/// short with a mark at their end.
/// </summary>
internal sealed class GanttPlot
{
    private const int MostNodes = 16;
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
        var inside = runs.Where(run => run.Gpus > 0 && run.FromSeconds < window.ToSeconds && run.ToSeconds > window.FromSeconds).ToArray();
        var nodes = inside.SelectMany(run => run.Nodes, (run, node) => (Run: run, Node: node)).ToLookup(pair => pair.Node, pair => pair.Run);
        Nodes = nodes.Count;
        _lanes = [.. nodes.OrderByDescending(group => group.Count(IsCutShort)).ThenByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
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
            var run = piece.Run;
            var (from, to) = (X(run.FromSeconds), X(run.ToSeconds));
            svg.Rectangle(from, top, Math.Max(0.8, to - from - 0.5), size, "a " + _colors.Of(run.Tenant), hasTips ? Tip(run) : null);
            if (IsCutShort(run) && run.ToSeconds <= _window.ToSeconds)
            {
                var isFault = run.EndedBy is StopCause.NodeFailure or StopCause.DeviceFailure;
                svg.Path(Mark(isFault, to, top + (size / 2)), isFault ? "cut fault" : "cut");
            }
        }
    }

    /// <summary>A cross for a preemption, a lying bar in a square for a fault.</summary>
    public static string Mark(bool isFault, double x, double y) => isFault
        ? $"M{Svg.Number(x - 3.5)} {Svg.Number(y - 3.5)}h7v7h-7Z"
        : $"M{Svg.Number(x - 3.5)} {Svg.Number(y - 3.5)}l7 7m0 -7l-7 7";

    private static string Tip(RunSpan run) =>
        $"{run.Job} ({run.Tenant ?? "no tenant"}), {Wording.Number(run.Gpus)} GPUs on {Wording.Count(run.Nodes.Length, "node")}: "
        + $"{Wording.Time(run.FromSeconds)} to {Wording.Time(run.ToSeconds)}, {Wording.HowItEnded(run.EndedBy)}";

    /// <summary>
    /// Gives each run a place beside those that run at the same time: the first in which it fits. It is not told which of the
    /// node's devices it had, so a lane can be a little thicker than the node has GPUs.
    /// </summary>
    private static Lane Pack(string node, IEnumerable<RunSpan> runs)
    {
        var (pieces, active, most) = (ImmutableArray.CreateBuilder<Piece>(), new List<Piece>(), 0m);
        foreach (var run in runs.OrderBy(run => run.FromSeconds).ThenBy(run => run.Job, StringComparer.Ordinal))
        {
            active.RemoveAll(other => other.Run.ToSeconds <= run.FromSeconds);
            var (offset, size) = (0m, run.Gpus / run.Nodes.Length);
            foreach (var other in active)
            {
                if (offset + size <= other.Offset)
                {
                    break;
                }

                offset = Math.Max(offset, other.Offset + other.Gpus);
            }

            var piece = new Piece(run, offset, size);
            active.Add(piece);
            active.Sort((one, two) => one.Offset.CompareTo(two.Offset));
            pieces.Add(piece);
            most = Math.Max(most, offset + size);
        }

        return new Lane(node, most, pieces.ToImmutable());
    }

    private readonly record struct Piece(RunSpan Run, decimal Offset, decimal Gpus);

    private sealed record Lane(string Node, decimal Gpus, ImmutableArray<Piece> Pieces);
}
