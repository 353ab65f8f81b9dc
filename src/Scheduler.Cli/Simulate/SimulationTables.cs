using System.Globalization;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Rendering;
using Scheduler.Input;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;

namespace Scheduler.Cli.Simulate;

/// <summary>Writes a report for people: schedulers side by side if there are several, and how each tenant fared.</summary>
internal static class SimulationTables
{
    public static void Write(Terminal terminal, SimulationReport report)
    {
        var first = report.Results[0];
        terminal.Out.WriteLine(string.Create(
            NumberFormatInfo.InvariantInfo,
            $"{report.Scenario}: {first.Jobs.Submitted} jobs on {first.Cluster.Gpus} GPUs of {first.Cluster.Nodes} nodes, seed {report.Seed}"));
        if (report.Results.Length > 1)
        {
            terminal.Out.WriteLine();
            Comparison(report).Write(terminal.Out, terminal.Size().Columns);
        }

        foreach (var result in report.Results)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine($"{result.Scheduler}: {HowItEnded(result)}");
            Tenants(result).Write(terminal.Out, terminal.Size().Columns);
            foreach (var line in TextTable.Wrap(InOneLine(result.Cluster), terminal.Size().Columns))
            {
                terminal.Out.WriteLine(line);
            }
        }

        if (report.Violations is { IsEmpty: true })
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine("No invariant was broken.");
        }
    }

    private static TextTable Comparison(SimulationReport report)
    {
        var table = new TextTable(
            ("POLICY", false), ("DONE", true), ("USED", true), ("COMPLETION", true), ("P99", true), ("WAIT MEAN", true), ("P95", true),
            ("GUARANTEE P99", true), ("PREEMPTED", true), ("LOST", true), ("SLOWDOWN", true), ("MAKESPAN", true));
        foreach (var result in report.Results)
        {
            var jobs = result.Jobs;
            table.Add(
                result.Scheduler, $"{jobs.Done}", $"{Number(result.Cluster.UtilisationPercent)} %", Time(jobs.Completion.Mean), Time(jobs.Completion.P99), Time(jobs.Wait.Mean),
                Time(jobs.Wait.P95), Time(jobs.TimeToGuarantee.P99), $"{jobs.Preemptions}", Number(Lost(jobs)), Number(jobs.MeanSlowdown), Time(jobs.MakespanSeconds));
        }

        return table;
    }

    private static TextTable Tenants(SimulationResult result)
    {
        var table = new TextTable(
            ("TENANT", false), ("GPUS", true), ("JOBS", true), ("DONE", true), ("WAITING", true), ("GPU-H", true), ("BURST", true), ("LOST", true),
            ("WAIT MEAN", true), ("P50", true), ("P95", true), ("P99", true), ("GUARANTEE P99", true), ("PREEMPTED", true), ("SLOWDOWN", true));
        foreach (var tenant in result.Tenants)
        {
            var jobs = tenant.Jobs;
            table.Add(
                tenant.Parent is null ? tenant.Name : $"  {tenant.Name}", Number(tenant.GuaranteedGpus), $"{jobs.Submitted}", $"{jobs.Done}", $"{jobs.StillWaiting}",
                Number(tenant.GuaranteedGpuHours), Number(tenant.BurstGpuHours), Number(Lost(jobs)), Time(jobs.Wait.Mean), Time(jobs.Wait.P50),
                Time(jobs.Wait.P95), Time(jobs.Wait.P99), Time(jobs.TimeToGuarantee.P99), $"{jobs.Preemptions}", Number(jobs.MeanSlowdown));
        }

        return table;
    }

    private static string HowItEnded(SimulationResult result)
    {
        var after = Time(result.EndSeconds);
        return result.Outcome switch
        {
            SimulationOutcome.AllDone => $"all jobs done after {after}",
            SimulationOutcome.HorizonReached => $"horizon reached after {after}, {result.Jobs.StillRunning} jobs running, {result.Jobs.StillWaiting} waiting",
            SimulationOutcome.NothingCanStart => $"nothing more can start after {after}; {result.Jobs.StillWaiting} jobs wait for ever",
            _ => $"ended after {after}",
        };
    }

    private static string InOneLine(ClusterResult cluster) =>
        $"{Number(cluster.UtilisationPercent)} % of the healthy GPUs used; idle {Number(cluster.IdleGpuHours)} GPU-h, of it {Number(cluster.IdleWhileWaitingGpuHours)} while jobs waited and "
        + $"{Number(cluster.FragmentedGpuHours)} in pieces of no use; out of service {Number(cluster.UnhealthyGpuHours)} GPU-h";

    private static decimal Lost(JobResult jobs) => jobs.LostToPreemptionGpuHours + jobs.LostToFailureGpuHours + jobs.RestartGpuHours;

    private static string Number(decimal value) => value.ToString("0.#", NumberFormatInfo.InvariantInfo);

    private static string Time(decimal seconds) => DurationText.Short(TimeSpan.FromMilliseconds((double)(seconds * 1000)));
}
