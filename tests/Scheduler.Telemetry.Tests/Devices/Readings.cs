using System.Text;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Exposition;

namespace Scheduler.Telemetry.Tests.Devices;

/// <summary>Makes readings from text, the way that a scrape does.</summary>
internal static class Readings
{
    public static NodeReading From(string body, ReadingLimits? limits = null)
    {
        var reader = new GpuReader(limits ?? ReadingLimits.Default);
        var parser = new ExpositionParser<GpuReader>(reader, ExpositionLimits.Default);
        parser.Read(Encoding.UTF8.GetBytes(body));
        return reader.Finish(parser.Finish());
    }
}
