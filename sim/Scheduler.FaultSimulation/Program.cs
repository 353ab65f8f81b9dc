using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Scheduler.FaultSimulation.Running;
using Scheduler.FaultSimulation.Time;

var seed = new Option<ulong>("--seed") { Description = "The seed to run, or the first of several. Default 1.", DefaultValueFactory = _ => 1 };
var count = new Option<int>("--count") { Description = "How many seeds, from --seed on. Default 1.", DefaultValueFactory = _ => 1 };
var log = new Option<string?>("--log") { Description = "Write the log of the run here; - for stdout. With several seeds, the log of the last." };
var keepGoing = new Option<bool>("--keep-going") { Description = "Run the remaining seeds after a violation." };
var command = new RootCommand(
    """
    Runs whole daemons against the simulated cluster on virtual time, with faults drawn from a seed.

    --seed 42 --log -    replays seed 42 and shows everything that happens
    --count 100          seeds 1 to 100; exit code 1 at the first violation
    """)
{
    seed, count, log, keepGoing,
};
command.SetAction(parsed =>
{
    PoolIdle.CheckPool();
    // Everything from here on runs on the one worker of the pool.
    return Task.Run(() => RunSeedsAsync(parsed.GetValue(seed), parsed.GetValue(count), parsed.GetValue(log), parsed.GetValue(keepGoing)))
        .GetAwaiter().GetResult();
});
return command.Parse(args).Invoke();

static async Task<int> RunSeedsAsync(ulong first, int count, string? logPath, bool keepsGoing)
{
    var started = Stopwatch.GetTimestamp();
    var (run, violated) = (0, 0);
    for (var seed = first; seed < first + (ulong)count; seed++)
    {
        using var file = logPath is null or "-" ? null : new StreamWriter(logPath) { AutoFlush = true };
        var violation = await FaultRun.RunAsync(seed, logPath == "-" ? Console.Out : file);
        run++;
        if (violation is null)
            continue;
        violated++;
        Console.WriteLine($"seed {seed}: {violation}");
        if (!keepsGoing)
            break;
    }

    var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run} seeds, {violated} with a violation, {seconds:0.0} s"));
    return violated == 0 ? 0 : 1;
}
