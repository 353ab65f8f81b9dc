using Scheduler.Core.Quota;

namespace Scheduler.Core.Forecast;

/// <summary>
/// One possible future of a cluster: every duration is drawn once, what runs ends in turn, and what that frees is given out in the
/// planner's order, inside guarantees first and by reclaim if need be, then on burst. Who has started, when, is the result.
/// </summary>
/// <remarks>
/// An approximation of the planner: ends that are close together (within a hundredth of the time looked ahead, at least a second)
/// are planned as one; a gang is its core; of constraints only those that do not depend on other pods count; no reservations, no
/// topology; victims are the newest that are enough. Nothing is submitted in this future that is not there yet.
/// </remarks>
internal sealed class ForwardRun
{
    /// <summary>Stands for "not within the horizon".</summary>
    public const long Never = long.MaxValue;

    private const long Grain = 100;

    private readonly ForwardModel _model;
    private readonly long _horizon;
    private readonly ForwardNodes _nodes;
    private readonly ForwardBooks _books;
    private readonly ForwardVictims _victims;
    private readonly PriorityQueue<(int Unit, int Run), (long At, int Unit)> _ends = new();
    private readonly UnitState[] _states;
    private readonly int[] _position;
    private readonly List<int>[] _returned;
    private readonly bool[] _isBlocked;
    private readonly bool[] _isVain;
    private readonly int[][] _classesOf;
    private readonly int[] _nextClass;
    private readonly bool[] _groups;
    private readonly List<(int Node, int Need)> _placed = [];
    private int _sample;
    private int _left;
    private bool _hasEvicted;
    private long _now;

    /// <param name="model">The cluster.</param>
    /// <param name="horizonSeconds">How far to look.</param>
    public ForwardRun(ForwardModel model, long horizonSeconds)
    {
        (_model, _horizon) = (model, horizonSeconds);
        _nodes = new ForwardNodes(model);
        _states = new UnitState[model.Units.Count];
        _books = new ForwardBooks(model, _states);
        _victims = new ForwardVictims(model, _nodes, _books, _states);
        _position = new int[model.Classes.Count];
        _returned = [.. model.Classes.Select(_ => new List<int>())];
        _isBlocked = new bool[model.Classes.Count];
        _isVain = new bool[model.Classes.Count];
        _classesOf = new int[model.Tree.Nodes.Length][];
        _nextClass = new int[model.Tree.Nodes.Length];
        _groups = new bool[model.Groups];
        for (var tenant = 0; tenant < _classesOf.Length; tenant++)
        {
            _classesOf[tenant] = [.. Enumerable.Range(0, model.Classes.Count).Where(index => model.Classes[index].Tenant == tenant)];
        }
    }

    /// <summary>Runs one future.</summary>
    /// <param name="sample">Its number, from 0.</param>
    /// <param name="starts">Receives when each waiting workload starts, in seconds from now, or <see cref="Never"/>.</param>
    public void Run(int sample, Span<long> starts)
    {
        Reset(sample);
        Start();
        while (_left > 0 && _ends.TryPeek(out _, out var first) && first.At <= _horizon)
        {
            var last = first.At + (first.At / Grain);
            while (_ends.TryPeek(out var end, out var due) && due.At <= last)
            {
                _ends.Dequeue();
                if (_states[end.Unit].Run == end.Run && _states[end.Unit].IsRunning)
                {
                    _now = due.At;
                    Stop(end.Unit);
                }
            }

            _books.Promote();
            Start();
        }

        for (var index = 0; index < starts.Length; index++)
        {
            starts[index] = _states[_model.FirstWaiting + index].FirstStart;
        }
    }

    private void Reset(int sample)
    {
        (_sample, _now, _left) = (sample, 0, _model.Waiting.Count);
        _ends.Clear();
        _nodes.Reset();
        _books.Reset();
        Array.Clear(_position);
        foreach (var returned in _returned)
        {
            returned.Clear();
        }

        for (var index = 0; index < _states.Length; index++)
        {
            var unit = _model.Units[index];
            var state = _states[index] ??= new UnitState();
            state.Reset();
            state.Remaining = unit.LeavesAt ?? unit.Durations.DrawRemaining(unit.RanSeconds, sample, unit.Salt);
            if (index < _model.FirstWaiting)
            {
                state.Places.AddRange(unit.Places);
                Enter(index, startedAt: -unit.RanSeconds, unit.IsGuaranteed);
            }
        }
    }

    /// <summary>Gives out what is free, until nobody more can have any.</summary>
    private void Start()
    {
        Pass(isGuaranteed: true);
        Pass(isGuaranteed: false);
    }

    private void Pass(bool isGuaranteed)
    {
        Array.Clear(_isVain);
        Unblock(isGuaranteed);
        while (NextTenant(isGuaranteed) is { } tenant)
        {
            var index = _nextClass[tenant.Index];
            _hasEvicted = false;
            _isBlocked[index] = !TryStart(index, isGuaranteed);
            if (_hasEvicted)
            {
                // What made way waits again, and may have left more than was needed. If it was in vain, it is not tried again:
                // the same would make way, and start again, without end.
                _isVain[index] |= _isBlocked[index];
                Unblock(isGuaranteed);
            }
            else
            {
                _nextClass[tenant.Index] = NextClass(tenant.Index, isGuaranteed);
            }
        }
    }

    private void Unblock(bool isGuaranteed)
    {
        Array.Clear(_isBlocked);
        for (var tenant = 0; tenant < _nextClass.Length; tenant++)
        {
            _nextClass[tenant] = NextClass(tenant, isGuaranteed);
        }
    }

    private TenantNode? NextTenant(bool isGuaranteed)
    {
        var best = default(TenantNode);
        foreach (var tenant in _model.Tree.Nodes)
        {
            if (_nextClass[tenant.Index] >= 0 && (best is null || _books.Compare(tenant, best, isGuaranteed) < 0))
            {
                best = tenant;
            }
        }

        return best;
    }

    /// <summary>The class whose first workload comes first in the tenant's queue, or -1.</summary>
    private int NextClass(int tenant, bool isGuaranteed)
    {
        var (best, bestUnit) = (-1, -1);
        foreach (var index in _classesOf[tenant])
        {
            if (!_isBlocked[index] && !_isVain[index] && (isGuaranteed || _model.Classes[index].MayBurst) && HeadOf(index) is >= 0 and var unit
                && (best < 0 || _model.Classes[index].Priority > _model.Classes[best].Priority
                    || (_model.Classes[index].Priority == _model.Classes[best].Priority && unit < bestUnit)))
            {
                (best, bestUnit) = (index, unit);
            }
        }

        return best;
    }

    /// <summary>Who waits first: what had to make way was submitted before what still waits. -1: nobody.</summary>
    private int HeadOf(int index)
    {
        if (_returned[index].Count > 0)
        {
            return _returned[index][0];
        }

        var units = _model.Classes[index].Units;
        return _position[index] < units.Count ? units[_position[index]] : -1;
    }

    private bool TryStart(int index, bool isGuaranteed)
    {
        var waiting = _model.Classes[index];
        if (!_books.Allows(waiting, isGuaranteed, out var flavors))
        {
            return false;
        }

        var delay = 0L;
        if (!TryPlace(waiting, flavors))
        {
            if (!waiting.MayPreempt || !_victims.TryChoose(waiting, isGuaranteed, flavors, _now, _placed.Count))
            {
                Rollback();
                return false;
            }

            Rollback();
            _hasEvicted = true;
            foreach (var victim in _victims.Chosen)
            {
                delay = Math.Max(delay, _model.Units[victim].GraceSeconds);
                MakeWay(victim);
            }

            if (!TryPlace(waiting, flavors))
            {
                Rollback();
                return false;
            }
        }

        var unit = HeadOf(index);
        if (_returned[index].Count > 0)
        {
            _returned[index].RemoveAt(0);
        }
        else
        {
            _position[index]++;
        }

        var state = _states[unit];
        state.Places.AddRange(_placed);
        _placed.Clear();
        if (unit >= _model.FirstWaiting && state.FirstStart == Never)
        {
            state.FirstStart = _now + delay;
            _left--;
        }

        Enter(unit, _now + delay, isGuaranteed);
        return true;
    }

    private bool TryPlace(WaitingClass waiting, bool[] flavors)
    {
        for (var pod = 0; pod < waiting.Pods.Length; pod++)
        {
            var need = _model.Needs[waiting.Pods[pod]];
            for (var group = 0; group < _groups.Length; group++)
            {
                _groups[group] = waiting.Groups[pod][group] && (need.MilliGpu == 0 || flavors[Math.Max(0, _model.FlavorOf[group])]);
            }

            var node = _nodes.Find(need, _groups);
            if (node < 0)
            {
                return false;
            }

            _nodes.Take(node, need);
            _placed.Add((node, waiting.Pods[pod]));
        }

        return true;
    }

    private void Rollback()
    {
        foreach (var (node, need) in _placed)
        {
            _nodes.Give(node, _model.Needs[need]);
        }

        _placed.Clear();
    }

    /// <summary>A unit runs from now on; its room is taken already.</summary>
    private void Enter(int unit, long startedAt, bool isGuaranteed)
    {
        var state = _states[unit];
        (state.IsRunning, state.StartedAt) = (true, startedAt);
        state.Run++;
        _books.Add(unit, isGuaranteed);
        if (state.Remaining != DurationSource.Unknown)
        {
            state.EndsAt = Math.Max(_now, startedAt) + state.Remaining;
            _ends.Enqueue((unit, state.Run), (state.EndsAt, unit));
        }
        else
        {
            state.EndsAt = Never;
        }
    }

    private void Stop(int unit)
    {
        var state = _states[unit];
        state.IsRunning = false;
        _books.Remove(unit);
        foreach (var (node, need) in state.Places)
        {
            _nodes.Give(node, _model.Needs[need]);
        }

        state.Places.Clear();
    }

    /// <summary>A unit waits again, with what it has not done yet.</summary>
    private void MakeWay(int unit)
    {
        var state = _states[unit];
        Stop(unit);
        state.Remaining = state.EndsAt == Never ? DurationSource.Unknown : Math.Max(1, state.EndsAt - _now);
        var returned = _returned[_model.Units[unit].Class];
        var position = returned.BinarySearch(unit);
        returned.Insert(position < 0 ? ~position : position, unit);
    }
}

/// <summary>A unit in one future.</summary>
internal sealed class UnitState
{
    /// <summary>Where its pods are.</summary>
    public List<(int Node, int Need)> Places { get; } = [];

    /// <summary>Seconds that it has still to run.</summary>
    public long Remaining { get; set; }

    /// <summary>When it first starts, or <see cref="ForwardRun.Never"/>.</summary>
    public long FirstStart { get; set; }

    /// <summary>When its run began; negative if before now.</summary>
    public long StartedAt { get; set; }

    /// <summary>When its run ends.</summary>
    public long EndsAt { get; set; }

    /// <summary>Whether it runs.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Whether it is counted inside the guarantee.</summary>
    public bool IsGuaranteed { get; set; }

    /// <summary>Counts its runs.</summary>
    public int Run { get; set; }

    /// <summary>As before the first event.</summary>
    public void Reset()
    {
        Places.Clear();
        (IsRunning, IsGuaranteed, Run, FirstStart) = (false, false, 0, ForwardRun.Never);
    }
}
