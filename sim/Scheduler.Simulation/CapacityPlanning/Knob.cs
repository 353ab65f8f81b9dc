using System.Globalization;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>What a knob turns.</summary>
internal enum KnobKind
{
    /// <summary>How many nodes a group has.</summary>
    Nodes,

    /// <summary>What a tenant is guaranteed, in GPUs.</summary>
    Guaranteed,

    /// <summary>What a tenant may use beyond its guarantee, in GPUs.</summary>
    Burst,

    /// <summary>The burst of every tenant, as a multiple of its guarantee.</summary>
    BurstFactor,
}

/// <summary>Something about a scenario that may be other than it is, and the values that are tried.</summary>
internal sealed record Knob
{
    /// <summary>As it was given.</summary>
    public required string Text { get; init; }

    /// <summary>What it turns.</summary>
    public required KnobKind Kind { get; init; }

    /// <summary>The node group or tenant; empty for the burst factor.</summary>
    public string Target { get; init; } = "";

    /// <summary>Which quota of a tenant that has several; null: its only one.</summary>
    public string? Flavor { get; init; }

    /// <summary>Where the target stands in the text, counted from 1.</summary>
    public int TargetColumn { get; init; } = 1;

    /// <summary>The least value.</summary>
    public required decimal From { get; init; }

    /// <summary>The distance between values; above 0.</summary>
    public required decimal Step { get; init; }

    /// <summary>How many values there are.</summary>
    public required int Count { get; init; }

    /// <summary>The greatest value.</summary>
    public decimal To => Value(Count - 1);

    /// <summary>Its name, as on the left of the equals sign.</summary>
    public string Name => Kind switch
    {
        KnobKind.Nodes => $"nodes.{Target}",
        KnobKind.BurstFactor => "burstFactor",
        _ => (Kind == KnobKind.Guaranteed ? "guaranteed." : "burst.") + Target + (Flavor is null ? "" : $"[{Flavor}]"),
    };

    /// <summary>One of the values.</summary>
    /// <param name="index">Counted from 0.</param>
    public decimal Value(int index) => From + (index * Step);

    /// <summary>A value for people.</summary>
    public static string Format(decimal value) => value.ToString("0.###", NumberFormatInfo.InvariantInfo);

    /// <summary>A setting of this knob as the subject of a sentence, with its verb.</summary>
    public string Sentence(decimal value)
    {
        var verb = value == 1 ? "is" : "are";
        return Kind switch
        {
            KnobKind.Nodes => $"{Format(value)} {(value == 1 ? "node" : "nodes")} of group {Target} {verb}",
            KnobKind.Guaranteed => $"{Format(value)} guaranteed GPUs of tenant {Target} {verb}",
            KnobKind.Burst => $"{Format(value)} burst GPUs of tenant {Target} {verb}",
            _ => $"A burst factor of {Format(value)} is",
        };
    }
}
