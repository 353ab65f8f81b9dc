using System.Text;
using Scheduler.Telemetry.Exposition;

namespace Scheduler.Telemetry.Tests.Exposition;

/// <summary>Keeps samples as text: <c>name{label=value,…} value</c>.</summary>
internal sealed class Collect : ISampleSink
{
    public List<string> Samples { get; } = [];

    public void Take(in ExpositionSample sample)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(sample.Name)).Append('{');
        foreach (var label in sample.Labels)
        {
            text.Append(Encoding.UTF8.GetString(label.Name)).Append('=').Append(ExpositionLabels.Text(label.Value)).Append(',');
        }

        Samples.Add(text.Append("} ").Append(sample.Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture)).ToString());
    }

    public static (List<string> Samples, ExpositionOutcome Outcome) From(string body, ExpositionLimits? limits = null, int pieces = int.MaxValue) =>
        From(Encoding.UTF8.GetBytes(body), limits, pieces);

    public static (List<string> Samples, ExpositionOutcome Outcome) From(ReadOnlySpan<byte> body, ExpositionLimits? limits = null, int pieces = int.MaxValue)
    {
        var sink = new Collect();
        var parser = new ExpositionParser<Collect>(sink, limits ?? ExpositionLimits.Default);
        while (!body.IsEmpty)
        {
            var length = Math.Min(pieces, body.Length);
            parser.Read(body[..length]);
            body = body[length..];
        }

        return (sink.Samples, parser.Finish());
    }
}
