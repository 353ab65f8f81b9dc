using System.Globalization;
using Scheduler.Input;

namespace Scheduler.Simulation.Traces;

/// <summary>A trace file is wrong. The message is one line: <c>file:line: column: what is wrong and how to mend it</c>.</summary>
public sealed class TraceException : FormatException
{
    /// <summary>Creates the exception without a message.</summary>
    public TraceException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public TraceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public TraceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Ends a reading that found mistakes.</summary>
internal static class TraceMistakes
{
    /// <summary>Tells the first mistake, and how many more there are.</summary>
    /// <exception cref="TraceException">There are mistakes.</exception>
    public static void ThrowIfAny(this FileErrors errors)
    {
        if (errors.Any)
        {
            var first = errors.Sorted[0].ToString();
            throw new TraceException(errors.Count == 1 ? first : string.Create(CultureInfo.InvariantCulture, $"{first} (and {errors.Count - 1} more mistakes)"));
        }
    }
}
