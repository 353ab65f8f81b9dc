using System.Globalization;
using System.Text;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Checking;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Schedulers;
using Xunit;

namespace Scheduler.Simulation.Tests.Checking;

/// <summary>
/// The invariants over whole simulations with faults. WEIR_CASES sets how many (20 by default, 1000 for the long form), WEIR_SEED
/// the first seed; a failure names the seed that replays it.
/// </summary>
public class RandomScenarioTests(ITestOutputHelper output)
{
    private const int UsualCases = 20;
    private const ulong FirstSeed = 20261124;

    /// <summary>
    /// What the planner is known to break, by seed. W9: asked again at once, it takes more (docs/adr/0010). W3: a workload for which
    /// room was made loses it to one of its own tenant that has a higher priority and starts on burst. Whoever mends one of them takes
    /// the seed out of here.
    /// </summary>
    private static readonly (ulong Seed, string Invariant)[] Known = [(20261124, "W9"), (20261142, "W3")];

    [Fact]
    public void W1_to_W15_hold_after_every_event_of_random_scenarios_with_faults()
    {
        var cases = int.TryParse(Environment.GetEnvironmentVariable("WEIR_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : UsualCases;
        var first = ulong.TryParse(Environment.GetEnvironmentVariable("WEIR_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : FirstSeed;
        var broken = new StringBuilder();
        var (events, cycles, preemptions, failures) = (0L, 0L, 0, 0);
        for (var number = 0; number < cases; number++)
        {
            var setup = RandomSetups.Make(first + (ulong)number);
            var scheduler = new WeirScheduler(SchedulingPolicy.Default);
            var checker = new InvariantChecker(scheduler);
            var collector = new ResultCollector("weir");
            var end = Simulator.Run(setup, scheduler, [checker, collector], TestContext.Current.CancellationToken);
            events += end.Events;
            cycles += end.Cycles;
            preemptions += collector.Result.Jobs.Preemptions;
            failures += collector.Result.Jobs.Failures;
            foreach (var violation in checker.Violations.Where(violation => !Known.Contains((setup.Seed, violation.Invariant))))
            {
                broken.AppendLine(violation.ToString());
            }

            foreach (var (_, invariant) in Known.Where(known => known.Seed == setup.Seed && !checker.Violations.Any(violation => violation.Invariant == known.Invariant)))
            {
                broken.AppendLine(CultureInfo.InvariantCulture, $"{invariant} is no longer broken with seed {setup.Seed}; take it off the list");
            }
        }

        output.WriteLine($"{cases} scenarios from seed {first}: {events} events, {cycles} cycles, {preemptions} preemptions, {failures} failures");
        Assert.True(broken.Length == 0, broken.ToString());
        Assert.True(preemptions > cases / 4 && failures > cases / 4, "nothing happens in these scenarios");
    }
}
