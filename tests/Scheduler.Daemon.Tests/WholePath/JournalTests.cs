using Scheduler.Daemon.Hosting;
using Scheduler.Journal.Replay;
using Scheduler.Journal.Storage;

namespace Scheduler.Daemon.Tests.WholePath;

public class JournalTests
{
    [Fact]
    public async Task Every_cycle_of_a_daemon_is_in_its_journal_and_is_planned_again_to_the_same_plan()
    {
        var folder = Directory.CreateTempSubdirectory("weir-journal-");
        try
        {
            await using var fixture = await ClusterFixture.StartAsync();
            var host = await fixture.StartDaemonAsync(settings =>
            {
                settings.Journal.Folder = folder.FullName;
                return settings;
            });
            foreach (var name in new[] { "a", "b", "c", "d" })
            {
                fixture.Cluster.Create(ClusterFixture.Pod(name, gpus: 3));
                await ClusterFixture.UntilCycleAsync(host, cycle => cycle.Snapshot.Workloads.Any(workload => workload.Name == name));
            }

            // Pods without a controller start inside the guarantee of four only.
            await ClusterFixture.UntilCycleAsync(host, cycle => cycle.Queue.Length == 3);
            var taken = Assert.Throws<StartupException>(() => DaemonHost.Build(new DaemonSettings
            {
                Server = fixture.Cluster.Address,
                Journal = { Folder = folder.FullName },
            }));
            Assert.Contains("journal.folder", taken.Message, StringComparison.Ordinal);
            await host.StopAsync(TestContext.Current.CancellationToken);

            var reader = new JournalReader(folder.FullName);
            var replay = new CycleReplay();
            var replayed = reader.Read().Select(replay.Run).ToList();
            Assert.Empty(reader.Damages);
            Assert.Equal(host.ReadModel.Current!.Number, replayed[^1].Cycle.Record.Number);
            Assert.Equal(Enumerable.Range(1, replayed.Count).Select(number => (long)number), replayed.Select(cycle => cycle.Cycle.Record.Number));
            Assert.All(replayed, cycle => Assert.True(cycle.IsIdentical, $"cycle {cycle.Cycle.Record.Number}"));
            Assert.Contains(replayed, cycle => cycle.Cycle.Record.Effects.Any(effect => effect.StartsWith("bind search/pod/", StringComparison.Ordinal)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
