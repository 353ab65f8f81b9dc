namespace Scheduler.Core.Forecast;

/// <summary>
/// Who waits in a forward run: each tenant's classes in the order of their first workloads, by priority and then by the place in the
/// tenant's queue. Classes in which nobody waits come last.
/// </summary>
internal sealed class ForwardQueues
{
    private const long Nobody = long.MaxValue;

    private readonly ForwardModel _model;
    private readonly int[][] _order;
    private readonly int[][] _initialOrder;
    private readonly long[] _keys;
    private readonly long[] _initialKeys;
    private readonly int[] _position;
    private readonly List<int>[] _returned;

    public ForwardQueues(ForwardModel model)
    {
        _model = model;
        var classes = model.Classes.Count;
        _position = new int[classes];
        _returned = [.. model.Classes.Select(_ => new List<int>())];
        _keys = new long[classes];
        for (var index = 0; index < classes; index++)
        {
            _keys[index] = KeyOf(index);
        }

        _initialKeys = [.. _keys];
        var byTenant = model.Tree.Nodes.Select(_ => new List<int>()).ToArray();
        for (var index = 0; index < classes; index++)
        {
            byTenant[model.Classes[index].Tenant].Add(index);
        }

        _initialOrder = [.. byTenant.Select(list => list.OrderBy(index => _keys[index]).ThenBy(index => index).ToArray())];
        _order = [.. _initialOrder.Select(order => order.ToArray())];
    }

    /// <summary>As at the beginning.</summary>
    public void Reset()
    {
        Array.Clear(_position);
        _initialKeys.CopyTo(_keys, 0);
        for (var tenant = 0; tenant < _order.Length; tenant++)
        {
            _initialOrder[tenant].CopyTo(_order[tenant], 0);
        }

        foreach (var returned in _returned)
        {
            returned.Clear();
        }
    }

    /// <summary>The class at a place of a tenant's queue, or -1 if nobody waits there or further back.</summary>
    public int At(int tenant, int place)
    {
        var order = _order[tenant];
        return place < order.Length && _keys[order[place]] != Nobody ? order[place] : -1;
    }

    /// <summary>Who waits first in a class: what had to make way was submitted before what still waits. -1: nobody.</summary>
    public int HeadOf(int index)
    {
        if (_returned[index].Count > 0)
        {
            return _returned[index][0];
        }

        var units = _model.Classes[index].Units;
        return _position[index] < units.Count ? units[_position[index]] : -1;
    }

    /// <summary>The place of a class in its tenant's queue.</summary>
    public int PlaceOf(int index) => Array.IndexOf(_order[_model.Classes[index].Tenant], index);

    /// <summary>The first of a class waits no more. The class moves back in its tenant's queue.</summary>
    /// <param name="index">The class.</param>
    /// <param name="place">Its place.</param>
    public int Take(int index, int place)
    {
        var unit = HeadOf(index);
        if (_returned[index].Count > 0)
        {
            _returned[index].RemoveAt(0);
        }
        else
        {
            _position[index]++;
        }

        var key = _keys[index] = KeyOf(index);
        var order = _order[_model.Classes[index].Tenant];
        for (; place + 1 < order.Length && _keys[order[place + 1]] < key; place++)
        {
            order[place] = order[place + 1];
        }

        order[place] = index;
        return unit;
    }

    /// <summary>A unit waits again. Places in its tenant's queue are others then.</summary>
    public void Return(int unit)
    {
        var index = _model.Units[unit].Class;
        var returned = _returned[index];
        var position = returned.BinarySearch(unit);
        returned.Insert(position < 0 ? ~position : position, unit);
        var key = _keys[index] = KeyOf(index);
        var order = _order[_model.Classes[index].Tenant];
        var place = PlaceOf(index);
        for (; place > 0 && _keys[order[place - 1]] > key; place--)
        {
            order[place] = order[place - 1];
        }

        order[place] = index;
    }

    /// <summary>Higher priority first, then who is first in the queue.</summary>
    private long KeyOf(int index) => HeadOf(index) is >= 0 and var head
        ? (((long)int.MaxValue - _model.Classes[index].Priority) << 30) + head
        : Nobody;
}
