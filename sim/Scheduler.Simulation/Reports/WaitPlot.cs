using System.Globalization;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>How long the jobs of each tenant waited: a row with marks for half, 95 % and 99 % of them, on a logarithmic axis.</summary>
internal static class WaitPlot
{
    private const double Row = 40;
    private const double Top = 6;
    private const double Bottom = 40;
    private const double Left = 16;
    private const double Right = 22;

    public static string Draw(IReadOnlyList<TenantResult> tenants, TenantColors colors, double width, string cssClass)
    {
        var svg = new Svg(width, Top + (Row * tenants.Count) + Bottom, "Waiting times by tenant", cssClass);
        var marks = NiceTicks.LogarithmicTime(tenants.Select(tenant => Math.Max(tenant.Jobs.Wait.P99, tenant.Jobs.TimeToGuarantee.P99)).DefaultIfEmpty().Max());
        var bottom = svg.Height - Bottom;
        foreach (var mark in marks)
        {
            svg.Line(X(mark), Top, X(mark), bottom, mark == marks[0] ? "ax" : "grid");
            svg.Text(X(mark), bottom + 16, mark == marks[0] ? "≤1s" : Wording.Mark(mark), Anchor.Middle, "m");
        }

        svg.Text((Left + width - Right) / 2, bottom + 33, "time waited (logarithmic)", Anchor.Middle, "m");
        for (var index = 0; index < tenants.Count; index++)
        {
            DrawRow(tenants[index], Top + (index * Row));
        }

        return svg.ToString();

        double X(decimal seconds) => Left + ((width - Left - Right) * Math.Clamp(Math.Log10(Math.Max(1, (double)seconds)) / Math.Log10((double)marks[^1]), 0, 1));

        void DrawRow(TenantResult tenant, double y)
        {
            var (jobs, color, middle) = (tenant.Jobs, colors.Of(tenant.Name), y + 28);
            var waits = jobs.Wait;
            var figures = waits.Count == 0 ? "no job started"
                : $"{Wording.Time(waits.P50)} · {Wording.Time(waits.P95)} · {Wording.Time(waits.P99)}";
            svg.Text(width - Right, y + 14, figures, Anchor.End, "m");
            svg.Text(Left + 4, y + 14, Svg.Fit(tenant.Name, width - Left - Right - 12 - (figures.Length * Svg.CharacterWidth)), cssClass: "b", tip: tenant.Name);
            if (waits.Count == 0)
            {
                return;
            }

            svg.Line(X(waits.P50), middle, X(waits.P99), middle, "span " + color);
            if (jobs.TimeToGuarantee.Count > 0)
            {
                svg.Rectangle(X(jobs.TimeToGuarantee.P99) - 2, middle - 8, 4, 16, "mark", $"{tenant.Name}: 99 % of what its guarantee had room for started within {Wording.Time(jobs.TimeToGuarantee.P99)}");
            }

            svg.Path(Shape('o', X(waits.P50), middle), "dot " + color, $"{tenant.Name}: half of the jobs waited {Wording.Time(waits.P50)} at most");
            svg.Path(Shape('d', X(waits.P95), middle), "dot " + color, $"{tenant.Name}: 95 % waited {Wording.Time(waits.P95)} at most");
            svg.Path(Shape('t', X(waits.P99), middle), "dot " + color, $"{tenant.Name}: 99 % waited {Wording.Time(waits.P99)} at most");
        }
    }

    /// <summary>A circle (o), a diamond (d) or a triangle (t) around a point.</summary>
    public static string Shape(char kind, double x, double y)
    {
        var middle = string.Create(CultureInfo.InvariantCulture, $"{Svg.Number(x)} {Svg.Number(y)}");
        return kind switch
        {
            'o' => $"M{middle}m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
            'd' => $"M{middle}m-6 0l6 -6l6 6l-6 6Z",
            _ => $"M{middle}m-6 5l6 -11l6 11Z",
        };
    }
}
