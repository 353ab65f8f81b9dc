using System.Globalization;
using Scheduler.Cli.Workloads;
using Scheduler.Input;
using Scheduler.SimulatedCluster;

namespace Scheduler.Cli.Up;

/// <summary>
/// A fault to inject into the embedded cluster, as it is typed: a word, the node, the GPU where the word is about one, and a number
/// where it needs one; before it the time, if it comes from an option.
/// </summary>
/// <param name="At">When, from the start on.</param>
/// <param name="Kind">The word.</param>
/// <param name="Node">The node.</param>
/// <param name="Device">The GPU; null for the node as a whole.</param>
/// <param name="Number">The XID, or the temperature in °C; 0 where the word needs none.</param>
internal sealed record FaultCommand(TimeSpan At, string Kind, string Node, int? Device, int Number)
{
    /// <summary>In place of a fault: they are read from stdin.</summary>
    public const string FromStandardInput = "-";

    private const int DefaultCelsius = 95;

    private const string Forms = "xid NODE GPU CODE, hot NODE GPU [CELSIUS], remap NODE GPU, silent NODE, reject NODE or heal NODE [GPU]";

    /// <summary>Reads a command.</summary>
    /// <param name="text">Such as <c>20s xid n3 5 79</c>.</param>
    /// <param name="isTimed">Whether it begins with a time.</param>
    /// <returns>The command, or what is wrong with the text.</returns>
    public static (FaultCommand? Command, string? Mistake) Parse(string text, bool isTimed)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToList();
        var at = TimeSpan.Zero;
        if (isTimed)
        {
            if (words.Count == 0 || !DurationText.TryParse(words[0], out at))
            {
                return (null, $"'{text}' does not begin with a time such as 20s; write a time and then {Forms}");
            }

            words.RemoveAt(0);
        }

        int? device = words.Count > 2 && TryNumber(words[2], out var index) ? index : null;
        int? number = words.Count > 3 && TryNumber(words[3], out var value) ? value : null;
        FaultCommand? command = words switch
        {
            ["xid", var node, _, _] when device is not null && number is > 0 => new(at, "xid", node, device, number.Value),
            ["hot", var node, _] when device is not null => new(at, "hot", node, device, DefaultCelsius),
            ["hot", var node, _, _] when device is not null && number is not null => new(at, "hot", node, device, number.Value),
            ["remap", var node, _] when device is not null => new(at, "remap", node, device, 0),
            ["heal", var node, _] when device is not null => new(at, "heal", node, device, 0),
            ["silent" or "reject" or "heal", var node] => new(at, words[0], node, null, 0),
            _ => null,
        };
        return command is null ? (null, $"'{text}' is none of {Forms}") : (command, null);
    }

    /// <summary>Why it cannot be done on these nodes; null if it can.</summary>
    public string? MistakeOn(NodeList nodes)
    {
        var target = nodes.Nodes.FirstOrDefault(node => node.Name == Node);
        return target is null ? $"there is no node '{Node}'; weir gpus lists the nodes with GPUs"
            : Device >= target.Gpus && target.MigProfiles.Count == 0 ? $"node '{Node}' has no GPU {Device}; it has {target.Gpus}, and they are counted from 0"
            : null;
    }

    /// <summary>Does it.</summary>
    public void Inject(GpuFaults faults)
    {
        switch (Kind)
        {
            case "xid": faults.Xid(Node, Device!.Value, Number); break;
            case "hot": faults.Hot(Node, Device!.Value, Number); break;
            case "remap": faults.Remap(Node, Device!.Value); break;
            case "silent": faults.Silence(Node); break;
            case "reject": faults.Reject(Node); break;
            default: faults.Heal(Node, Device); break;
        }
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
