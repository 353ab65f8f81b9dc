using System.Globalization;
using Scheduler.Cli.Commands;
using Scheduler.Input;
using Scheduler.Simulation.Engine;

namespace Scheduler.Cli.Simulate;

/// <summary>
/// What is being done and how far it is, on stderr: on a terminal a bar in one line that goes when all is done; in a log a line of its
/// own after two seconds and every ten from then on, and so none of a short run.
/// </summary>
/// <remarks>Of several simulations the bar shows all together, and the time and the cycles those of the one that is furthest behind.</remarks>
internal sealed class ProgressLine : IDisposable
{
    /// <summary>When the first line is written to a log.</summary>
    public static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(2);

    /// <summary>How often from then on.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private const int Cells = 40;

    private readonly Terminal _terminal;
    private readonly Lock _gate = new();
    private readonly ITimer? _timer;
    private string _stage = "";
    private Follower[] _runs = [];
    private string _shown = "";
    private bool _isOver;

    public ProgressLine(Terminal terminal, TimeProvider time)
    {
        _terminal = terminal;
        _timer = terminal.LogsProgress ? time.CreateTimer(_ => Log(), state: null, FirstAfter, Every) : null;
    }

    /// <summary>Something begins that cannot tell how far it is, such as reading a file.</summary>
    public void Begin(string stage)
    {
        lock (_gate)
        {
            (_stage, _runs) = (stage, []);
            Draw(stage);
        }
    }

    /// <summary>Tells what the user has to know, a line each, above the bar.</summary>
    public void Note(IEnumerable<string> notes)
    {
        lock (_gate)
        {
            Draw("");
            foreach (var note in _isOver ? [] : notes)
            {
                _terminal.Error.WriteLine($"weir: note: {note}");
            }
        }
    }

    /// <summary>Simulations begin; each is followed by one of these.</summary>
    public IReadOnlyList<ISimulationSink> Simulate(int runs)
    {
        lock (_gate)
        {
            _runs = [.. Enumerable.Range(0, runs).Select(_ => new Follower(this))];
            Draw(Bar(0));
            return _runs;
        }
    }

    /// <summary>Clears the line, and says no more.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_gate)
        {
            Draw("");
            _isOver = true;
        }
    }

    private static string Bar(int percent) =>
        string.Create(CultureInfo.InvariantCulture, $"{new string('█', Cells * percent / 100)}{new string('░', Cells - (Cells * percent / 100))} {percent,3} %");

    private int Percent => (int)(_runs.Sum(run => run.Permille) / _runs.Length / 10);

    /// <summary>Where a simulation stands, told after each cycle and event.</summary>
    private void Moved()
    {
        if (_terminal.IsErrorTerminal)
        {
            lock (_gate)
            {
                Draw(Bar(Percent));
            }
        }
    }

    private void Draw(string text)
    {
        if (_terminal.IsErrorTerminal && !_isOver && text != _shown)
        {
            _terminal.Error.Write($"\r{text.PadRight(_shown.Length)}" + (text.Length == 0 ? "\r" : ""));
            _shown = text;
        }
    }

    private void Log()
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            if (_runs.Length == 0)
            {
                _terminal.Error.WriteLine($"weir: progress: {_stage}");
                return;
            }

            var last = _runs.MinBy(run => run.Permille)!;
            _terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"weir: progress: {Percent} %, {DurationText.Short(last.Simulated)} simulated in {last.Cycles} cycles"));
        }
    }

    private sealed class Follower(ProgressLine line) : ISimulationSink
    {
        private SimulationState? _state;
        private long _ticks;
        private long _cycles;
        private long _permille;

        public long Permille => Volatile.Read(ref _permille);

        public long Cycles => Volatile.Read(ref _cycles);

        public TimeSpan Simulated => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

        public void Begin(SimulationState state) => _state = state;

        public void Happened(SimulationEventKind what)
        {
            var state = _state!;
            Volatile.Write(ref _ticks, Math.Max(0, state.Now.Ticks));
            Volatile.Write(ref _cycles, _cycles + (what == SimulationEventKind.Cycle ? 1 : 0));
            var permille = state.Setup.Horizon is { } horizon
                ? (long)(1000 * (state.Now / horizon))
                : 1000L * state.EndedJobs / Math.Max(1, state.Jobs.Length);
            if (permille != _permille)
            {
                Volatile.Write(ref _permille, permille);
                line.Moved();
            }
        }

        public void End(SimulationEnd end)
        {
            Volatile.Write(ref _permille, 1000);
            line.Moved();
        }
    }
}
