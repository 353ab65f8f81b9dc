using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Journal.Replay;
using Scheduler.Journal.Storage;

namespace Scheduler.Journal.Tests;

public class JournalTests
{
    [Fact]
    public void Cycles_are_planned_again_to_the_same_plans_across_segments()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(60);
        Write(folder, entries, segmentBytes: 4 << 10);

        Assert.True(folder.Segments.Count > 2, $"{folder.Segments.Count} segments");
        var reader = new JournalReader(folder.Path);
        var replay = new CycleReplay();
        var replayed = reader.Read().Select(replay.Run).ToList();
        Assert.Empty(reader.Damages);
        Assert.Equal(entries.Select(entry => entry.Number), replayed.Select(cycle => cycle.Cycle.Record.Number));
        Assert.All(replayed, cycle => Assert.True(cycle.IsIdentical, $"cycle {cycle.Cycle.Record.Number}"));
        Assert.Equal(
            entries.Select(entry => new CanonicalPlan().Text(entry.Plan)), replayed.Select(cycle => new CanonicalPlan().Text(cycle.Plan)));
        Assert.Contains(replayed, cycle => cycle.Cycle.Record.Effects.Any(effect => effect.StartsWith("evict ", StringComparison.Ordinal)));
        Assert.Equal(entries.Select(entry => entry.Unqueued.Length), replayed.Select(cycle => cycle.Cycle.Unqueued.Length));
    }

    [Fact]
    public void A_plan_that_was_not_the_planners_is_told_with_what_is_missing_and_added()
    {
        using var folder = new JournalFolder();
        var entry = Cycles.Make(1)[0];
        var moved = entry.Plan.Decisions.OfType<Bind>().Single();
        var other = moved with { Pods = [moved.Pods[0] with { Node = new NodeName("elsewhere") }] };
        Write(folder, [entry with { Plan = entry.Plan with { Decisions = [other] } }]);

        var replayed = new CycleReplay().Run(new JournalReader(folder.Path).Read().Single());
        Assert.False(replayed.IsIdentical);
        Assert.Contains("elsewhere", Assert.Single(replayed.Missing), StringComparison.Ordinal);
        Assert.StartsWith("bind ", Assert.Single(replayed.Added), StringComparison.Ordinal);
    }

    [Fact]
    public void Cycles_that_were_left_out_leave_no_hole_in_the_snapshots()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(30).Where(entry => entry.Number % 5 == 1).ToList();
        Write(folder, entries);
        var replay = new CycleReplay();
        var replayed = new JournalReader(folder.Path).Read().Select(replay.Run).ToList();
        Assert.Equal(6, replayed.Count);
        Assert.All(replayed, cycle => Assert.True(cycle.IsIdentical));
    }

    [Fact]
    public void A_journal_that_ends_anywhere_inside_its_last_record_keeps_every_record_before()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(3);
        Write(folder, entries[..2]);
        var whole = new FileInfo(folder.Segments[0]).Length;
        Directory.Delete(folder.Path, recursive: true);
        Directory.CreateDirectory(folder.Path);
        Write(folder, entries);
        var bytes = File.ReadAllBytes(folder.Segments[0]);
        for (var length = whole + 1; length < bytes.Length; length += length < whole + 40 || length > bytes.Length - 20 ? 1 : 37)
        {
            File.WriteAllBytes(folder.Segments[0], bytes[..(int)length]);
            var reader = new JournalReader(folder.Path);
            Assert.Equal([1L, 2L], reader.Read().Select(cycle => cycle.Record.Number));
            var damage = Assert.Single(reader.Damages);
            Assert.True(damage.IsTorn);
            Assert.Equal(whole, damage.Offset);
        }
    }

    [Fact]
    public void A_new_writer_goes_on_beside_what_a_killed_one_left_torn()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(6);
        Write(folder, entries[..3]);
        using (var torn = new FileStream(folder.Segments[0], FileMode.Open))
            torn.SetLength(torn.Length - 5);
        Write(folder, entries[3..]);

        var reader = new JournalReader(folder.Path);
        var replay = new CycleReplay();
        var replayed = reader.Read().Select(replay.Run).ToList();
        Assert.Equal([1L, 2, 4, 5, 6], replayed.Select(cycle => cycle.Cycle.Record.Number));
        Assert.All(replayed, cycle => Assert.True(cycle.IsIdentical));
        Assert.True(Assert.Single(reader.Damages).IsTorn);
    }

    [Fact]
    public void Any_flipped_byte_is_found_and_costs_no_record_before_it_and_no_other_segment()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(4);
        Write(folder, entries[..3]);
        Write(folder, entries[3..]);
        var bytes = File.ReadAllBytes(folder.Segments[0]);
        for (var place = 0; place < bytes.Length; place += 61)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[place] ^= 0x10;
            File.WriteAllBytes(folder.Segments[0], damaged);
            var reader = new JournalReader(folder.Path);
            var read = reader.Read().ToList();
            var damage = Assert.Single(reader.Damages);
            Assert.True(damage.Offset <= place, $"byte {place} is found at {damage.Offset}");
            Assert.Equal(4, read[^1].Record.Number);
            Assert.Equal(Enumerable.Range(1, read.Count - 1).Select(number => (long)number), read.SkipLast(1).Select(cycle => cycle.Record.Number));
        }
    }

    [Fact]
    public void The_oldest_segments_go_before_the_limit_is_exceeded()
    {
        using var folder = new JournalFolder();
        const long Most = 20 << 10;
        using (var writer = folder.Open(Cycles.Policy, Most, 2 << 10))
        {
            foreach (var entry in Cycles.Make(120))
            {
                writer.Append(entry);
                Assert.True(writer.Bytes <= Most);
                Assert.Equal(writer.Bytes, folder.Segments.Sum(segment => new FileInfo(segment).Length));
            }
        }

        var read = new JournalReader(folder.Path).Read().ToList();
        Assert.Equal(120, read[^1].Record.Number);
        Assert.True(read[0].Record.Number > 1);
    }

    [Fact]
    public void A_snapshot_that_is_larger_than_the_journal_is_refused_with_the_remedy_and_the_writer_goes_on()
    {
        using var folder = new JournalFolder();
        using var writer = folder.Open(maxBytes: 600);
        var refused = Assert.Throws<JournalException>(() => writer.Append(Cycles.Make(1)[0]));
        Assert.Contains("journal.maxMebibytes", refused.Message, StringComparison.Ordinal);
        Assert.Empty(folder.Segments);
        Assert.Throws<JournalException>(() => writer.Append(Cycles.Make(2)[1]));
    }

    [Fact]
    public void Two_writers_do_not_share_a_folder()
    {
        using var folder = new JournalFolder();
        using var first = folder.Open();
        var refused = Assert.Throws<JournalException>(() => folder.Open());
        Assert.Contains("one of its own", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_files_in_the_folder_are_left_alone()
    {
        using var folder = new JournalFolder();
        var other = Path.Combine(folder.Path, "cycles-notes.weirlog");
        File.WriteAllText(other, "mine");
        using (var writer = folder.Open(Cycles.Policy, 16 << 10, 1 << 10))
        {
            foreach (var entry in Cycles.Make(60))
                writer.Append(entry);
        }

        Assert.Equal("mine", File.ReadAllText(other));
        var reader = new JournalReader(folder.Path);
        Assert.NotEmpty(reader.Read());
        Assert.Empty(reader.Damages);
    }

    [Fact]
    public void Only_its_owner_can_read_a_segment()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such modes");
            return;
        }

        using var folder = new JournalFolder();
        Write(folder, Cycles.Make(1));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.Segments[0]));
    }

    [Fact]
    public void The_cycle_at_a_moment_is_the_last_one_before_it()
    {
        using var folder = new JournalFolder();
        var entries = Cycles.Make(40);
        Write(folder, entries, segmentBytes: 2 << 10);
        var reader = new JournalReader(folder.Path);
        foreach (var entry in entries)
        {
            Assert.Equal(entry.Number, reader.FindLast(entry.Snapshot.Now)!.Record.Number);
            Assert.Equal(entry.Number, reader.FindLast(entry.Snapshot.Now.AddSeconds(2))!.Record.Number);
        }

        Assert.Null(reader.FindLast(entries[0].Snapshot.Now.AddSeconds(-1)));
        Assert.Equal(entries.Skip(25).Select(entry => entry.Number), reader.Read(entries[25].Snapshot.Now).Select(cycle => cycle.Record.Number));
    }

    [Fact]
    public void A_folder_without_a_journal_is_refused()
    {
        using var folder = new JournalFolder();
        Assert.Contains("no journal", Assert.Throws<JournalException>(() => new JournalReader(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<JournalException>(() => new JournalReader(Path.Combine(folder.Path, "nowhere")));
    }

    private static void Write(JournalFolder folder, IEnumerable<CycleEntry> entries, long segmentBytes = 1 << 20)
    {
        using var writer = folder.Open(Cycles.Policy, segmentBytes: segmentBytes);
        foreach (var entry in entries)
            writer.Append(entry);
    }
}
