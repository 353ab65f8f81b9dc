using System.Globalization;
using Microsoft.Extensions.Logging;
using Scheduler.FaultSimulation.Time;

namespace Scheduler.FaultSimulation;

/// <summary>What happened in a run, one line each: virtual seconds since the start, who, what.</summary>
internal sealed class RunLog(VirtualTime time, TextWriter? writer)
{
    private readonly long _start = time.Now;

    /// <summary>Whether anybody reads it; what is costly to say need not be said otherwise.</summary>
    public bool IsKept => writer is not null;

    /// <summary>Seconds since the start.</summary>
    public double Seconds => (double)(time.Now - _start) / TimeSpan.TicksPerSecond;

    public void Write(string who, string what) =>
        writer?.Write(string.Create(CultureInfo.InvariantCulture, $"{Seconds,8:0.000} {who,-8} {what.ReplaceLineEndings(" ")}\n"));

    /// <summary>Loggers of a daemon. <paramref name="onMessage"/> sees everything from Information upwards.</summary>
    public ILoggerFactory LoggersOf(string who, Action<LogLevel, EventId, string> onMessage) => new Factory(this, who, onMessage);

    private sealed class Factory(RunLog log, string who, Action<LogLevel, EventId, string> onMessage) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("a run has one log");

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= (log.IsKept ? LogLevel.Debug : LogLevel.Warning);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var text = exception is null ? formatter(state, exception) : $"{formatter(state, exception)}: {exception}";
            log.Write(who, $"{logLevel.ToString().ToLowerInvariant()} [{eventId.Id}] {text}");
            onMessage(logLevel, eventId, text);
        }
    }
}
