using System.Globalization;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Rendering;
using Scheduler.Simulation.CapacityPlanning;

namespace Scheduler.Cli.Simulate;

/// <summary>Writes a capacity plan for people: the frontier, and the answer in a sentence.</summary>
internal static class PlanTable
{
    public static void Write(Terminal terminal, CapacityPlan plan, PlanReport report)
    {
        var width = terminal.Size().Columns;
        var ran = report.Frontier.Settings.Count(result => result.Verdict != Verdict.Impossible);
        Wrapped($"{report.Scenario} under {report.Scheduler}: {Number(ran)} of {Number(report.SettingsInAll)} settings run with {Number(report.Seeds)} seeds from {Number(report.FirstSeed)}, means with {Number(report.ConfidencePercent)} % confidence intervals");
        if (HowSearched(plan, report) is { } how)
        {
            Wrapped(how);
        }

        terminal.Out.WriteLine();
        Table(plan, report).Write(terminal.Out, width);
        terminal.Out.WriteLine();
        Wrapped(report.Answer);

        void Wrapped(string text)
        {
            foreach (var line in TextTable.Wrap(text, width))
            {
                terminal.Out.WriteLine(line);
            }
        }
    }

    private static string? HowSearched(CapacityPlan plan, PlanReport report) => report.Search switch
    {
        SearchMethod.Bisection => $"Found by bisection, as more of {plan.Knobs[0].Name} can only shorten these waits; --grid runs every setting.",
        SearchMethod.GridAfterBisection => $"More of {plan.Knobs[0].Name} did not always shorten these waits, so that every setting was run instead of a bisection.",
        SearchMethod.BisectionInDoubt =>
            $"Found by bisection, but more of {plan.Knobs[0].Name} did not always shorten these waits: a cheaper setting may be enough. --grid --max-runs {Number(report.SettingsInAll * report.Seeds)} runs every setting.",
        _ => null,
    };

    private static TextTable Table(CapacityPlan plan, PlanReport report)
    {
        var table = new TextTable(
        [
            .. plan.Knobs.Select(knob => (knob.Name, true)),
            ("GPUS", true),
            .. plan.Goals.Select(goal => ($"{goal.Name} {goal.Is}", true)),
            ("VERDICT", false),
        ]);
        foreach (var result in report.Frontier.Settings)
        {
            table.Add(
            [
                .. result.Setting.Values.Select(Knob.Format),
                Number(result.Setting.Gpus),
                .. plan.Goals.Select((goal, index) => result.Estimates.IsEmpty ? "-" : goal.Format(result.Estimates[index])),
                result.Verdict.Word() + (result.Setting.WhyImpossible is { } why ? $": {why}" : ""),
            ]);
        }

        return table;
    }

    private static string Number<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
