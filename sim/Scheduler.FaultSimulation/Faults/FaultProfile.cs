namespace Scheduler.FaultSimulation.Faults;

/// <summary>How hard a run is shaken. All rates are per thousand.</summary>
internal sealed record FaultProfile
{
    /// <summary>Requests that are refused without effect: 409 (writes only), 429, 500 or 503.</summary>
    public int RefusedPermille { get; init; }

    /// <summary>Requests that never arrive, and say so.</summary>
    public int UnreachablePermille { get; init; }

    /// <summary>Requests that never arrive, in silence: a half-open connection.</summary>
    public int SwallowedPermille { get; init; }

    /// <summary>Requests that take effect and whose answer is lost: at once or, half of them, in silence.</summary>
    public int AnswerLostPermille { get; init; }

    /// <summary>Requests and answers that are late, by up to three seconds.</summary>
    public int SlowPermille { get; init; }

    /// <summary>Lines of a watch that come twice.</summary>
    public int DuplicatePermille { get; init; }

    /// <summary>Lines of a watch behind which all that follows is late, by up to 20 seconds.</summary>
    public int LaggingPermille { get; init; }

    /// <summary>Lines of a watch in whose middle the connection breaks.</summary>
    public int CutPermille { get; init; }

    /// <summary>Lines of a watch after which it is silent for good: a half-open connection.</summary>
    public int SilencedPermille { get; init; }

    /// <summary>Lines of a watch instead of which it ends with 410.</summary>
    public int ExpiredPermille { get; init; }

    /// <summary>Crashes, pauses, clock steps, partitions, lost nodes and devices: how many in the run.</summary>
    public int Disturbances { get; init; }

    /// <summary>No faults at all.</summary>
    public static FaultProfile Calm { get; } = new();

    /// <summary>Draws a profile: some runs are shaken by the network, some by the machines, most by both.</summary>
    public static FaultProfile Draw(Random random)
    {
        var network = random.Next(4) switch { 0 => 0, 1 => 1, 2 => 3, _ => 10 };
        return new FaultProfile
        {
            RefusedPermille = network * random.Next(12),
            UnreachablePermille = network * random.Next(6),
            SwallowedPermille = network * random.Next(3),
            AnswerLostPermille = network * random.Next(10),
            SlowPermille = network * random.Next(20),
            DuplicatePermille = network * random.Next(10),
            LaggingPermille = network * random.Next(4),
            CutPermille = network * random.Next(4),
            SilencedPermille = network * random.Next(2),
            ExpiredPermille = network * random.Next(3),
            Disturbances = random.Next(5) == 0 ? 0 : random.Next(1, 10),
        };
    }
}
