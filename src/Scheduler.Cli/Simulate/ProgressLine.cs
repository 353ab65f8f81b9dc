using Scheduler.Cli.Commands;
using Scheduler.Simulation.Engine;

namespace Scheduler.Cli.Simulate;

/// <summary>How far simulations are, as a bar in one line of stderr; nothing at all where that is no terminal.</summary>
internal sealed class ProgressLine(Terminal terminal, int runs)
{
    private const int Cells = 40;

    private readonly Lock _gate = new();
    private readonly int[] _permille = new int[runs];
    private int _shown = -1;

    /// <summary>Follows one of the simulations.</summary>
    public ISimulationSink For(int run) => new Follower(this, run);

    /// <summary>Clears the line.</summary>
    public void End()
    {
        if (terminal.IsErrorTerminal)
        {
            terminal.Error.Write($"\r{new string(' ', Cells + 8)}\r");
        }
    }

    private void Show(int run, int permille)
    {
        lock (_gate)
        {
            _permille[run] = permille;
            var percent = _permille.Sum() / _permille.Length / 10;
            if (percent != _shown)
            {
                _shown = percent;
                var full = Cells * percent / 100;
                terminal.Error.Write($"\r{new string('█', full)}{new string('░', Cells - full)} {percent,3} %");
            }
        }
    }

    private sealed class Follower(ProgressLine line, int run) : ISimulationSink
    {
        private SimulationState? _state;
        private int _permille;

        public void Begin(SimulationState state) => _state = line.IsSeen ? state : null;

        public void Happened(SimulationEventKind what)
        {
            if (_state is null)
            {
                return;
            }

            var permille = _state.Setup.Horizon is { } horizon
                ? (int)(1000 * (_state.Now / horizon))
                : (int)(1000L * _state.EndedJobs / Math.Max(1, _state.Jobs.Length));
            if (permille != _permille)
            {
                line.Show(run, _permille = permille);
            }
        }
    }

    private bool IsSeen => terminal.IsErrorTerminal;
}
