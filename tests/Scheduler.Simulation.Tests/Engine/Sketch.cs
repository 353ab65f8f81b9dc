using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Schedulers;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Simulation.Tests.Engine;

/// <summary>A small cluster and a few jobs, and what happened to them as lines of text.</summary>
internal sealed class Sketch : ISimulationSink
{
    private readonly List<Job> _jobs = [];
    private readonly List<string> _lines = [];
    private SimulationState? _state;

    public ImmutableArray<Node> Nodes { get; set; } = [Make.Node("a"), Make.Node("b")];

    public Core.Quota.TenantTree Tenants { get; set; } = Make.Tree(Make.Tenant("red", 8, burst: 8), Make.Tenant("blue", 8, burst: 8));

    public FaultModel Faults { get; set; } = FaultModel.None;

    public SimulationEnd? Ended { get; private set; }

    public IReadOnlyList<string> Lines => _lines;

    public SimulatedJob this[string id] => _state!.Jobs.Single(job => job.Workload.Id.Value == id);

    public Job Add(
        string name, string tenant, int gpus = 8, int minutes = 60, int atMinute = 0, int pods = 1, Func<Job, Job>? change = null, Func<Workload, Workload>? changeWorkload = null)
    {
        var workload = Make.Waiting(name, tenant, Make.Shape(gpus), pods);
        var job = new Job
        {
            Workload = changeWorkload?.Invoke(workload) ?? workload,
            SubmitAt = TimeSpan.FromMinutes(atMinute),
            Duration = TimeSpan.FromMinutes(minutes),
        };
        _jobs.Add(change?.Invoke(job) ?? job);
        return _jobs[^1];
    }

    public SimulationEnd Run(Func<SimulationSetup, SimulationSetup>? change = null, IScheduler? scheduler = null, params ISimulationSink[] sinks)
    {
        var setup = new SimulationSetup { Nodes = Nodes, Tenants = Tenants, Jobs = [.. _jobs], Faults = Faults };
        return Simulator.Run(change?.Invoke(setup) ?? setup, scheduler ?? new WeirScheduler(SchedulingPolicy.Default), [this, .. sinks]);
    }

    void ISimulationSink.Begin(SimulationState state) => _state = state;

    void ISimulationSink.Submitted(SimulatedJob job) => Write(job, "submitted");

    void ISimulationSink.Started(SimulatedJob job) =>
        Write(job, "started on " + string.Join(',', job.Workload.Pods.Where(pod => pod.Placement is not null).Select(pod => pod.Placement!.Node).Distinct()));

    void ISimulationSink.Grew(SimulatedJob job) => Write(job, $"grew to {job.Workload.CountPods(PodState.Placed)}");

    void ISimulationSink.Noticed(SimulatedJob job, Evict decision) => Write(job, $"noticed for {decision.Beneficiary}");

    void ISimulationSink.Withdrawn(SimulatedJob job, Withdraw decision) => Write(job, "withdrawn");

    void ISimulationSink.Stopped(SimulatedJob job, in Stop stop) =>
        Write(job, stop.Cause + (stop.IsWhole ? "" : $", {stop.Pods.Length} pods")
            + (stop.LostMilliGpuMilliseconds > 0 ? string.Create(CultureInfo.InvariantCulture, $", {stop.LostMilliGpuMilliseconds / 1_000_000m} GPU-s lost") : ""));

    void ISimulationSink.Refused(Decision decision, string why) => throw new InvalidOperationException($"{decision} was refused: {why}");

    void ISimulationSink.End(SimulationEnd end) => Ended = end;

    private void Write(SimulatedJob job, string what) => _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{_state!.Now:d\\.hh\\:mm\\:ss} {job.Workload.Id} {what}"));
}
