using System.Diagnostics;
using Scheduler.Benchmarks.Clusters;
using Scheduler.Benchmarks.Commands;
using Scheduler.Benchmarks.Measuring;
using Scheduler.Core.Planning;
using Scheduler.Journal;
using Scheduler.Journal.Replay;
using Scheduler.Journal.Storage;

namespace Scheduler.Benchmarks.Journal;

/// <summary>What the journal cost. Times are those of a cycle: its snapshot and its plan, without the daemon's checks and writes.</summary>
internal sealed record JournalFigures
{
    public required double OverheadPercent { get; init; }
    public required double OverheadOfSumsPercent { get; init; }
    public required double BaseP50Ms { get; init; }
    public required double JournaledP50Ms { get; init; }
    public required double WriteP50Ms { get; init; }
    public required double WriteProcessorMsPerCycle { get; init; }
    public required long BytesPerCycle { get; init; }
    public required long FirstRecordBytes { get; init; }
    public required int Cycles { get; init; }
    public required int ReplayedCycles { get; init; }
    public required bool Identical { get; init; }
    public required int Nodes { get; init; }
    public required int Pending { get; init; }
}

/// <summary>
/// The same story twice, cycle by cycle: once alone, once while the cycle before is written by another thread, as the daemon does.
/// Nothing is written while the first is measured.
/// </summary>
internal static class JournalMeasurement
{
    private const int WarmUps = 100;

    public static JournalFigures Measure(int nodes, int pending, int tenants, int cycles)
    {
        Results.Progress($"journal: {nodes} nodes, {pending} waiting, {cycles} cycles");
        var folder = Directory.CreateTempSubdirectory("weir-journal-benchmark-");
        try
        {
            return Measure(folder.FullName, nodes, pending, tenants, cycles);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static JournalFigures Measure(string folder, int nodes, int pending, int tenants, int cycles)
    {
        var (alone, journaled) = (Story(nodes, pending, tenants, cycles), Story(nodes, pending, tenants, cycles));
        var (alonePlanner, journaledPlanner) = (new CyclePlanner(SchedulingPolicy.Default), new CyclePlanner(SchedulingPolicy.Default));
        var (baseline, with, writes) = (new Samples(), new Samples(), new Samples());
        var (first, written) = (0L, 0L);
        using (var writer = JournalWriter.Open(new JournalSettings
        {
            Folder = folder,
            MaxBytes = 16L << 30,
            SegmentBytes = 64 << 20,
            Version = "benchmark",
            Replica = "benchmark",
            Policy = SchedulingPolicy.Default,
        }))
        {
            CycleEntry? previous = null;
            for (var number = 1 - WarmUps; number <= cycles; number++)
            {
                var isCounted = number > 0;
                alone.Change();
                alone.Apply((isCounted ? baseline : new Samples()).Time(() => alonePlanner.Compute(alone.Snapshot())));

                journaled.Change();
                Task? writing = null;
                var entry = previous;
                var cycle = (isCounted ? with : new Samples()).Time(() =>
                {
                    writing = entry is null ? null : Task.Run(() => (isCounted ? writes : new Samples()).Time(() =>
                    {
                        writer.Append(entry);
                        return true;
                    }));
                    var snapshot = journaled.Snapshot();
                    return (Snapshot: snapshot, Plan: journaledPlanner.Compute(snapshot));
                });
                writing?.GetAwaiter().GetResult();
                first = first == 0 ? writer.Bytes : first;
                written = writer.Bytes;
                journaled.Apply(cycle.Plan);
                previous = new CycleEntry { Number = number + WarmUps, Snapshot = cycle.Snapshot, Plan = cycle.Plan, IsApplied = true };
            }

            writer.Append(previous!);
        }

        var (replayed, isIdentical) = Replay(folder, cycles + WarmUps);
        return new JournalFigures
        {
            OverheadPercent = ((with.Median / baseline.Median) - 1) * 100,
            OverheadOfSumsPercent = ((with.Sum / baseline.Sum) - 1) * 100,
            BaseP50Ms = baseline.Median,
            JournaledP50Ms = with.Median,
            WriteP50Ms = writes.Median,
            WriteProcessorMsPerCycle = writes.Sum / cycles,
            BytesPerCycle = (written - first) / (cycles + WarmUps),
            FirstRecordBytes = first,
            Cycles = cycles,
            ReplayedCycles = replayed,
            Identical = isIdentical,
            Nodes = nodes,
            Pending = pending,
        };
    }

    private static (int Cycles, bool IsIdentical) Replay(string folder, int expected)
    {
        var watch = Stopwatch.StartNew();
        var reader = new JournalReader(folder);
        var replay = new CycleReplay();
        var (count, identical) = (0, 0);
        foreach (var cycle in reader.Read())
        {
            count++;
            identical += replay.Run(cycle).IsIdentical ? 1 : 0;
        }

        Results.Progress($"journal: {count} cycles replayed in {watch.Elapsed.TotalSeconds:0.0} s, {identical} identical, {reader.Damages.Count} damaged places");
        return (count, identical == expected && count == expected && reader.Damages.Count == 0);
    }

    /// <summary>A cluster on which the first plan is in effect. Two of the same size live the same story.</summary>
    private static ChangingCluster Story(int nodes, int pending, int tenants, int cycles)
    {
        var cluster = new ChangingCluster(
            SyntheticCluster.Nodes(nodes), SyntheticCluster.Tenants(tenants, nodes), SyntheticCluster.Waiting(pending, tenants),
            SyntheticCluster.Waiting(cycles + WarmUps, tenants, first: 900_000));
        cluster.Apply(Planner.Compute(cluster.Snapshot(), SchedulingPolicy.Default));
        return cluster;
    }
}
