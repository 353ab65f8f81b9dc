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

    /// <summary>A search for victims that was in vain is made again when the time looked ahead is longer by such a part.</summary>
    private const long SearchAgain = 8;

    /// <summary>Searches in vain for one tenant, while what became free at one time is given out.</summary>
    private const int MaxSearches = 4;

    private readonly ForwardModel _model;
    private readonly long _horizon;
    private readonly ForwardNodes _nodes;
    private readonly ForwardBooks _books;
    private readonly ForwardVictims _victims;
    private readonly PriorityQueue<(int Unit, int Run), (long At, int Unit)> _ends = new();
    private readonly UnitState[] _states;
    private readonly ForwardQueues _queues;
    private readonly long[] _believed;
    private readonly int[] _believedFor;
    private readonly bool[] _isClosed;
    private readonly bool[] _isVain;
    private readonly FormRoom[] _forms;
    private readonly int[] _places;
    private readonly long[] _searchAt;
    private readonly int[] _searches;
    private readonly bool[] _groups;
    private readonly List<int> _cleared = [];
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
        _queues = new ForwardQueues(model);
        _believed = new long[model.Sources * DurationSource.Believed];
        _believedFor = new int[model.Sources];
        Array.Fill(_believedFor, -1);
        _isClosed = new bool[model.Classes.Count];
        _isVain = new bool[model.Classes.Count];
        _forms = new FormRoom[model.Forms.Count];
        _places = new int[model.Tree.Nodes.Length];
        _searchAt = new long[2 * model.Searches];
        _searches = new int[model.Tree.Nodes.Length];
        _groups = new bool[model.Groups];
    }

    /// <summary>Whether the nodes have room for cores of a form.</summary>
    private enum FormRoom : byte
    {
        Unknown,
        Some,
        None,
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
        _queues.Reset();
        Array.Clear(_searchAt);
        for (var index = 0; index < _states.Length; index++)
        {
            var unit = _model.Units[index];
            var state = _states[index] ??= new UnitState();
            state.Reset();
            state.Remaining = unit.LeavesAt ?? unit.Durations.DrawRemaining(unit.RanSeconds, sample, unit.Salt, Believed(unit.Durations));
            if (index < _model.FirstWaiting)
            {
                state.Places.AddRange(unit.Places);
                Enter(index, startedAt: -unit.RanSeconds, unit.IsGuaranteed);
            }
        }
    }

    /// <summary>What a source's draws in this sample go by.</summary>
    private ReadOnlySpan<long> Believed(DurationSource source)
    {
        var believed = _believed.AsSpan(source.Index * DurationSource.Believed, DurationSource.Believed);
        if (_believedFor[source.Index] != _sample)
        {
            _believedFor[source.Index] = _sample;
            source.Believe(_sample, believed);
        }

        return believed;
    }

    /// <summary>Gives out what is free, until nobody more can have any.</summary>
    private void Start()
    {
        Array.Clear(_forms);
        Pass(isGuaranteed: true);
        Pass(isGuaranteed: false);
    }

    /// <summary>
    /// Room, limits and guarantees only become less while it is given out, so that what cannot start once is not asked again, until
    /// somebody makes way.
    /// </summary>
    private void Pass(bool isGuaranteed)
    {
        Array.Clear(_isVain);
        Array.Clear(_searches);
        Open(isGuaranteed);
        while (NextTenant(isGuaranteed) is { } tenant)
        {
            var place = _places[tenant.Index];
            var index = _queues.At(tenant.Index, place);
            _hasEvicted = false;
            _isClosed[index] = !TryStart(index, place, isGuaranteed);
            if (!_hasEvicted)
            {
                Advance(tenant.Index, place, isGuaranteed);
                continue;
            }

            // If it was in vain, it is not tried again: the same would make way, and start again, without end.
            _isVain[index] |= _isClosed[index];
            Reopen(tenant.Index, isGuaranteed);
        }
    }

    private void Open(bool isGuaranteed)
    {
        Array.Clear(_isClosed);
        for (var tenant = 0; tenant < _places.Length; tenant++)
        {
            Advance(tenant, place: 0, isGuaranteed);
        }
    }

    /// <summary>What made way waits again, and may have left more than was needed.</summary>
    private void Reopen(int tenant, bool isGuaranteed)
    {
        var isMore = false;
        for (var form = 0; form < _forms.Length; form++)
        {
            if (_forms[form] == FormRoom.None && LeftRoomFor(_model.Forms[form]))
            {
                _forms[form] = FormRoom.Unknown;
                isMore = true;
            }
        }

        if (isMore)
        {
            Open(isGuaranteed);
            return;
        }

        Advance(tenant, place: 0, isGuaranteed);
        foreach (var victim in _victims.Chosen)
        {
            var other = _model.Units[victim].Tenant;
            if (other == tenant)
            {
                continue;
            }

            // It uses less than it did: its limits and its guarantee may have room.
            for (var place = 0; _queues.At(other, place) is >= 0 and var index; place++)
            {
                _isClosed[index] = false;
            }

            Advance(other, place: 0, isGuaranteed);
        }
    }

    /// <summary>Whether the nodes that were made free have room for one of a form's pods.</summary>
    private bool LeftRoomFor(WaitingForm form)
    {
        foreach (var node in _cleared)
        {
            for (var pod = 0; pod < form.Pods.Length; pod++)
            {
                if (form.Groups[pod][_model.GroupOf[node]] && _nodes.Fits(node, _model.Needs[form.Pods[pod]]))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether a search for victims is worth its time.</summary>
    private bool MaySearch(WaitingClass waiting, bool isGuaranteed) =>
        waiting.MayPreempt && waiting.Form.MilliGpu > 0 && _now >= _searchAt[SearchOf(waiting, isGuaranteed)] && _searches[waiting.Tenant] < MaxSearches
        && _books.MayHaveVictims(waiting, isGuaranteed);

    private static int SearchOf(WaitingClass waiting, bool isGuaranteed) => (2 * waiting.Search) + (isGuaranteed ? 1 : 0);

    private bool TrySearch(WaitingClass waiting, bool isGuaranteed, bool[]? flavors)
    {
        if (!MaySearch(waiting, isGuaranteed))
        {
            return false;
        }

        if (_victims.TryChoose(waiting, isGuaranteed, flavors, _now, _placed.Count))
        {
            return true;
        }

        WasInVain(waiting, isGuaranteed);
        return false;
    }

    private void WasInVain(WaitingClass waiting, bool isGuaranteed)
    {
        _searches[waiting.Tenant]++;
        _searchAt[SearchOf(waiting, isGuaranteed)] = _now + 1 + (_now / SearchAgain);
    }

    /// <summary>Goes on, in a tenant's queue, to the next class that might start.</summary>
    private void Advance(int tenant, int place, bool isGuaranteed)
    {
        int index;
        while ((index = _queues.At(tenant, place)) >= 0 && !MightStart(index, isGuaranteed))
        {
            place++;
        }

        _places[tenant] = index < 0 ? -1 : place;
    }

    private bool MightStart(int index, bool isGuaranteed)
    {
        var waiting = _model.Classes[index];
        return !_isClosed[index] && !_isVain[index] && (isGuaranteed || waiting.MayBurst)
            && (HasRoom(waiting.Form) || MaySearch(waiting, isGuaranteed))
            && _books.Allows(waiting, isGuaranteed, out _);
    }

    private bool HasRoom(WaitingForm form)
    {
        if (_forms[form.Index] == FormRoom.Unknown)
        {
            _forms[form.Index] = TryPlace(form, flavors: null) ? FormRoom.Some : FormRoom.None;
            Rollback();
        }

        return _forms[form.Index] == FormRoom.Some;
    }

    private TenantNode? NextTenant(bool isGuaranteed)
    {
        var best = default(TenantNode);
        for (var tenant = 0; tenant < _places.Length; tenant++)
        {
            if (_places[tenant] >= 0 && (best is null || _books.Compare(_model.Tree.Nodes[tenant], best, isGuaranteed) < 0))
            {
                best = _model.Tree.Nodes[tenant];
            }
        }

        return best;
    }

    private bool TryStart(int index, int place, bool isGuaranteed)
    {
        var waiting = _model.Classes[index];
        if (!_books.Allows(waiting, isGuaranteed, out var flavors))
        {
            return false;
        }

        var delay = 0L;
        if (!TryPlace(waiting.Form, flavors))
        {
            if (flavors is null)
            {
                _forms[waiting.Form.Index] = FormRoom.None;
            }

            if (!TrySearch(waiting, isGuaranteed, flavors))
            {
                Rollback();
                return false;
            }

            Rollback();
            _hasEvicted = true;
            _cleared.Clear();
            foreach (var victim in _victims.Chosen)
            {
                delay = Math.Max(delay, _model.Units[victim].GraceSeconds);
                foreach (var (node, _) in _states[victim].Places)
                {
                    _cleared.Add(node);
                }

                MakeWay(victim);
            }

            if (!TryPlace(waiting.Form, flavors))
            {
                Rollback();
                WasInVain(waiting, isGuaranteed);
                return false;
            }

            place = _queues.PlaceOf(index);
        }

        var unit = _queues.Take(index, place);
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

    private bool TryPlace(WaitingForm form, bool[]? flavors)
    {
        for (var pod = 0; pod < form.Pods.Length; pod++)
        {
            var need = _model.Needs[form.Pods[pod]];
            var groups = form.Groups[pod];
            if (flavors is not null && need.MilliGpu > 0)
            {
                for (var group = 0; group < _groups.Length; group++)
                {
                    _groups[group] = groups[group] && flavors[Math.Max(0, _model.FlavorOf[group])];
                }

                groups = _groups;
            }

            var node = _nodes.Find(need, groups);
            if (node < 0)
            {
                return false;
            }

            _nodes.Take(node, need);
            _placed.Add((node, form.Pods[pod]));
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
        _queues.Return(unit);
    }
}

/// <summary>A unit in one future.</summary>
internal sealed class UnitState
{
    /// <summary>Where its pods are.</summary>
    public List<(int Node, int Need)> Places { get; } = [];

    /// <summary>What it counts against quota while it runs, in milli-GPU.</summary>
    public long MilliGpu { get; set; }

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
