using System.Globalization;
using System.Text;
using Scheduler.Core.Model;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Tests.Checking;

/// <summary>A scenario for people who look for the fault in it, a line for each of its parts.</summary>
internal static class SetupText
{
    public static string Write(SimulationSetup setup)
    {
        var text = new StringBuilder();
        Line($"seed {setup.Seed}, horizon {setup.Horizon:c}, cycles every {setup.CycleInterval:c}, durations {setup.Durations}, learns shapes: {setup.LearnsShapes}");
        foreach (var node in setup.Nodes)
        {
            var mig = string.Concat(node.MigCapacities.Select(capacity => $", {capacity.Count} × {capacity.Profile}"));
            Line($"node {node.Name}: {node.Devices.Length} GPUs {node.Flavor}{mig}, {node.Allocatable}, {node.MaxPods} pods");
        }

        foreach (var (tenant, parent) in setup.Tenants.Nodes.Select(node => (node.Tenant, node.Parent?.Tenant.Id.Value)))
        {
            var quotas = string.Join("; ", tenant.Quotas.Select(quota =>
                string.Create(CultureInfo.InvariantCulture, $"{quota.Flavor}: guaranteed {quota.GuaranteedMilliGpu}m, burst {quota.BurstMilliGpu}m, lends {quota.LendingLimitMilliGpu}m")));
            Line($"tenant {tenant.Id}{(parent is null ? "" : $" below {parent}")}: {quotas}, weight {tenant.Weight}, {tenant.Order}, shares devices: {tenant.SharesDevices}");
        }

        foreach (var job in setup.Jobs)
        {
            WriteJob(job);
        }

        foreach (var fault in setup.Faults.Planned)
        {
            Line($"fault at {fault.At:c}: node {fault.Node}, GPU {fault.Device}, for {fault.For:c}");
        }

        Line($"random faults: {(setup.Faults.NodeSecondsToFailure is null ? "" : "nodes ")}{(setup.Faults.DeviceSecondsToFailure is null ? "" : "GPUs")}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));

        void WriteJob(Job job)
        {
            var workload = job.Workload;
            var shapes = string.Join(", ", workload.Pods.GroupBy(pod => pod.Shape).Select(group => $"{group.Count()} × {ShapeOf(group.Key)}"));
            Line($"job {workload.Id} of {workload.Tenant} at {job.SubmitAt:c}: {shapes}, at least {workload.MinMember}, priority {workload.Priority}, preemptible: {workload.IsPreemptible}");
            Line($"    runs {job.Duration:c} (spread {job.SpreadDuration:c}), declares {workload.ExpectedDuration:c}, min {workload.MinRuntime:c}, grace {workload.PreemptionGrace:c}, application {job.Application}");
            Line($"    saves every {job.CheckpointEvery:c}, on notice in {job.CheckpointOnNotice:c}, starts again in {job.RestartTime:c}");
        }
    }

    private static string ShapeOf(PodShape shape) => $"({shape.Gpu}, {shape.Requests})";
}
