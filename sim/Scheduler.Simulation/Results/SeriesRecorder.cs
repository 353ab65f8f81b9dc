using System.Collections.Immutable;

namespace Scheduler.Simulation.Results;

/// <summary>
/// Keeps sums of several quantities over stretches of equal length. When there are too many stretches, each two become one: so the
/// room is bounded, whatever the simulation's length, and the outcome depends on nothing but the quantities.
/// </summary>
internal sealed class SeriesRecorder
{
    private const long FirstStepMilliseconds = 1000;

    private readonly int _columns;
    private readonly Int128[] _sums;
    private readonly int _points;
    private long _step = FirstStepMilliseconds;
    private long _end;

    /// <summary>Makes a recorder.</summary>
    /// <param name="columns">How many quantities there are.</param>
    /// <param name="points">The most stretches, even.</param>
    public SeriesRecorder(int columns, int points)
    {
        (_columns, _points) = (columns, points);
        _sums = new Int128[columns * points];
    }

    public long StepMilliseconds => _step;

    /// <summary>The quantities had these values all the time.</summary>
    public void Add(long from, long to, ReadOnlySpan<long> values)
    {
        while (to > _step * _points)
        {
            Halve();
        }

        while (from < to)
        {
            var point = (int)(from / _step);
            var until = Math.Min(to, (point + 1) * _step);
            var sums = _sums.AsSpan(point * _columns, _columns);
            for (var column = 0; column < sums.Length; column++)
            {
                sums[column] += (Int128)values[column] * (until - from);
            }

            from = until;
        }

        _end = to;
    }

    /// <summary>The means of a quantity, a thousandth of it being one.</summary>
    public ImmutableArray<decimal> Means(int column)
    {
        var means = ImmutableArray.CreateBuilder<decimal>();
        for (var from = 0L; from < _end; from += _step)
        {
            var length = Math.Min(_step, _end - from);
            means.Add(Figures.Round((decimal)_sums[((int)(from / _step) * _columns) + column] / length / 1000m, 3));
        }

        return means.ToImmutable();
    }

    private void Halve()
    {
        for (var index = 0; index < _sums.Length; index++)
        {
            var (point, column) = (index / _columns, index % _columns);
            _sums[index] = 2 * point < _points
                ? _sums[(2 * point * _columns) + column] + _sums[(((2 * point) + 1) * _columns) + column]
                : 0;
        }

        _step *= 2;
    }
}
