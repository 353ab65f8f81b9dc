using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.Scenarios;

/// <summary>Reads <c>topology: required=rack</c>, as in the annotation of a pod.</summary>
internal static class TopologyField
{
    /// <summary>Reads the field; null if it is not there, or wrong.</summary>
    /// <param name="map">Where it stands.</param>
    /// <param name="levels">The labels that name topology domains; default if they are not known, because they are wrong.</param>
    public static TopologyRequest? Read(YamlMap map, ImmutableArray<string> levels)
    {
        if (map.Text("topology") is not { } text)
        {
            return null;
        }

        if (text.Split('=', 2) is not ["required" or "preferred", { Length: > 0 } level])
        {
            map.Error("topology", $"'{text}' is neither required=LEVEL nor preferred=LEVEL, such as required=rack");
            return null;
        }

        if (levels.IsDefault)
        {
            return null;
        }

        // By its label, or by what follows the label's slash.
        if (levels.FirstOrDefault(label => label == level || label.EndsWith($"/{level}", StringComparison.Ordinal)) is { } known)
        {
            return new TopologyRequest(known, text[0] == 'r');
        }

        map.Error("topology", levels.IsEmpty
            ? $"names the level '{level}', but there are none; list them in topologyLevels of a SchedulingPolicy"
            : $"names the level '{level}'; the levels are {string.Join(", ", levels)}");
        return null;
    }
}
