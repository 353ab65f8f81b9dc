using Microsoft.Extensions.Logging;

namespace Scheduler.Cli.Hosting;

/// <summary>Logs go to stderr: stdout is for what a command answers.</summary>
internal static class Logging
{
    public static void ToStandardError(ILoggingBuilder logging, LogLevel least)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(least);
        if (least == LogLevel.None)
        {
            return;
        }

        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddSimpleConsole(text => (text.SingleLine, text.UseUtcTimestamp, text.TimestampFormat) = (true, true, "HH:mm:ss.fff "));
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
